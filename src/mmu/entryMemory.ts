/**
 * Where a walk reads paging-structure entries: physical memory as it is, or (stale-translation oracle) as it was.
 * Addresses are host-physical and aligned.
 */
export interface EntryMemory {
  /** True iff [hpa, hpa + bytes) lies in RAM. */
  contains(hpa: number, bytes: number): boolean;
  load32(hpa: number): number;
  /** Sets accessed and dirty flags. A walk without effects never stores. */
  store32(hpa: number, value: number): void;
}

/** What a load outside RAM reads: every bit set, reserved ones too. */
export const OUTSIDE_RAM = -1;

/** Number of paging-structure and EPT entries that the current translation has read. */
export interface WalkMeter {
  references: number;
}
