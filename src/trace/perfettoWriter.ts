import {
  MARK_NAMES,
  MARK_ROI_BEGIN,
  MARK_ROI_END,
  MARK_SHOOTDOWN_BEGIN,
  MARK_SHOOTDOWN_END,
  MARK_SPIN_BEGIN,
  MARK_SPIN_END,
} from '../arch/marks.ts';
import {
  ACTIVITY_NAMES,
  EVENT_ACTIVITY,
  EVENT_HYPERCALL,
  EVENT_HYPERCALL_END,
  EVENT_INVALIDATE,
  EVENT_IPI_DELIVER,
  EVENT_IPI_SEND,
  EVENT_MARK,
  EVENT_VCPU_RUN,
  EVENT_VCPU_STOP,
  EVENT_VIRTUAL_INTERRUPT,
  EVENT_VM_ENTRY,
  EVENT_VM_EXIT,
  EVENTS,
  INVALIDATION_NAMES,
} from './events.ts';
import { formatField } from './fieldFormat.ts';
import { type Annotation, FLOW_ENDS, FLOW_NONE, FLOW_STARTS, PerfettoTracks } from './perfettoTracks.ts';
import type { ByteSink, TraceWriter } from './traceWriter.ts';
import { keyVcpu, keyVm, NO_VCPU, TRACKED_EVENTS, VcpuTracker, vcpuKey } from './vcpuTracker.ts';

interface CoreTracks {
  /** vCPUs running here, guest execution inside them; marks of guests outside VMs. */
  readonly main: number;
  /** Halted and waiting. */
  readonly activity: number;
  /** Everything without duration: messages, interrupts, exceptions, invalidations. */
  readonly events: number;
}

interface VcpuTracks {
  /** What the guest says about itself: shootdowns, waits, hypercalls. */
  readonly main: number;
  /** On which core it runs. */
  readonly run: number;
  /** From each VM exit to the next VM entry. */
  readonly exits: number;
}

/** Marks that open and close a slice, and the slice's name. */
const OPENING = new Map([
  [MARK_SHOOTDOWN_BEGIN, 'shootdown'],
  [MARK_SPIN_BEGIN, 'spin'],
  [MARK_ROI_BEGIN, 'region of interest'],
]);
const CLOSING = new Map([
  [MARK_SHOOTDOWN_END, 'shootdown'],
  [MARK_SPIN_END, 'spin'],
  [MARK_ROI_END, 'region of interest'],
]);

const NANOSECONDS = 1e9;

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/**
 * Writes a trace for ui.perfetto.dev: the machine with a track per core, every VM with a track per vCPU, slices for what lasts, instants for what
 * does not, and an arrow from the sending of each interprocessor message to its arrival.
 */
export class PerfettoWriter implements TraceWriter {
  readonly mask: number;
  private readonly selected: number;
  /** Nanoseconds per cycle as a reduced fraction, so that whole nanoseconds come out whole. */
  private readonly nanoseconds: number;
  private readonly perCycles: number;
  private readonly tracks: PerfettoTracks;
  private readonly tracker = new VcpuTracker();
  private machine: number | undefined;
  private readonly cores: (CoreTracks | undefined)[] = [];
  private readonly vms: (number | undefined)[] = [];
  private readonly vcpus = new Map<number, VcpuTracks>();

  /** @param frequencyHz of the cycle counter, a whole number. */
  constructor(sink: ByteSink, mask: number, frequencyHz: number) {
    this.selected = mask;
    // Who runs where is needed to put marks and exits on the right track, whatever is drawn.
    this.mask = mask | TRACKED_EVENTS;
    const divisor = greatestCommonDivisor(NANOSECONDS, frequencyHz);
    this.nanoseconds = NANOSECONDS / divisor;
    this.perCycles = frequencyHz / divisor;
    this.tracks = new PerfettoTracks(sink);
  }

  event(event: number, core: number, cycles: number, a: number, b: number, c: number, d: number): void {
    const time = Math.floor((cycles * this.nanoseconds) / this.perCycles);
    if (this.selected & (1 << event)) this.draw(event, core, time, annotate(event, a, b, c, d), a, b, c);
    this.tracker.event(event, core, a, b);
  }

  close(): void {
    this.tracks.close();
  }

