/** Earlier reports, one JSON object on each line of bench/history.jsonl, oldest first. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { BenchReport } from './report.ts';

const FILE = 'bench/history.jsonl';

export function appendHistory(report: BenchReport): void {
  appendFileSync(FILE, `${JSON.stringify(report)}\n`);
}

/** The newest report of the same processor and the same major version of Node, if there is one. */
export function comparable({ processor, node }: Pick<BenchReport, 'processor' | 'node'>): BenchReport | undefined {
  if (!existsSync(FILE)) return undefined;
  const major = (version: string): string => version.split('.')[0]!;
  const reports = readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as BenchReport);
  return reports.findLast((report) => report.processor === processor && major(report.node) === major(node));
}
