import type { LatencySummary } from './latencySummary.ts';

/** What waiting for the locks of a guest was about (trace/lockRecorder). All zero when the guest marks no locks. */
export interface LockStats {
  readonly acquisitions: number;
  /** Acquisitions that had to wait. */
  readonly contended: number;
  /** Acquisitions while somebody else was first in a line that is meant to be served in order. */
  readonly outOfOrder: number;
  /** Waits whose patience ran out. */
  readonly timeouts: number;
  /** From the first try to the acquisition, of those that had to wait. */
  readonly waitCycles: Omit<LatencySummary, 'count'>;
  /** Holders that were preempted while somebody on a core waited; waits that this cost something; and the cycles on a core that it cost them. */
  readonly holderPreemptions: { readonly preemptions: number; readonly waits: number; readonly cycles: number };
  /** The same for the first in line, who was preempted while the lock was free. */
  readonly waiterPreemptions: { readonly preemptions: number; readonly waits: number; readonly cycles: number };
  /** The lock was free, and the first in line had halted and was not back on a core yet. */
  readonly sleepingWaiters: { readonly waits: number; readonly cycles: number };
  /** The published method: waits that polled 1024 times, by whether the lock had an owner then; and how many of them it judged rightly. */
  readonly authors: { readonly lhp: number; readonly lwp: number; readonly lhpConfirmed: number; readonly lwpConfirmed: number };
}
