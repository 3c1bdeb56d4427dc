/**
 * Which cores have a copy of each cache line of RAM, and what an access costs for that: caches as large as RAM, kept coherent by invalidation (MSI).
 *
 * A load by a core without a copy gets one: for `cacheLineTransfer` from the one core that has written it, for `cacheLineShared` when only read
 * copies are elsewhere, for nothing when nobody has it. A store by a core that does not have the only copy takes it from all others for `cacheLineTransfer`.
 * What counts is the line of an access's first byte. SDM: Vol. 3, "Caching Terminology", "Cache Control Protocol".
 *
 * Deviation: with `--coherence` only data accesses of instructions move lines; page walks, fetches, event delivery, descriptor and other accesses of
 * long operations, and the VMM's own software do not. Caches have no capacity, so nothing is ever missed for lack of room.
 *
 * 16 bits for each line, in the machine's memory so that generated code sees them: bit n, core n has a copy; LINE_WRITTEN, it has been written, and there is one.
 */
export const LINE_SHIFT = 6;
export const LINE_WRITTEN = 0x8000;
/** As many cores as a word has bits for. */
export const MOST_COHERENT_CORES = 15;
/** Bytes of the table for so much RAM. */
export const lineTableBytes = (ramBytes: number): number => (ramBytes >>> LINE_SHIFT) * 2;

/** In cycles, on top of the access itself. */
export interface LinePrices {
  readonly cacheLineTransfer: number;
  readonly cacheLineShared: number;
}

export class CacheLines {
  readonly byteOffset: number;
  readonly prices: LinePrices;
  private readonly words: Uint16Array;

  constructor(buffer: ArrayBufferLike, byteOffset: number, ramBytes: number, prices: LinePrices) {
    this.byteOffset = byteOffset;
    this.prices = prices;
    this.words = new Uint16Array(buffer, byteOffset, ramBytes >>> LINE_SHIFT);
  }

  /** Cycles that a load at this address, in RAM, waits for its line. */
  load(core: number, hpa: number): number {
    const line = hpa >>> LINE_SHIFT;
    const word = this.words[line]!;
    const own = 1 << core;
    if (word & own) return 0;
    this.words[line] = (word & ~LINE_WRITTEN) | own;
    if (word === 0) return 0;
    return word & LINE_WRITTEN ? this.prices.cacheLineTransfer : this.prices.cacheLineShared;
  }

  /** The same of a store, or of a load that a store follows. */
  store(core: number, hpa: number): number {
    const line = hpa >>> LINE_SHIFT;
    const word = this.words[line]! & ~LINE_WRITTEN;
    const own = 1 << core;
    this.words[line] = own | LINE_WRITTEN;
    return word === 0 || word === own ? 0 : this.prices.cacheLineTransfer;
  }
}