  private draw(event: number, core: number, time: number, fields: readonly Annotation[], a: number, b: number, c: number): void {
    const { tracks } = this;
    switch (event) {
      case EVENT_VCPU_RUN:
        tracks.endAll(this.core(core).main, time);
        tracks.begin(this.core(core).main, time, `VM ${a} vCPU ${b}`, []);
        tracks.endAll(this.vcpu(a, b).run, time);
        tracks.begin(this.vcpu(a, b).run, time, `on pCPU ${core}`, []);
        return;
      case EVENT_VCPU_STOP:
        tracks.endAll(this.core(core).main, time);
        tracks.endAll(this.vcpu(a, b).run, time);
        return;
      case EVENT_VM_ENTRY:
        tracks.end(this.core(core).main, time, 'guest');
        tracks.begin(this.core(core).main, time, 'guest', fields);
        tracks.endAll(this.vcpu(a, b).exits, time);
        return;
      case EVENT_VM_EXIT: {
        tracks.end(this.core(core).main, time, 'guest');
        const vcpu = this.vcpuOn(core);
        if (vcpu !== undefined) tracks.begin(vcpu.exits, time, formatField('reason', a), fields);
        return;
      }
      case EVENT_HYPERCALL:
        tracks.begin(this.vcpu(b, c).main, time, `hypercall ${a}`, fields);
        return;
      case EVENT_HYPERCALL_END:
        tracks.end(this.vcpu(b, c).main, time, `hypercall ${a}`);
        return;
      case EVENT_VIRTUAL_INTERRUPT:
        tracks.instant(this.vcpu(a, b).main, time, EVENTS[event]!.name, fields);
        return;
      case EVENT_MARK:
        this.mark(a, core, time, fields);
        return;
      case EVENT_ACTIVITY:
        tracks.endAll(this.core(core).activity, time);
        if (a !== 0) tracks.begin(this.core(core).activity, time, ACTIVITY_NAMES[a] ?? `activity ${a}`, fields);
        return;
      case EVENT_INVALIDATE:
        tracks.instant(this.core(core).events, time, INVALIDATION_NAMES[a] ?? `invalidation ${a}`, fields);
        return;
      default: {
        const role = event === EVENT_IPI_SEND ? FLOW_STARTS : event === EVENT_IPI_DELIVER ? FLOW_ENDS : FLOW_NONE;
        tracks.instant(this.core(core).events, time, EVENTS[event]!.name, fields, role, a);
      }
    }
  }

  private mark(mark: number, core: number, time: number, fields: readonly Annotation[]): void {
    const track = this.vcpuOn(core)?.main ?? this.core(core).main;
    const opening = OPENING.get(mark);
    const closing = CLOSING.get(mark);
    if (opening !== undefined) this.tracks.begin(track, time, opening, fields);
    else if (closing !== undefined) this.tracks.end(track, time, closing);
    else this.tracks.instant(track, time, MARK_NAMES[mark] ?? `mark ${mark}`, fields);
  }

  private core(core: number): CoreTracks {
    const known = this.cores[core];
    if (known !== undefined) return known;
    this.machine ??= this.tracks.addTrack('machine', undefined);
    // Cores are numbered on the screen as they are in the machine, not in the order in which they first do something.
    for (let number = this.cores.length; number <= core; number++) {
      const main = this.tracks.addTrack(`pCPU ${number}`, this.machine);
      const activity = this.tracks.addTrack(`pCPU ${number} activity`, this.machine);
      const events = this.tracks.addTrack(`pCPU ${number} events`, this.machine);
      this.cores.push({ main, activity, events });
    }
    return this.cores[core]!;
  }

  private vcpuOn(core: number): VcpuTracks | undefined {
    const key = this.tracker.current(core);
    return key === NO_VCPU ? undefined : this.vcpu(keyVm(key), keyVcpu(key));
  }

  private vcpu(vm: number, vcpu: number): VcpuTracks {
    const key = vcpuKey(vm, vcpu);
    const known = this.vcpus.get(key);
    if (known !== undefined) return known;
    this.vms[vm] ??= this.tracks.addTrack(`VM ${vm}`, undefined);
    const parent = this.vms[vm];
    const main = this.tracks.addTrack(`vCPU ${vcpu}`, parent);
    const run = this.tracks.addTrack(`vCPU ${vcpu} run`, parent);
    const exits = this.tracks.addTrack(`vCPU ${vcpu} exits`, parent);
    const created: VcpuTracks = { main, run, exits };
    this.vcpus.set(key, created);
    return created;
  }
}

function annotate(event: number, a: number, b: number, c: number, d: number): readonly Annotation[] {
  return EVENTS[event]!.fields.map(([name, format], index) => [name, format, index === 0 ? a : index === 1 ? b : index === 2 ? c : d]);
}
