/** Debug-register bits. SDM: Vol. 3, "Debug Registers". */
export const DR6_BS = 1 << 14;
export const DR6_BD = 1 << 13;
/** B0 to B3: the condition of breakpoint n was met. */
export const DR6_B = 0xf;
/** Bits that always read as 1. */
export const DR6_FIXED = 0xffff_0ff0;

/** L0, G0, … L3, G3: two bits for each breakpoint. */
export const DR7_ENABLES = 0xff;
export const DR7_GD = 1 << 13;
/** Bit 10 always reads as 1; 11, 12, 14 and 15 as 0. */
export const DR7_FIXED = 0x400;
export const DR7_WRITABLE = 0xffff_23ff;
/** R/Wn at 16 + 4n: what breaks. LENn is above it. */
export const DR7_CONDITION_SHIFT = 16;
export const BREAK_ON_EXECUTION = 0;
export const BREAK_ON_WRITE = 1;
export const BREAK_ON_IO = 2;
export const BREAK_ON_ACCESS = 3;

/** Pending debug exceptions of a guest are as in DR6, with this bit beside those of breakpoints. SDM: Vol. 3, "Guest Non-Register State". */
export const PENDING_DEBUG_ENABLED_BREAKPOINT = 1 << 12;
export const PENDING_DEBUG_DEFINED = DR6_B | PENDING_DEBUG_ENABLED_BREAKPOINT | DR6_BS;
