import type { Measurement } from '../../../src/experiments/measurement.ts';
import type { LockStats } from '../../../src/trace/lockStats.ts';
import { FREQUENCY_HZ, measurementOf } from '../synthetic.ts';

/** A measurement with these figures of the guest and statistics of locks. */
function runOf(figures: Readonly<Record<string, number>>, locks: Partial<LockStats>, given: Partial<Measurement> = {}): Measurement {
  const base = measurementOf([], given);
  return { ...base, figures, stats: { ...base.stats, locks: { ...base.stats.locks, ...locks } } };
}

const preempted = (waits: number) => ({ preemptions: waits, waits, cycles: 0 });

/** A run of fairbench: acquisitions in a second, Jain's index, and waits that preemptions of holders and of waiters cost something. */
export const fairbenchRun = (acquisitions: number, jain = 1, holder = 10, waiter = 90): Measurement =>
  runOf(
    { acquisitions, cycles: FREQUENCY_HZ, "Jain's index, millionths": jain * 1e6 },
    { holderPreemptions: preempted(holder), waiterPreemptions: preempted(waiter) },
  );

/** A run with so many waits that a preemption cost something, and `counted` by the published method: three quarters as waiters', half of them rightly. */
export const judgedRun = (holder: number, waiter: number, counted: number): Measurement => {
  const run = runOf(
    {},
    {
      acquisitions: 5000,
      contended: 500,
      holderPreemptions: preempted(holder),
      waiterPreemptions: preempted(waiter),
      authors: { lhp: counted / 4, lwp: (3 * counted) / 4, lhpConfirmed: counted / 8, lwpConfirmed: (3 * counted) / 8 },
    },
  );
  return { ...run, counts: { ...run.counts, userCycles: [1e9] } };
};

/** A run whose programs needed so many cycles of the eight cores for each of their own. @param shares of the work that each VM did. */
export function workloadRun(machineTime: number, shares: readonly number[] = [1]): Measurement {
  const run = runOf({}, {}, { begin: 0, end: FREQUENCY_HZ });
  return { ...run, counts: { ...run.counts, userCycles: shares.map((share) => (share * 8 * FREQUENCY_HZ) / machineTime) } };
}

/** A run of 1000 acquisitions of which those in `waits` had to wait, so many microseconds each. */
export function waitingRun(waits: readonly number[]): Measurement {
  const sorted = [...waits].sort((a, b) => a - b).map((micros) => (micros * FREQUENCY_HZ) / 1e6);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return runOf(
    {},
    { acquisitions: 1000, contended: waits.length, waitCycles: { min: sorted[0]!, median: null, mean, p99: null, max: sorted.at(-1)! } },
    { lockWaits: sorted.map((value, index) => ({ value, share: (index + 1) / sorted.length })) },
  );
}
