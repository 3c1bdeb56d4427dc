import type { Core } from '../cpu/core.ts';

/**
 * Whose turn it is: the core that has something to do first. When that is for each core is kept between turns, since a turn changes it only for the
 * core that ran and for those that it sent something to (bench: `shootdown, 2 VMs of 8 vCPUs on 8 cores`).
 */
export class TurnOrder {
  private readonly cores: readonly Core[];
  /** `readyTime` of each core. */
  private readonly times: Float64Array;
  /** Ready time of the core whose turn it is, and the earliest of all others; Infinity when there is none. */
  first = Number.POSITIVE_INFINITY;
  second = Number.POSITIVE_INFINITY;

  constructor(cores: readonly Core[]) {
    this.cores = cores;
    this.times = new Float64Array(cores.length);
  }

  /** Anything may have changed. */
  refreshAll(): void {
    for (const core of this.cores) this.refresh(core);
  }

  /** What this core has to do may have changed. */
  refresh(core: Core): void {
    this.times[core.id] = core.readyTime();
  }

  /** The core with the smallest ready time, of equals that with the smallest number; undefined when none will have anything to do. */
  next(): Core | undefined {
    const { times } = this;
    let first = Number.POSITIVE_INFINITY;
    let second = Number.POSITIVE_INFINITY;
    let number = -1;
    for (let id = 0; id < times.length; id++) {
      const time = times[id]!;
      if (time < first) {
        second = first;
        first = time;
        number = id;
      } else if (time < second) second = time;
    }
    this.first = first;
    this.second = second;
    return number < 0 ? undefined : this.cores[number];
  }
}
