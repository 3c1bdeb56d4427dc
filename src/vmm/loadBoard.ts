/** Entries kept for each core: more than a core can post within the delay. */
const KEPT = 64;

/**
 * What cores tell each other about themselves: one number each, say the length of the run queue. Others read it one message latency late. No core is
 * further behind a reader than that, so what is read is what was posted by then, whichever core the machine has run first.
 */
export class LoadBoard {
  private readonly delay: number;
  private readonly times: readonly Float64Array[];
  private readonly values: readonly Int32Array[];
  /** Entries posted so far, by core. */
  private readonly counts: Int32Array;

  /** @param delay cycles after which others see what is posted. */
  constructor(cores: number, delay: number) {
    this.delay = delay;
    this.times = Array.from({ length: cores }, () => new Float64Array(KEPT));
    this.values = Array.from({ length: cores }, () => new Int32Array(KEPT));
    this.counts = new Int32Array(cores);
  }

  /** The core's number is `value` from `now` on. */
  post(core: number, now: number, value: number): void {
    const count = this.counts[core]!;
    if ((count === 0 ? 0 : this.values[core]![(count - 1) % KEPT]!) === value) return;
    this.times[core]![count % KEPT] = now;
    this.values[core]![count % KEPT] = value;
    this.counts[core] = count + 1;
  }

  /** The number of a core as `reader`, at time `now`, knows it; its own it knows at once. 0 before anything was posted. */
  seen(core: number, reader: number, now: number): number {
    const until = core === reader ? now : now - this.delay;
    const count = this.counts[core]!;
    const oldest = Math.max(0, count - KEPT);
    for (let entry = count - 1; entry >= oldest; entry--) {
      if (this.times[core]![entry % KEPT]! <= until) return this.values[core]![entry % KEPT]!;
    }
    return 0;
  }
}
