/**
 * The three forms of paging as data, so that one walk serves them all. Levels count from the page table (0) up.
 *
 *   mode      levels  entry    index bits      large pages
 *   4-level   3..0    8 bytes  9 9 9 9         1 GB, 2 MB
 *   PAE       2..0    8 bytes  2 9 9           2 MB
 *   32-bit    1..0    4 bytes  10 10           4 MB with CR4.PSE
 *
 * SDM: Vol. 3, "4-Level Paging and 5-Level Paging"; "PAE Paging"; "32-Bit Paging".
 */
import type { PagingContext } from './pagingContext.ts';
import { PHYSICAL_ADDRESS_BITS } from './tlbEntry.ts';

export interface PagingMode {
  /** Highest level. */
  readonly top: number;
  /** Log2 of the number of 4 KB pages under one entry, by level. */
  readonly sizes: readonly number[];
  readonly indexMask: number;
  readonly entryBytes: 4 | 8;
  /** Bit `1 << level` is set where PS = 1 maps a page. */
  readonly largePages: number;
  /** Bits that must be 0, by level: low half of an entry that names a table, of one that maps a large page, and the high half (bit 63 apart). */
  readonly reservedTable: readonly number[];
  readonly reservedPage: readonly number[];
  readonly reservedHigh: readonly number[];
  /** Bits 11:5 of the root address are part of it (PAE), and top entries carry no permissions and no accessed flag. */
  readonly directoryPointers: boolean;
}

/** Bits of the high half from the physical-address width to bit 51. */
const ABOVE_WIDTH = 0x000f_ffff & ~(2 ** (PHYSICAL_ADDRESS_BITS - 32) - 1);
const PS = 0x80;

export const FOUR_LEVEL: PagingMode = {
  top: 3,
  sizes: [0, 9, 18, 27],
  indexMask: 0x1ff,
  entryBytes: 8,
  largePages: (1 << 1) | (1 << 2),
  reservedTable: [0, 0, 0, PS],
  reservedPage: [0, 0x001f_e000, 0x3fff_e000, 0],
  reservedHigh: [ABOVE_WIDTH, ABOVE_WIDTH, ABOVE_WIDTH, ABOVE_WIDTH],
  directoryPointers: false,
};

/**
 * Deviation: the four PDPTEs are read (and cached) by walks like other entries, not loaded by MOV to CR3; reserved bits in them raise #PF at
 * their use, not #GP at the load.
 */
export const PAE: PagingMode = {
  top: 2,
  sizes: [0, 9, 18],
  indexMask: 0x1ff,
  entryBytes: 8,
  largePages: 1 << 1,
  reservedTable: [0, 0, 0x1e6],
  reservedPage: [0, 0x001f_e000, 0],
  reservedHigh: [0x7ff0_0000 | ABOVE_WIDTH, 0x7ff0_0000 | ABOVE_WIDTH, (0xfff0_0000 | ABOVE_WIDTH) >>> 0],
  directoryPointers: true,
};

export const LEGACY: PagingMode = {
  top: 1,
  sizes: [0, 10],
  indexMask: 0x3ff,
  entryBytes: 4,
  largePages: 0,
  reservedTable: [0, 0],
  reservedPage: [0, 0],
  reservedHigh: [0, 0],
  directoryPointers: false,
};

/** PSE: 4 MB pages; bits 20:13 of such a PDE are address bits 39:32. */
export const LEGACY_PSE: PagingMode = { ...LEGACY, largePages: 1 << 1, reservedPage: [0, 0x0020_0000] };

/** The form of paging in use. Precondition: paging is on. */
export const pagingMode = (context: PagingContext): PagingMode =>
  context.longMode ? FOUR_LEVEL : context.pae ? PAE : context.pse ? LEGACY_PSE : LEGACY;
