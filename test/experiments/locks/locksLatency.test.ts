import { expect, test } from 'vitest';
import { locksLatency, waitQuantile } from '../../../src/experiments/locks/locksLatency.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { point } from '../synthetic.ts';
import { waitingRun } from './lockRuns.ts';

/** Waits in µs of ticket alone and beside a neighbour, and of preemptable beside one; the slice is 12,000 µs. */
function found(alone: readonly number[], ticket: readonly number[], preemptable: readonly number[]) {
  const at = (lock: string, vms: number, waits: readonly number[]) => ({
    point: point({ lock, vms, seed: 1 }),
    measurement: waitingRun(waits),
  });
  return locksLatency.reduce(new ResultSet([at('ticket', 1, alone), at('ticket', 2, ticket), at('preemptable', 2, preemptable)]), 'full');
}
const failing = (...waits: Parameters<typeof found>): string[] =>
  found(...waits)
    .checks.filter(({ verdict }) => verdict !== 'holds')
    .map(({ name }) => name);

test('the checks of locks-latency hold where only ticket waits for slices', () =>
  expect(failing([1, 2], [5, 12_000], [1, 5000])).toEqual([]));
test('each of them can fail', () => {
  expect(failing([1, 1300], [5, 12_000], [1, 5000])).toEqual(['alone nobody waits for a scheduler']);
  expect(failing([1, 2], [5, 5900], [1, 50])).toEqual(['under overcommit somebody does']);
  expect(failing([1, 2], [5, 12_000], [1, 9000])).toEqual(['patience that ends shortens the wait']);
});
test('nothing measured is no verdict', () => {
  expect(locksLatency.reduce(new ResultSet([]), 'full').checks.map(({ verdict }) => verdict)).toEqual(Array(3).fill('not measured'));
});
test('quantiles are those of all acquisitions, of which most do not wait', () => {
  // 1000 acquisitions, 20 of them waited, 10 µs, 20 µs, … 200 µs.
  const run = waitingRun(Array.from({ length: 20 }, (_, index) => 10 * (index + 1)));
  const quantiles = [0.5, 0.98, 0.981, 0.99, 0.999, 1].map((share) => Math.round(waitQuantile(run, share)));
  expect(quantiles).toEqual([0, 0, 10, 100, 190, 200]);
});
test('the table has shares and means over all acquisitions', () => {
  const [row] = found([10, 30], [5], [5]).tables[0]!.rows;
  expect(row!.map((cell) => (typeof cell === 'number' ? Number(cell.toFixed(6)) : cell))).toEqual([
    'ticket',
    1,
    1000,
    0.2,
    0,
    0,
    0,
    10,
    0.04,
    30,
  ]);
});
