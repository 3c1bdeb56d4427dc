import type { Cell, Column } from '../findings.ts';

/** The cell as readers see it: thousands apart, as many decimals as the column has, a dash for what is not there. */
export function cellText(cell: Cell, { digits = 0 }: Column): string {
  if (cell === null) return '–';
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '–';
  const [whole = '', fraction] = cell.toFixed(digits).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ' ');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
