import { MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END, MARK_SPIN_BEGIN, MARK_SPIN_END } from '../arch/marks.ts';
import { EVENT_MARK, EVENT_VCPU_RUN, EVENT_VCPU_STOP } from './events.ts';
import { type LatencySummary, summarizeLatencies } from './latencySummary.ts';
import type { Probe } from './probe.ts';
import { Samples } from './samples.ts';
import { keyVcpu, keyVm, NO_VCPU, TRACKED_EVENTS, VcpuTracker } from './vcpuTracker.ts';

/** Instead of a VM's number, for what happens outside of VMs. */
const NO_VM = -1;

/** What one vCPU, or one core outside VMs, is in the middle of. */
interface Context {
  /** Its VM, or NO_VM. */
  readonly vm: number;
  /** When the shootdowns that are under way began, innermost last. */
  readonly begun: number[];
  /** Wait loops entered and not left; more than one when an interrupt handler waits inside a wait. */
  spinDepth: number;
  /** Since when it spins on a core; meaningless while not spinning or descheduled. */
  spinSince: number;
  spinCycles: number;
}

/**
 * Measures TLB shootdowns and wait loops by the marks that guests execute.
 *
 * A shootdown lasts from MARK_SHOOTDOWN_BEGIN to the MARK_SHOOTDOWN_END of the same vCPU, wherever it runs by then and however long it was
 * descheduled in between; outside VMs, of the same core. Spin time counts only while the vCPU is on a core.
 */
export class ShootdownRecorder implements Probe {
  readonly mask = (1 << EVENT_MARK) | TRACKED_EVENTS;
  /** Ends without a beginning: a guest that marks wrongly. */
  unmatchedEnds = 0;
  private readonly samples = new Samples();
  /** The VM of each sample, or NO_VM. */
  private readonly owners = new Samples();
  private readonly tracker = new VcpuTracker();
  private readonly vcpus = new Map<number, Context>();
  private readonly cores: (Context | undefined)[] = [];

  event(event: number, core: number, cycles: number, a: number, b: number): void {
    if (event === EVENT_MARK) {
      this.mark(a, core, cycles);
      return;
    }
    if (event === EVENT_VCPU_STOP) {
      const context = this.contextOf(core);
      if (context.spinDepth > 0) context.spinCycles += cycles - context.spinSince;
    }
    this.tracker.event(event, core, a, b);
    if (event === EVENT_VCPU_RUN) this.contextOf(core).spinSince = cycles;
  }

  /** Every shootdown's latency in cycles, in the order in which they ended. A copy. */
  latencies(): Float64Array {
    return this.samples.toArray();
  }

  /** Summary in cycles: of all shootdowns there were. */
  summary(): LatencySummary {
    return summarizeLatencies(this.latencies());
  }

  /** Summary in cycles: of one VM's shootdowns. */
  summaryOfVm(vm: number): LatencySummary {
    const owners = this.owners.toArray();
    return summarizeLatencies(this.latencies().filter((_latency, index) => owners[index] === vm));
  }

  /** Shootdowns that have begun and not ended. */
  get unfinished(): number {
    let total = 0;
    for (const context of this.cores) total += context?.begun.length ?? 0;
    for (const context of this.vcpus.values()) total += context.begun.length;
    return total;
  }

  /** Cycles that each vCPU seen so far spent in wait loops that have ended, by VM and number. */
  vcpuSpinCycles(): readonly { readonly vm: number; readonly vcpu: number; readonly cycles: number }[] {
    return [...this.vcpus]
      .sort(([left], [right]) => left - right)
      .map(([key, { spinCycles }]) => ({ vm: keyVm(key), vcpu: keyVcpu(key), cycles: spinCycles }));
  }

  /** The same for a core outside VMs. */
  coreSpinCycles(core: number): number {
    return this.cores[core]?.spinCycles ?? 0;
  }

  private mark(mark: number, core: number, cycles: number): void {
    const context = this.contextOf(core);
    switch (mark) {
      case MARK_SHOOTDOWN_BEGIN:
        context.begun.push(cycles);
        return;
      case MARK_SHOOTDOWN_END: {
        const begin = context.begun.pop();
        if (begin === undefined) this.unmatchedEnds++;
        else {
          this.samples.add(cycles - begin);
          this.owners.add(context.vm);
        }
        return;
      }
      case MARK_SPIN_BEGIN:
        if (context.spinDepth++ === 0) context.spinSince = cycles;
        return;
      case MARK_SPIN_END:
        if (context.spinDepth === 0) this.unmatchedEnds++;
        else if (--context.spinDepth === 0) context.spinCycles += cycles - context.spinSince;
        return;
      default:
        return;
    }
  }

  private contextOf(core: number): Context {
    const key = this.tracker.current(core);
    const known = key === NO_VCPU ? this.cores[core] : this.vcpus.get(key);
    if (known !== undefined) return known;
    const context: Context = { vm: key === NO_VCPU ? NO_VM : keyVm(key), begun: [], spinDepth: 0, spinSince: 0, spinCycles: 0 };
    if (key === NO_VCPU) this.cores[core] = context;
    else this.vcpus.set(key, context);
    return context;
  }
}
