import { EVENT_TLB_FILL } from './events.ts';
import type { Probe } from './probe.ts';

const PCID_BITS = 12;

/** Remembers when a walk filled a TLB on behalf of certain VPIDs: what an invalidation makes a guest pay afterwards. */
export class FillLog implements Probe {
  readonly mask = 1 << EVENT_TLB_FILL;
  private times = new Float64Array(4096);
  private count = 0;
  private readonly firstVpid: number;
  private readonly lastVpid: number;

  /** VPIDs from first to last; without a VMM the only one is 0. */
  constructor(firstVpid: number, lastVpid: number) {
    this.firstVpid = firstVpid;
    this.lastVpid = lastVpid;
  }

  event(_event: number, _core: number, cycles: number, _la: number, _hpa: number, _size: number, tags: number): void {
    const vpid = Math.floor(tags / 2 ** PCID_BITS);
    if (vpid < this.firstVpid || vpid > this.lastVpid) return;
    if (this.count === this.times.length) {
      const larger = new Float64Array(this.times.length * 2);
      larger.set(this.times);
      this.times = larger;
    }
    this.times[this.count++] = cycles;
  }

  /** Times of all fills in cycles, ascending. */
  sortedTimes(): Float64Array {
    return this.times.slice(0, this.count).sort();
  }
}

/** How many of the ascending `times` lie in [from, to). */
export function countWithin(times: Float64Array, from: number, to: number): number {
  return lowerBound(times, to) - lowerBound(times, from);
}

/** Number of values below `value`. */
function lowerBound(times: Float64Array, value: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
