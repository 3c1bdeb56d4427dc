import type { ResultSet } from '../resultSet.ts';
import { pointMetrics } from './pointMetrics.ts';

/** One line for each point: its labels, then its numbers. As RFC 4180 has it; what a point does not have is empty. */
export function resultsCsv(results: ResultSet): string {
  const rows = results.entries.map(
    ({ point, measurement }) => ({ ...point.labels, ...pointMetrics(measurement) }) as Record<string, string | number | null>,
  );
  const labels = new Set(results.entries.flatMap(({ point }) => Object.keys(point.labels)));
  const names = [...labels, ...[...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !labels.has(name))];
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? ''))];
  return lines.map((line) => `${line.map((cell) => quote(String(cell))).join(',')}\r\n`).join('');
}

const quote = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
