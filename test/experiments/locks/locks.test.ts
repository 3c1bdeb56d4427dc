import { describe, expect, test } from 'vitest';
import { locksFairness } from '../../../src/experiments/locks/locksFairness.ts';
import { locksPreemption } from '../../../src/experiments/locks/locksPreemption.ts';
import type { Measurement } from '../../../src/experiments/measurement.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { measurementOf, point } from '../synthetic.ts';

/** A run of fairbench: acquisitions in a second, Jain's index, and waits that preemptions of holders and of waiters cost something. */
function run(acquisitions: number, jain = 1, holder = 10, waiter = 90): Measurement {
  const base = measurementOf([]);
  const { locks } = base.stats;
  const figures = { acquisitions, cycles: 2.6e9, "Jain's index, millionths": jain * 1e6 };
  const preempted = (waits: number) => ({ preemptions: waits, waits, cycles: 0 });
  return {
    ...base,
    figures,
    stats: { ...base.stats, locks: { ...locks, holderPreemptions: preempted(holder), waiterPreemptions: preempted(waiter) } },
  };
}

describe('the checks of locks-preemption', () => {
  const failing = (ticket: number, preemptable: number, waiter = 90, alone = 1000): string[] => {
    const entries = [
      { point: point({ lock: 'ticket', vms: 1, seed: 1 }), measurement: run(1000) },
      { point: point({ lock: 'ticket', vms: 2, seed: 1 }), measurement: run(ticket, 1, 100 - waiter, waiter) },
      { point: point({ lock: 'preemptable', vms: 1, seed: 1 }), measurement: run(alone) },
      { point: point({ lock: 'preemptable', vms: 2, seed: 1 }), measurement: run(preemptable) },
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
  });
});

describe('the checks of locks-fairness', () => {
  const found = (patientAlone: number, shared: number) =>
    locksFairness.reduce(
      new ResultSet([
        { point: point({ lock: 'preemptable', vms: 1, unit: 0, seed: 1 }), measurement: run(1100, 0.92) },
        { point: point({ lock: 'preemptable', vms: 1, unit: 14, seed: 1 }), measurement: run(1000, patientAlone) },
        { point: point({ lock: 'preemptable', vms: 2, unit: 0, seed: 1 }), measurement: run(500, shared) },
        { point: point({ lock: 'preemptable', vms: 2, unit: 14, seed: 1 }), measurement: run(300, 0.98) },
      ]),
      'full',
    );

  test('hold where patience is fair and overcommit is not', () => {
    expect(found(0.99, 0.7).checks.map(({ verdict }) => verdict)).toEqual(['holds', 'holds']);
  });
  test('can fail, each of them', () => {
    expect(found(0.93, 0.7).checks[0]!.verdict).toBe('fails');
    expect(found(0.99, 0.97).checks[1]!.verdict).toBe('fails');
  });
  test('the best unit is the fastest of the fair ones', () => {
    expect(found(0.99, 0.7).figures[0]!.measured).toBe(
      'best fair unit ×1: 2^0 (1.1 per ms, Jain 0.920); ×2: 2^14 (0.3 per ms, Jain 0.980)',
    );
  });
});
