import { describe, expect, test } from 'vitest';
import { locksPreemption } from '../../../src/experiments/locks/locksPreemption.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { point } from '../synthetic.ts';
import { judgedRun, fairbenchRun as run } from './lockRuns.ts';

interface Whole {
  readonly vms: number;
  readonly holder: number;
  readonly waiter: number;
  /** Both together, as the authors count. */
  readonly counted: number;
}
/** hackbench with ticket, alone and beside neighbours. */
const WHOLE: readonly Whole[] = [
  { vms: 1, holder: 0, waiter: 0, counted: 5 },
  { vms: 2, holder: 10, waiter: 90, counted: 100 },
  { vms: 3, holder: 8, waiter: 92, counted: 300 },
];

describe('the checks of locks-preemption', () => {
  const failing = (ticket: number, preemptable: number, waiter = 90, alone = 1000, kernels = WHOLE): string[] => {
    const entries = [
      { point: point({ lock: 'ticket', vms: 1, seed: 1 }), measurement: run(1000) },
      { point: point({ lock: 'ticket', vms: 2, seed: 1 }), measurement: run(ticket, 1, 100 - waiter, waiter) },
      { point: point({ lock: 'preemptable', vms: 1, seed: 1 }), measurement: run(alone) },
      { point: point({ lock: 'preemptable', vms: 2, seed: 1 }), measurement: run(preemptable) },
      ...kernels.map(({ vms, holder, waiter: late, counted }) => ({
        point: point({ sweep: 'workloads', workload: 'hackbench', lock: 'ticket', vms, seed: 1 }),
        measurement: judgedRun(holder, late, counted),
      })),
    ];
    const { checks } = locksPreemption.reduce(new ResultSet(entries), 'full');
    return checks.filter(({ verdict }) => verdict !== 'holds').map(({ name }) => name);
  };

  test('hold where ticket collapses and preemptable does not', () => expect(failing(50, 450)).toEqual([]));
  test('can fail, each of them', () => {
    expect(failing(400, 450)).toEqual(['ticket collapses under overcommit']);
    expect(failing(50, 200)).toEqual(['preemptable does not']);
    expect(failing(50, 450, 60)).toEqual(['most of the trouble is the waiters’']);
    expect(failing(50, 450, 90, 850)).toEqual(['alone they are about equal']);
    const kernels = (change: (one: Whole) => Whole): string[] => failing(50, 450, 90, 1000, WHOLE.map(change));
    expect(kernels((one) => (one.vms === 2 ? { ...one, holder: 40, waiter: 60 } : one))).toEqual(['in whole kernels, too']);
    expect(kernels((one) => (one.vms === 1 ? { ...one, counted: 20 } : one))).toEqual(['overcommit multiplies the trouble']);
    expect(kernels((one) => (one.vms === 3 ? { ...one, holder: 15, waiter: 85 } : one))).toEqual([
      'and the waiters’ share does not fall with it',
    ]);
  });
});

test('whole kernels have a row with both ways of counting', () => {
  const one = {
    point: point({ sweep: 'workloads', workload: 'ebizzy', lock: 'ticket', vms: 2, seed: 1 }),
    measurement: judgedRun(20, 80, 60),
  };
  const { tables } = locksPreemption.reduce(new ResultSet([one]), 'full');
  // Of 60 that were counted, 3/4 are waiters', and half are right.
  expect(tables[1]!.rows).toEqual([['ebizzy', 'ticket', 2, 5000, 500, 100, 80, 60, 75, 50, 30]]);
});
