/** What is known of locks and of those that use them, while a run is observed. */

/** A vCPU, or a core outside VMs. */
export interface Party {
  /** On a core. */
  running: boolean;
  /** Taken off its core though it could have gone on. */
  preempted: boolean;
  /** Few: in the order in which they were taken. */
  readonly held: LockState[];
  /** Waits under way; more than one when an interrupt handler waits inside a wait. */
  readonly waits: LockWait[];
  /** Its present preemption has cost somebody cycles: as the holder of a lock, as the first in a line. */
  harmedAsHolder: boolean;
  harmedAsWaiter: boolean;
}

export interface LockState {
  holder: Party | undefined;
  /** Those that wait, in order of arrival. */
  readonly line: LockWait[];
}

/** Why a running core does not get a lock that it waits for. */
export const CAUSE_CONTENTION = 0;
export const CAUSE_HOLDER_PREEMPTED = 1;
export const CAUSE_WAITER_PREEMPTED = 2;
export const CAUSE_WAITER_ASLEEP = 3;
export const CAUSES = 4;

/** One wait for one lock. */
export interface LockWait {
  readonly party: Party;
  readonly lock: LockState;
  readonly began: number;
  /** Up to when its cycles are accounted for; meaningless while it is off its core. */
  since: number;
  /** Cause of the cycles that were accounted for last. */
  cause: number;
  /** Cycles on a core, by cause. */
  readonly cycles: Float64Array;
  /** Cycles on a core after which the published method judges; Infinity once it has. */
  judgedAfter: number;
  inOrder: boolean;
  /** A number modulo 2^16 that says what its place in the line is; -1: the moment when it came. */
  ticket: number;
  timedOut: boolean;
}

/** The wait takes the place in its line that its ticket gives it. */
export function takePlace(wait: LockWait): void {
  const { line } = wait.lock;
  line.splice(line.indexOf(wait), 1);
  const behind = line.findIndex(({ ticket }) => ticket >= 0 && ((ticket - wait.ticket) & 0xffff) < 0x8000);
  line.splice(behind < 0 ? line.length : behind, 0, wait);
}

/** Why `wait`, which is on a core, does not hold its lock now. */
export function causeOf({ lock, inOrder, timedOut }: LockWait): number {
  const { holder, line } = lock;
  if (holder !== undefined) return holder.preempted ? CAUSE_HOLDER_PREEMPTED : CAUSE_CONTENTION;
  // Free: whoever competes takes it at its next poll, and so does the first in line if it runs. The others let it pass.
  const first = line[0]!.party;
  if (!inOrder || timedOut || first.running) return CAUSE_CONTENTION;
  return first.preempted ? CAUSE_WAITER_PREEMPTED : CAUSE_WAITER_ASLEEP;
}
