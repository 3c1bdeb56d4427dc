import { expect, test } from 'vitest';
import { locksSpeedup } from '../../../src/experiments/locks/locksSpeedup.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { point } from '../synthetic.ts';
import { fairbenchRun, workloadRun } from './lockRuns.ts';

type Times = Readonly<Record<string, readonly [alone: number, two: number, three?: number]>>;

/** Time by lock on a workload: what the work takes alone, beside a neighbour, and beside two; machine time is the part of it that a VM has. */
const entries = (workload: string, times: Times) =>
  Object.entries(times).flatMap(([variant, both]) =>
    [...both.slice(0, 2), both[2] ?? 1.5 * both[1]].map((time, index) => ({
      point: point({ sweep: 'workloads', workload, vms: index + 1, variant, seed: 1 }),
      measurement: workloadRun(time! / (index + 1)),
    })),
  );

const GOOD: Times = { ticket: [100, 1000], 'pv-ticket': [101, 220], preemptable: [100, 250], 'pv-preemptable': [102, 200] };
const reduce = (first: Times, second: Times = GOOD) =>
  locksSpeedup.reduce(new ResultSet([...entries('hackbench', first), ...entries('ebizzy', second)]), 'full');
const failing = (first: Times, second?: Times): string[] =>
  reduce(first, second)
    .checks.filter(({ verdict }) => verdict !== 'holds')
    .map(({ name }) => name);

