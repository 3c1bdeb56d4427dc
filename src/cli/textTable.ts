/** Columns of text, two spaces apart, the first flush left and the others flush right. No line ends in spaces. */
export function formatTable(rows: readonly (readonly string[])[], indent = '  '): string {
  const widths: number[] = [];
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ');
  return rows.map((row) => `${indent}${line(row)}`.trimEnd()).join('\n');
}

/** A number with thousands separated by spaces, whatever the locale; fractions to one digit. */
export function formatCount(value: number): string {
  const [whole, fraction] = (Number.isInteger(value) ? String(value) : value.toFixed(1)).split('.');
  const grouped = whole!.replace(/\B(?=(\d{3})+$)/g, ' ');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `part` of `whole` in percent. */
export const formatShare = (part: number, whole: number): string => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`);
