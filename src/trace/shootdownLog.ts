import { PAGE_SIZE } from '../arch/addresses.ts';
import { MARK_FIGURE, MARK_ROI_BEGIN, MARK_ROI_END, MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END } from '../arch/marks.ts';
import { EVENT_MARK, EVENT_VCPU_STOP } from './events.ts';
import type { Probe } from './probe.ts';
import { keyVcpu, keyVm, NO_VCPU, TRACKED_EVENTS, VcpuTracker } from './vcpuTracker.ts';

/** One shootdown, from mark to mark. Times in cycles. */
export interface LoggedShootdown {
  /** vCPU of the VM, or core when there is no VMM. */
  readonly initiator: number;
  readonly begin: number;
  end: number;
  readonly targets: number;
  /** 0: the whole address space. */
  readonly pages: number;
  /** How often the initiator lost its core in the middle. */
  descheduled: number;
}

/**
 * Remembers every shootdown of one VM one by one, with what belongs to it, and when the measured parts of the VMs began and ended.
 *
 * `ShootdownRecorder` has the latencies of all VMs and nothing else of them; whoever must tell a wait for a target from the initiator's own
 * absence, or the measured part from the rest, listens here.
 */
export class ShootdownLog implements Probe {
  readonly mask = (1 << EVENT_MARK) | TRACKED_EVENTS;
  /** In the order in which they ended. */
  readonly shootdowns: LoggedShootdown[] = [];
  /** Of the VM's measured part; undefined before. */
  begin: number | undefined;
  end: number | undefined;
  /** When the measured parts of the other VMs began, by VM. */
  readonly neighbours = new Map<number, number>();
  /** What the guest reported, by number. */
  readonly figures = new Map<number, number>();
  private readonly vm: number;
  private readonly tracker = new VcpuTracker();
  private readonly open = new Map<number, LoggedShootdown>();

  /** @param vm its number; without a VMM, any. */
  constructor(vm: number) {
    this.vm = vm;
  }

  event(event: number, core: number, cycles: number, a: number, b: number, c: number, d: number): void {
    if (event !== EVENT_MARK) {
      if (event === EVENT_VCPU_STOP) {
        const open = this.open.get(this.tracker.current(core));
        if (open !== undefined) open.descheduled++;
      }
      this.tracker.event(event, core, a, b);
      return;
    }
    const key = this.tracker.current(core);
    if (key !== NO_VCPU && keyVm(key) !== this.vm) {
      if (a === MARK_ROI_BEGIN && !this.neighbours.has(keyVm(key))) this.neighbours.set(keyVm(key), cycles);
      return;
    }
    this.mark(a, key === NO_VCPU ? -1 - core : key, cycles, b, c, d);
  }

  private mark(mark: number, key: number, cycles: number, b: number, c: number, d: number): void {
    switch (mark) {
      case MARK_SHOOTDOWN_BEGIN: {
        const initiator = key < 0 ? -1 - key : keyVcpu(key);
        const pages = c === -1 ? 0 : Math.ceil((c - b) / PAGE_SIZE);
        this.open.set(key, { initiator, begin: cycles, end: cycles, targets: d, pages, descheduled: 0 });
        return;
      }
      case MARK_SHOOTDOWN_END: {
        const done = this.open.get(key);
        if (done === undefined) return;
        this.open.delete(key);
        done.end = cycles;
        this.shootdowns.push(done);
        return;
      }
      case MARK_ROI_BEGIN:
        this.begin ??= cycles;
        return;
      case MARK_ROI_END:
        this.end ??= cycles;
        return;
      case MARK_FIGURE:
        this.figures.set(b, c);
        return;
      default:
        return;
    }
  }
}