test('the checks of locks-speedup hold where the published shape comes out', () => expect(failing(GOOD)).toEqual([]));
test('each of them can fail', () => {
  expect(failing({ ...GOOD, preemptable: [110, 250] })).toEqual(['alone all are equal']);
  const mild: Times = { ...GOOD, ticket: [100, 390, 900] };
  expect(failing(mild, mild)).toEqual(['ticket collapses under overcommit']);
  expect(failing(mild)).toEqual([]);
  expect(failing({ ...GOOD, preemptable: [100, 310, 400] })).toEqual(['preemptable does not']);
  expect(failing({ ...GOOD, preemptable: [100, 250, 460] })).toEqual(['and so it is with three VMs']);
  const soft: Times = { ...GOOD, ticket: [100, 1000, 590] };
  expect(failing(soft, soft)).toEqual(['and so it is with three VMs']);
  const late: Times = { ...GOOD, ticket: [100, 420, 900], preemptable: [100, 312, 400] };
  expect(failing(late, late)).toEqual(['preemptable does not', 'it wins back most of what ticket loses']);
  const slow: Times = { ...GOOD, preemptable: [600, 1100, 1100] };
  expect(failing(slow, slow)).toEqual(['alone all are equal', 'preemptable is faster than ticket']);
  const worse: Times = { ...GOOD, 'pv-preemptable': [100, 260], 'pv-ticket': [100, 260] };
  expect(failing(worse, worse)).toEqual(['paravirtual help does no harm']);
  const beaten: Times = { ...GOOD, 'pv-ticket': [100, 190] };
  expect(failing(beaten, beaten)).toEqual(['pv-preemptable is at least as fast as pv-ticket']);
});
test('nothing measured is no verdict', () => {
  expect(locksSpeedup.reduce(new ResultSet([]), 'quick').checks.map(({ verdict }) => verdict)).toEqual(Array(7).fill('not measured'));
});
test('averages are over workloads, beside the published ones; what there was to be won is told', () => {
  const { headlines, tables } = reduce(GOOD, { ...GOOD, ticket: [100, 500] });
  expect(headlines.slice(0, 2).map(({ published, measured }) => [published, measured])).toEqual([
    ['5.32x', '3.00x, by rates 3.00x (hackbench 4.00x, ebizzy 2.00x)'],
    ['7.91x', '3.75x, by rates 3.75x (hackbench 5.00x, ebizzy 2.50x)'],
  ]);
  expect(headlines[0]!.explanation).toContain('hackbench 5.00x, ebizzy 2.50x, on average 3.75x');
  const averages = tables.find(({ id }) => id === 'averages')!.rows.filter(([vms]) => vms === 2);
  expect(averages.map(([, lock, mean, geometric]) => [lock, mean, Number((geometric as number).toFixed(3))])).toContainEqual([
    'preemptable',
    3,
    2.828,
  ]);
});
test('the sensitivity table has times of the workload and throughputs of fairbench', () => {
  const changed = (
    workload: string,
    what: string,
    value: number,
    vms: number,
    runs: Readonly<Record<string, ReturnType<typeof workloadRun>>>,
  ) =>
    Object.entries(runs).map(([variant, measurement]) => ({
      point: point({ sweep: 'sensitivity', workload, what, value, vms, variant, seed: 1 }),
      measurement,
    }));
  const runs = (ticket: number, preemptable: number, pv: number) => ({
    ticket: workloadRun(ticket),
    preemptable: workloadRun(preemptable),
    'pv-preemptable': workloadRun(pv),
  });
  const results = new ResultSet([
    ...changed('ebizzy', 'slice, ms', 3, 2, runs(300, 200, 100)),
    ...changed('ebizzy', 'slice, ms', 3, 1, runs(100, 125, 200)),
    ...changed('ebizzy', 'slice, ms', 6, 2, runs(300, 100, 100)),
    ...changed('fairbench', 'section, instructions', 100, 2, {
      ticket: fairbenchRun(10),
      preemptable: fairbenchRun(40),
      'pv-preemptable': fairbenchRun(50),
    }),
  ]);
  const { tables, headlines } = locksSpeedup.reduce(results, 'full');
  expect(tables.at(-1)!.rows).toEqual([
    ['ebizzy', 'slice, ms', 3, 1, 1.5, 3, 1.5, 3, 0.8, 0.5],
    ['ebizzy', 'slice, ms', 6, 1, 3, 3, 3, 3, Number.NaN, Number.NaN],
    ['fairbench', 'section, instructions', 100, 1, 4, 5, 4, 5, Number.NaN, Number.NaN],
  ]);
  expect(headlines[2]!.measured).toBe('ebizzy, slice, ms: 1.50x to 3.00x; fairbench, section, instructions: 4.00x to 4.00x');
});
test('kernbench is measured, but not in the averages; the spread over seeds is shown', () => {
  const times: Times = { ...GOOD, preemptable: [100, 100] };
  const again = entries('hackbench', { ticket: [100, 1000], preemptable: [100, 500] }).map(({ point: { labels }, measurement }) => ({
    point: point({ ...labels, seed: 2 }),
    measurement,
  }));
  const results = new ResultSet([...entries('hackbench', GOOD), ...entries('kernbench', times), ...again]);
  const { headlines, tables } = locksSpeedup.reduce(results, 'full');
  // Ticket takes 1000 with both seeds, preemptable 250 and 500: on average 375, and three times as much in a given time.
  expect(headlines[0]!.measured).toBe('2.67x, by rates 3.00x (hackbench 2.67x (2.00 to 4.00))');
  const rows = tables[0]!.rows.filter(([workload, vms]) => workload === 'kernbench' && vms === 2);
  expect(rows.map((row) => [row[2], row[5]])).toContainEqual(['preemptable', 10]);
});
test('a lock is compared with ticket of the same seeds', () => {
  const run = (variant: string, seed: number, time: number) => ({
    point: point({ sweep: 'workloads', workload: 'hackbench', vms: 2, variant, seed }),
    measurement: workloadRun(time),
  });
  const results = new ResultSet([run('ticket', 1, 10), run('ticket', 2, 1000), run('tas', 1, 5)]);
  const { tables } = locksSpeedup.reduce(results, 'full');
  expect(tables[0]!.rows.map((row) => [row[2], row[5]])).toEqual([
    ['ticket', 1],
    ['tas', 2],
  ]);
});
