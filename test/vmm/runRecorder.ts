import { EVENT_VCPU_RUN, EVENT_VCPU_STOP } from '../../src/trace/events.ts';

/** A vCPU was on a core. */
export interface Run {
  readonly core: number;
  readonly vm: number;
  readonly vcpu: number;
  readonly from: number;
  until: number;
}

/** Records who ran where, and when. */
export class RunRecorder {
  readonly mask = (1 << EVENT_VCPU_RUN) | (1 << EVENT_VCPU_STOP);
  readonly runs: Run[] = [];
  private readonly open = new Map<number, Run>();

  event(event: number, core: number, cycles: number, vm: number, vcpu: number): void {
    if (event === EVENT_VCPU_RUN) {
      const run = { core, vm, vcpu, from: cycles, until: Number.POSITIVE_INFINITY };
      this.open.set(core, run);
      this.runs.push(run);
    } else this.open.get(core)!.until = cycles;
  }
}
