import type { RunStats } from '../trace/runStats.ts';

/** The statistics as `key,value` lines, keys as paths: `shootdown.latencyCycles.median`, `cores.0.busyCycles`. Null is an empty value. */
export function formatCsv(stats: RunStats): string {
  const rows: string[] = ['key,value'];
  const visit = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(path === '' ? key : `${path}.${key}`, inner);
    } else {
      rows.push(`${quote(path)},${quote(value === null || value === undefined ? '' : String(value))}`);
    }
  };
  visit('', stats);
  return `${rows.join('\n')}\n`;
}

/** As RFC 4180 has it. */
const quote = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
