import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';

/** A vCPU scheduler: decides which vCPU a core runs next and for how long. One instance a core; state is data. */
export interface Scheduler {
  /** A vCPU became runnable on this core. */
  enqueue(vcpu: Vcpu, now: number): void;
  /** A vCPU is not runnable any more (it halted or stopped). */
  remove(vcpu: Vcpu, now: number): void;
  /**
   * Directed yield: `vcpu`, which waits in this queue, shall run next, as far as the scheduler's fairness allows.
   * How far that is, is the scheduler's own rule.
   */
  boost(vcpu: Vcpu, now: number): void;
  /** The vCPU that runs gives way to the next one, if there is one. */
  yield(now: number): void;
  /** The vCPU to run from `now` on; undefined when none is runnable. May be the one that runs already. */
  pick(now: number): Vcpu | undefined;
  /** Time at which `pick` may answer differently though nothing else happens; Infinity when it will not. */
  readonly deadline: number;
}

export interface SchedulerOptions {
  /** Length of a slice in cycles. */
  readonly slice: number;
  /** Length of the first slice in cycles: what keeps the phases of the cores apart. */
  readonly firstSlice: number;
}

/** A scheduler as `--scheduler` names it. */
export interface SchedulerKind {
  readonly name: string;
  readonly doc: string;
  create(pcpu: Pcpu, options: SchedulerOptions): Scheduler;
}
