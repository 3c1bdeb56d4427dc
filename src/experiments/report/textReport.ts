import type { Table } from '../findings.ts';
import { describeLabels, type ExperimentRun } from '../runExperiment.ts';
import { cellText } from './cellText.ts';

const MARKS = { holds: 'holds  ', fails: 'FAILS  ', 'not measured': '?      ' } as const;

/** What standard output shows: tables, the numbers beside the paper's, and the verdicts. */
export function textReport({ experiment, scale, findings, failed, missing, results, resumed }: ExperimentRun): string {
  const lines = [
    `${experiment.name}: ${experiment.doc}`,
    `${results.entries.length} runs (${scale})${resumed > 0 ? `, ${resumed} of them from before` : ''}`,
  ];
  for (const table of findings.tables) lines.push('', table.title, ...tableLines(table));
  if (findings.headlines.length > 0) lines.push('', 'beside the paper');
  for (const { what, published, certainty, measured, explanation } of findings.headlines) {
    lines.push(`  ${what}: published ${published} [${certainty}], here ${measured}`);
    if (explanation !== '') lines.push(`    ${explanation}`);
  }
  lines.push('', 'shape');
  for (const { name, expectation, verdict, evidence } of findings.checks)
    lines.push(`  ${MARKS[verdict]}${name}: ${expectation}`, `         ${evidence}`);
  if (findings.notes.length > 0) lines.push('', ...findings.notes.map((note) => `note: ${note}`));
  if (failed.length > 0)
    lines.push('', `${failed.length} runs failed:`, ...failed.map(({ labels, reason }) => `  ${describeLabels(labels)}: ${reason}`));
  if (missing > 0) lines.push('', `${missing} runs were not made`);
  return `${lines.join('\n')}\n`;
}

/** Columns two spaces apart, numbers flush right. */
function tableLines({ columns, rows }: Table): string[] {
  const cells = [columns.map(({ name }) => name), ...rows.map((row) => row.map((cell, column) => cellText(cell, columns[column]!)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const isText = columns.map((_, column) => rows.every((row) => typeof row[column] === 'string'));
  return cells.map((row) =>
    `  ${row.map((cell, column) => (isText[column] ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')}`.trimEnd(),
  );
}
