import type { Pcpu } from '../pcpu.ts';
import type { Placement } from '../placements/placement.ts';
import type { Vcpu } from '../vcpu.ts';

/** A vCPU scheduler: decides which vCPU a core runs next and for how long. One instance a core; state is data. */
export interface Scheduler {
  /** A vCPU is runnable on this core: it woke or started here, or came from another core. No change when it is in the queue already. */
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
  /** Runnable vCPUs on this core, the running one among them. */
  readonly load: number;
  /** Of those that wait, the last in line that may leave, taken out of the queue; undefined when none may. */
  spare(now: number, mayLeave: (vcpu: Vcpu) => boolean): Vcpu | undefined;
  /** A word from the same scheduler on another core, whose meaning is its own. */
  told?(word: number, now: number): void;
}

export interface SchedulerOptions {
  /** Length of a slice in cycles; what it means in detail is the scheduler's to say. */
  readonly slice: number;
  /** Length of the first contended slice in cycles: what keeps the phases of the cores apart. */
  readonly firstSlice: number;
}

/** A scheduler as `--scheduler` names it. */
export interface SchedulerKind {
  readonly name: string;
  readonly doc: string;
  /** How vCPUs may be placed under it; the first is the default. */
  readonly placements: readonly Placement[];
  /** It heeds the weights of VMs. */
  readonly weighs: boolean;
  create(pcpu: Pcpu, options: SchedulerOptions): Scheduler;
}
