/**
 * Paging-structure and EPT entries: their bits. SDM: Vol. 3, "4-Level Paging and 5-Level Paging"; "EPT Mechanism".
 *
 * Entries are handled as two 32-bit halves; bits 31:0 are named `…` and bits 63:32 `…_HI`.
 *
 *   63  62..52   51..12            11..9  8  7      6  5  4    3    2    1    0
 *   XD  ignored  page or table     avail  G  PS/PAT D  A  PCD  PWT  U/S  R/W  P
 */
export const PTE_P = 1 << 0;
export const PTE_RW = 1 << 1;
export const PTE_US = 1 << 2;
export const PTE_PWT = 1 << 3;
export const PTE_PCD = 1 << 4;
export const PTE_A = 1 << 5;
export const PTE_D = 1 << 6;
/** In a PDPTE or PDE: the entry maps a page. */
export const PTE_PS = 1 << 7;
export const PTE_G = 1 << 8;
/** Bit 63 in the high half; kept unsigned. */
export const PTE_XD_HI = 0x8000_0000;
/** The same bit in a whole 64-bit entry. */
export const PTE_XD = 1n << 63n;
/** Physical-address bits of the high half with 52-bit physical addresses (bits 51:32). */
export const PTE_ADDRESS_HI = 0x000f_ffff;

/**
 * EPT entries.
 *
 *   63  62..52  51..12         11  10   9  8  7   6    5..3  2  1  0
 *   VE  ignored page or table  ign XU   -  A→8 D→9 PS  IPAT  type  X  W  R
 */
export const EPTE_R = 1 << 0;
export const EPTE_W = 1 << 1;
export const EPTE_X = 1 << 2;
export const EPTE_MEMORY_TYPE_WB = 6 << 3;
export const EPTE_IPAT = 1 << 6;
export const EPTE_PS = 1 << 7;
export const EPTE_A = 1 << 8;
export const EPTE_D = 1 << 9;

/** EPTP: memory type (6 = WB) in 2:0, walk length - 1 in 5:3, A/D enable in 6, EP4TA in 51:12. */
export const EPTP_WB = 6;
export const EPTP_WALK_4 = 3 << 3;
export const EPTP_AD = 1 << 6;

/** Exit qualification of an EPT violation. SDM: Vol. 3, "Exit Qualification for EPT Violations". */
export const EPT_VIOLATION_READ = 1 << 0;
export const EPT_VIOLATION_WRITE = 1 << 1;
export const EPT_VIOLATION_FETCH = 1 << 2;
export const EPT_VIOLATION_READABLE = 1 << 3;
export const EPT_VIOLATION_WRITABLE = 1 << 4;
export const EPT_VIOLATION_EXECUTABLE = 1 << 5;
/** The guest linear-address field is valid. */
export const EPT_VIOLATION_LA_VALID = 1 << 7;
/** The access is to the translation of the linear address itself, not to a paging-structure entry. */
export const EPT_VIOLATION_TRANSLATED = 1 << 8;

export const PAGE_4K = 0x1000;
export const PAGE_2M = 0x20_0000;
export const PAGE_1G = 0x4000_0000;
