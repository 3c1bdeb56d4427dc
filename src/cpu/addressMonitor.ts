/** The address monitor of a core: the cache line that MONITOR chose, and whether somebody has stored to it since. */
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';

/** Bytes that are monitored together, as CPUID.5 reports them. A power of two, at most a page. */
export const MONITOR_LINE_BYTES = 64;
const NONE = -1;

export class AddressMonitor {
  private readonly memory: PhysicalMemory;
  /** Host-physical number of the line, or NONE. */
  private line = NONE;
  /** Time at which the core sees the store that ended the monitoring; Infinity while there was none. */
  private seenAt = Number.POSITIVE_INFINITY;

  constructor(memory: PhysicalMemory) {
    this.memory = memory;
  }

  /** A range was chosen, and neither MWAIT nor anything else has given it up since. */
  get armed(): boolean {
    return this.line !== NONE;
  }

  /** When the core sees the store that it waits for; Infinity while there was none. */
  get wakeTime(): number {
    return this.seenAt;
  }

  /** The line of `hpa`, which lies in RAM, is monitored. Stores to its page are told to the machine from now on. */
  arm(hpa: number): void {
    this.line = Math.floor(hpa / MONITOR_LINE_BYTES);
    this.seenAt = Number.POSITIVE_INFINITY;
    this.memory.monitor(Math.floor(hpa / 4096));
  }

  /** Nothing is monitored. */
  disarm(): void {
    this.line = NONE;
    this.seenAt = Number.POSITIVE_INFINITY;
  }

  /** True iff [hpa, hpa + bytes) touches the line, and no store has done so before. */
  awaits(hpa: number, bytes: number): boolean {
    if (this.line === NONE || this.seenAt !== Number.POSITIVE_INFINITY) return false;
    const first = this.line * MONITOR_LINE_BYTES;
    return hpa < first + MONITOR_LINE_BYTES && hpa + bytes > first;
  }

  /** A store touched the line: the core sees it at `time`. */
  stored(time: number): void {
    this.seenAt = time;
  }

  /** True iff it waits for a store to this host page. */
  isInPage(page: number): boolean {
    return this.line !== NONE && this.seenAt === Number.POSITIVE_INFINITY && Math.floor((this.line * MONITOR_LINE_BYTES) / 4096) === page;
  }
}
