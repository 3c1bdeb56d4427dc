import {
  MARK_SERVE_BEGIN,
  MARK_SERVE_END,
  MARK_SHOOTDOWN_BEGIN,
  MARK_SHOOTDOWN_END,
  MARK_SPIN_BEGIN,
  MARK_SPIN_END,
  WAIT_LOCK,
  WAIT_SHOOTDOWN_ACK,
} from '../arch/marks.ts';
import { EVENT_ACTIVITY, EVENT_MARK, EVENT_PRIVILEGE, EVENT_VCPU_RUN, EVENT_VCPU_STOP } from './events.ts';
import type { Probe } from './probe.ts';
import { keyVcpu, keyVm, NO_VCPU, TRACKED_EVENTS, VcpuTracker } from './vcpuTracker.ts';

/** Where the cycles of a vCPU, or of a core outside VMs, went. What the hypervisor does in an exit counts as what the guest was doing. */
export interface CpuTime {
  readonly userCycles: number;
  /** In the kernel, waiting for a lock. */
  readonly kernelLockCycles: number;
  /** In the kernel, in a shootdown: the core's own, waiting included, or serving that of another core. */
  readonly kernelTlbCycles: number;
  readonly kernelOtherCycles: number;
  /** Halted. */
  readonly idleCycles: number;
}

const USER = 0;
const LOCK = 1;
const TLB = 2;
const OTHER = 3;
const IDLE = 4;
const CLASSES = 5;

interface Context {
  /** Cycles by class. */
  readonly cycles: Float64Array;
  /** What the kernel is in the middle of: LOCK, TLB or OTHER, innermost last. */
  readonly activities: number[];
  user: boolean;
  halted: boolean;
  /** On a core; a core outside VMs always is. */
  running: boolean;
  since: number;
}

/**
 * Splits the time of every vCPU, and of every core outside VMs, exactly, to the cycle, at the events that change what it does: into user mode and out of it,
 * a halt, a mark. The innermost of nested activities counts: an interrupt handler that serves a shootdown while its core waits for a lock is in the
 * shootdown. Marks in user mode are the program's own business.
 */
export class CpuTimeRecorder implements Probe {
  readonly mask = (1 << EVENT_MARK) | (1 << EVENT_PRIVILEGE) | (1 << EVENT_ACTIVITY) | TRACKED_EVENTS;
  private readonly tracker = new VcpuTracker();
  private readonly vcpus = new Map<number, Context>();
  private readonly cores: (Context | undefined)[] = [];

  event(event: number, core: number, cycles: number, a: number, b: number): void {
    switch (event) {
      case EVENT_MARK:
        this.mark(this.contextOf(core), cycles, a, b);
        return;
      case EVENT_PRIVILEGE: {
        const context = this.contextOf(core);
        settle(context, cycles);
        context.user = a === 3;
        return;
      }
      case EVENT_ACTIVITY: {
        // A core that halts on behalf of its VMM: its vCPUs are off it, or have stopped.
        const context = this.coreContext(core);
        settle(context, cycles);
        context.halted = a !== 0;
        return;
      }
      case EVENT_VCPU_STOP: {
        const context = this.contextOf(core);
        settle(context, cycles);
        context.running = false;
        break;
      }
      default:
    }
    this.tracker.event(event, core, a, b);
    if (event === EVENT_VCPU_RUN) {
      const context = this.contextOf(core);
      context.running = true;
      context.since = cycles;
    }
  }

  /** Split of a core's time up to `now`, for a core outside VMs. Does not change what is recorded later. */
  ofCore(core: number, now: number): CpuTime {
    const context = this.coreContext(core);
    settle(context, now);
    return summary(context);
  }

  /** Split of each vCPU's time on cores, by VM and number. @param now local time by core. `idleCycles` is left 0: a halted vCPU is on no core. */
  ofVcpus(now: (core: number) => number): readonly { readonly vm: number; readonly vcpu: number; readonly time: CpuTime }[] {
    for (const core of this.cores.keys()) {
      const key = this.tracker.current(core);
      if (key !== NO_VCPU) settle(this.vcpus.get(key)!, now(core));
    }
    return [...this.vcpus]
      .sort(([left], [right]) => left - right)
      .map(([key, context]) => ({ vm: keyVm(key), vcpu: keyVcpu(key), time: summary(context) }));
  }

  private mark(context: Context, cycles: number, mark: number, wait: number): void {
    if (context.user) return;
    const { activities } = context;
    switch (mark) {
      case MARK_SPIN_BEGIN:
        settle(context, cycles);
        activities.push(wait === WAIT_LOCK ? LOCK : wait === WAIT_SHOOTDOWN_ACK ? TLB : OTHER);
        return;
      case MARK_SHOOTDOWN_BEGIN:
      case MARK_SERVE_BEGIN:
        settle(context, cycles);
        activities.push(TLB);
        return;
      case MARK_SPIN_END:
      case MARK_SHOOTDOWN_END:
      case MARK_SERVE_END:
        settle(context, cycles);
        activities.pop();
        return;
      default:
        return;
    }
  }

  private contextOf(core: number): Context {
    const key = this.tracker.current(core);
    if (key === NO_VCPU) return this.coreContext(core);
    let context = this.vcpus.get(key);
    if (context === undefined) {
      // The table of cores must know this one, or nobody would ask it for its time.
      this.coreContext(core);
      context = newContext(false);
      this.vcpus.set(key, context);
    }
    return context;
  }

  private coreContext(core: number): Context {
    // The bootstrap processor starts running, all others wait for STARTUP.
    this.cores[core] ??= { ...newContext(core !== 0), running: true };
    return this.cores[core];
  }
}

const newContext = (halted: boolean): Context => ({
  cycles: new Float64Array(CLASSES),
  activities: [],
  user: false,
  halted,
  running: false,
  since: 0,
});

/** Time up to now is accounted for. */
function settle(context: Context, now: number): void {
  if (context.running && now > context.since) context.cycles[classOf(context)]! += now - context.since;
  context.since = now;
}

function classOf({ halted, user, activities }: Context): number {
  if (halted) return IDLE;
  if (user) return USER;
  return activities.at(-1) ?? OTHER;
}

const summary = ({ cycles }: Context): CpuTime => ({
  userCycles: cycles[USER]!,
  kernelLockCycles: cycles[LOCK]!,
  kernelTlbCycles: cycles[TLB]!,
  kernelOtherCycles: cycles[OTHER]!,
  idleCycles: cycles[IDLE]!,
});

/** The sum of several splits. */
export const addCpuTimes = (times: readonly CpuTime[]): CpuTime => ({
  userCycles: times.reduce((sum, time) => sum + time.userCycles, 0),
  kernelLockCycles: times.reduce((sum, time) => sum + time.kernelLockCycles, 0),
  kernelTlbCycles: times.reduce((sum, time) => sum + time.kernelTlbCycles, 0),
  kernelOtherCycles: times.reduce((sum, time) => sum + time.kernelOtherCycles, 0),
  idleCycles: times.reduce((sum, time) => sum + time.idleCycles, 0),
});
