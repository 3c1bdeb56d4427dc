import { expect, test } from 'vitest';
import { halvesOf, shootdownAndLocks } from '../../../src/experiments/locks/shootdownAndLocks.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { point } from '../synthetic.ts';
import { workloadRun } from './lockRuns.ts';

/** Machine time by lock and scheme. */
const results = (times: Readonly<Record<string, number>>) =>
  new ResultSet(
    Object.entries(times).map(([names, time]) => {
      const [lock, scheme] = names.split(' ') as [string, string];
      return { point: point({ workload: 'ebizzy', vms: 2, lock, scheme, seed: 1 }), measurement: workloadRun(time) };
    }),
  );
const GOOD = {
  'ticket ipi': 1000,
  'ticket hyperv': 600,
  'ticket kvmtlb': 700,
  'pv-ticket ipi': 500,
  'pv-ticket hyperv': 200,
  'pv-ticket kvmtlb': 300,
};
const failing = (times: Readonly<Record<string, number>>): string[] =>
  shootdownAndLocks
    .reduce(results(times), 'full')
    .checks.filter(({ verdict }) => verdict !== 'holds')
    .map(({ name }) => name);

test('what is left when one half is mended is told against the best of both', () => {
  expect(halvesOf(results(GOOD))).toEqual([
    {
      workload: 'ebizzy',
      neither: 1000,
      lock: { lock: 'pv-ticket', scheme: 'ipi', time: 500 },
      scheme: { lock: 'ticket', scheme: 'hyperv', time: 600 },
      both: { lock: 'pv-ticket', scheme: 'hyperv', time: 200 },
    },
  ]);
  const { tables, figures } = shootdownAndLocks.reduce(results(GOOD), 'full');
  expect(tables[1]!.rows.map((row) => [row[1], row[5], Math.round(row[6] as number)])).toEqual([
    ['neither', 1, 80],
    ['the lock', 2, 60],
    ['the scheme', 1000 / 600, 67],
    ['both', 5, 0],
  ]);
  expect(figures[0]!.measured).toBe(
    'ebizzy: pv-ticket alone leaves 60 % of its time on the table, hyperv alone 67 %; together 5.00 times as fast as neither',
  );
});
test('its checks hold where both halves count', () => expect(failing(GOOD)).toEqual([]));
test('each of them can fail', () => {
  expect(failing({ ...GOOD, 'pv-ticket hyperv': 460, 'pv-ticket kvmtlb': 470 })).toEqual(['one half is not enough']);
  expect(failing({ ...GOOD, 'ticket ipi': 150 })).toEqual(['both together are never slower than neither']);
});
test('nothing measured is no verdict', () => {
  expect(shootdownAndLocks.reduce(new ResultSet([]), 'full').checks.map(({ verdict }) => verdict)).toEqual([
    'not measured',
    'not measured',
  ]);
});
