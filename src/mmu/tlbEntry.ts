/**
 * The one format of everything that caches a translation: TLB entries, paging-structure-cache entries and guest-physical mappings.
 *
 * An entry is eight 32-bit words of the machine's memory, so that generated code, snapshots and dumps read the same bytes. All zero
 * is an invalid entry.
 *
 *            31                          16 15    12 11            0
 *   word 0   linear page number, bits 31:0 (its low `size` bits are 0)
 *   word 1   VPID                        | 35:32  | PCID
 *   word 2   host page number of the EPT PML4 table (EP4TA), 0 = not translated by EPT
 *   word 3   flags, see below
 *   word 4   host page number of the page (paging-structure caches: of the next table)
 *   word 5   guest-physical page number of the same
 *   word 6   sequence number of the walk that produced it, a float64
 *   word 7
 *
 *   flags    31..26  25..21      20..16  15..9  8  7  6   5   4   3  2    1    0
 *            0       guest size  size    0      G  D  EX  EW  ER  X  U/S  R/W  valid
 *
 * Sizes are the binary logarithm of a number of 4 KB pages. Page numbers count 4 KB pages whatever the size. A guest-physical
 * mapping has the guest-physical page number in word 0, tags 0 in word 1, and R/W, U/S, X clear.
 *
 * `size` is what one entry covers: the smaller of the guest's page and the EPT's. `guest size` is what the guest mapped: an
 * invalidation of one address removes every entry of the guest page around it, fractured or not.
 * D: a write needs no walk (the dirty flags that it would set are set, EPT's included).
 */
export const ENTRY_WORDS = 8;
export const WORD_PAGE = 0;
export const WORD_TAGS = 1;
export const WORD_EPT_ROOT = 2;
export const WORD_FLAGS = 3;
export const WORD_HOST_PAGE = 4;
export const WORD_GUEST_PAGE = 5;
export const WORD_SEQUENCE = 6;

export const ENTRY_VALID = 1 << 0;
/** R/W, U/S and G stand where paging-structure entries have them; EPT's three where EPT entries have them, four bits up. */
export const ENTRY_W = 1 << 1;
export const ENTRY_U = 1 << 2;
export const ENTRY_X = 1 << 3;
export const ENTRY_EPT_SHIFT = 4;
export const ENTRY_EPT_R = 1 << 4;
export const ENTRY_EPT_W = 1 << 5;
export const ENTRY_EPT_X = 1 << 6;
export const ENTRY_D = 1 << 7;
export const ENTRY_G = 1 << 8;
export const ENTRY_SIZE_SHIFT = 16;
export const ENTRY_GUEST_SIZE_SHIFT = 21;
export const ENTRY_SIZE_MASK = 31 << ENTRY_SIZE_SHIFT;

/** Everything a translation permits by itself, sizes apart. */
export const ENTRY_PERMISSIONS = ENTRY_W | ENTRY_U | ENTRY_X | ENTRY_EPT_R | ENTRY_EPT_W | ENTRY_EPT_X;
/** What EPT permits when it is not in use. */
export const ENTRY_EPT_ALL = ENTRY_EPT_R | ENTRY_EPT_W | ENTRY_EPT_X;

/** Sizes. */
export const SIZE_4K = 0;
export const SIZE_2M = 9;
/** 32-bit paging's large page; cached as 2 MB entries of guest size 4 MB. */
export const SIZE_4M = 10;
export const SIZE_1G = 18;
/** What a PML4E covers. */
export const SIZE_512G = 27;

/** Word 1: VPID, bits 35:32 of the page number at 15:12, PCID. */
export const TAG_PAGE_HIGH = 0xf000;
export const TAG_PCID = 0x0fff;
export const TAG_VPID_SHIFT = 16;

/** Bits of physical addresses: page numbers fit 32 bits. CPUID reports it, and bits 51:44 of an entry are reserved. */
export const PHYSICAL_ADDRESS_BITS = 44;

/** Low 32 bits of the page number of a signed linear address (or of an unsigned guest-physical one). */
export const pageLow = (address: number): number => ((address | 0) >>> 12) | (Math.floor(address / 0x1_0000_0000) << 20);

/** Bits 35:32 of the page number of a signed linear address, where word 1 has them. */
export const pageHighTag = (address: number): number => Math.floor(address / 0x1_0000_0000) & TAG_PAGE_HIGH;

/** `page` with its low `size` bits clear. */
export const pageBase = (page: number, size: number): number => (page >>> size) << size;

/** Signed linear address of the page whose number is in words 0 and 1. */
export const linearOfPage = (low: number, tags: number): number =>
  (((tags & TAG_PAGE_HIGH) << 16) >> 28) * 0x1000_0000_0000 + (low >>> 0) * 4096;
