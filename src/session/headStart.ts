import { MARK_ROI_BEGIN } from '../arch/marks.ts';
import { EVENT_MARK } from '../trace/events.ts';
import type { Probe } from '../trace/probe.ts';
import { keyVm, NO_VCPU, TRACKED_EVENTS, VcpuTracker } from '../trace/vcpuTracker.ts';

/** Knows which VMs have begun their measured parts, for a run in which one VM starts when all others have. */
export class HeadStart implements Probe {
  readonly mask = (1 << EVENT_MARK) | TRACKED_EVENTS;
  private readonly begun = new Set<number>();
  private readonly tracker = new VcpuTracker();

  event(event: number, core: number, _cycles: number, a: number, b: number): void {
    if (event !== EVENT_MARK) this.tracker.event(event, core, a, b);
    else if (a === MARK_ROI_BEGIN) {
      const key = this.tracker.current(core);
      if (key !== NO_VCPU) this.begun.add(keyVm(key));
    }
  }

  hasBegun(vm: number): boolean {
    return this.begun.has(vm);
  }
}
