/**
 * INVLPGB's operands. AMD APM: Vol. 3, "INVLPGB—Invalidate TLB Entry(s) with Broadcast"; CPUID bits: function 8000_0008h.
 *
 * RAX: flags in 5:0, linear address in 63:12. ECX: number of further pages in 15:0, 2 MB steps in 31. EDX: ASID in 15:0, PCID in 27:16.
 */
export const INVLPGB_VA = 1 << 0;
export const INVLPGB_PCID = 1 << 1;
export const INVLPGB_ASID = 1 << 2;
export const INVLPGB_INCLUDE_GLOBAL = 1 << 3;
/** Leaves entries of paging-structure caches alone. */
export const INVLPGB_FINAL_ONLY = 1 << 4;
export const INVLPGB_INCLUDE_NESTED = 1 << 5;
export const INVLPGB_STRIDE_2M = 0x8000_0000;
/** Further pages of one INVLPGB at most, as CPUID reports it: 8 pages in all (recalled of Zen 3). */
export const INVLPGB_COUNT_MAX = 7;
export const CPUID_80000008_EBX_INVLPGB = 1 << 3;
/** Number of the bit. */
export const INVLPGB_BIT = 3;
