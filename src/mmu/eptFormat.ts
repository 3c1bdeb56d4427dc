/** What EPT entries must look like, by level from the page table (0) up. SDM: Vol. 3, "EPT Misconfigurations". */
import { PTE_ADDRESS_HI } from '../arch/paging.ts';
import { PHYSICAL_ADDRESS_BITS } from './tlbEntry.ts';

/** Address bits above the physical-address width, in the high half. */
export const EPT_RESERVED_HIGH = PTE_ADDRESS_HI & ~(2 ** (PHYSICAL_ADDRESS_BITS - 32) - 1);
/** Bits that must be 0 in an entry that names a table: bits 6:3, and bit 7 in a PML4E and (bit 7 = 0 anyway) elsewhere. */
export const EPT_RESERVED_TABLE = Int32Array.of(0, 0x78, 0x78, 0xf8);
/** Address bits that must be 0 in an entry that maps a page. */
export const EPT_RESERVED_PAGE = Int32Array.of(0, 0x1f_f000, 0x3fff_f000, 0);
/** log2 of the 4 KB pages that an entry covers. */
export const EPT_LEVEL_SIZES = Int32Array.of(0, 9, 18, 27);
/** Memory types UC, WC, WT, WP, WB, as a bit set over type numbers. */
export const EPT_MEMORY_TYPES = (1 << 0) | (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6);
