import { describe, expect, test } from 'vitest';
import { locksPreemption } from '../../../src/experiments/locks/locksPreemption.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { point } from '../synthetic.ts';
import { fairbenchRun as run } from './lockRuns.ts';

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
