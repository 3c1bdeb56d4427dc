/** Instructions without an effect on the modelled state. SDM: Vol. 1, "Miscellaneous Instructions"; Vol. 2, each instruction. */
import type { Meaning } from './meaning.ts';

/**
 * NOP, ENDBR, prefetches and hints: nothing. The memory operand is not accessed.
 * Deviation: prefetches fill no TLB.
 */
export const nop: Meaning = () => {};

/** MFENCE, SFENCE, LFENCE: nothing but their price. Deviation: memory accesses are never reordered. */
export const fence: Meaning = () => {};
