/** Earlier reports, one JSON object on each line of bench/history.jsonl, oldest first. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { BenchReport } from './report.ts';

const FILE = 'bench/history.jsonl';

export function appendHistory(report: BenchReport, file = FILE): void {
  appendFileSync(file, `${JSON.stringify(report)}\n`);
}

/**
 * The report to compare with: the file of that name, or the newest entry of that commit, or (`which` empty) the newest of the same processor and
 * major version of Node. Undefined when there is none.
 */
export function earlierReport(which: string, now: Pick<BenchReport, 'processor' | 'node'>, file = FILE): BenchReport | undefined {
  if (which !== '' && existsSync(which)) return JSON.parse(readFileSync(which, 'utf8')) as BenchReport;
  if (!existsSync(file)) return undefined;
  const major = (version: string): string => version.split('.')[0]!;
  const reports = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as BenchReport);
  if (which !== '') return reports.findLast((report) => report.commit.startsWith(which));
  return reports.findLast((report) => report.processor === now.processor && major(report.node) === major(now.node));
}
