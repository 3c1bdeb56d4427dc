/** x87 control, status and tag words. SDM: Vol. 1, "x87 FPU Execution Environment". */

/** Exception flags: the same bits in the status word (flags) and in the control word (masks). */
export const X87_IE = 1 << 0;
export const X87_DE = 1 << 1;
export const X87_ZE = 1 << 2;
export const X87_OE = 1 << 3;
export const X87_UE = 1 << 4;
export const X87_PE = 1 << 5;
export const X87_EXCEPTIONS = 0x3f;

/** Status word: stack fault; error summary; condition codes; number of the register at the top of the stack; busy (as the error summary). */
export const X87_SF = 1 << 6;
export const X87_ES = 1 << 7;
export const X87_C0 = 1 << 8;
export const X87_C1 = 1 << 9;
export const X87_C2 = 1 << 10;
export const X87_TOP_SHIFT = 11;
export const X87_TOP = 7 << X87_TOP_SHIFT;
export const X87_C3 = 1 << 14;
export const X87_BUSY = 1 << 15;

/** Control word: precision control, rounding control (ROUND_… of arch/mxcsr). */
export const X87_PRECISION_SHIFT = 8;
export const X87_ROUNDING_SHIFT = 10;
/** Bits that can be written; bit 6 reads as 1. */
export const X87_CONTROL_DEFINED = 0x1f3f;
export const X87_CONTROL_FIXED = 0x40;
/** After FNINIT: everything masked, 64 bits of precision, round to nearest. After a reset: 0x40. */
export const X87_CONTROL_INITIAL = 0x37f;
export const X87_CONTROL_RESET = 0x40;

/** Two bits for each register in the full tag word. */
export const TAG_VALID = 0;
export const TAG_ZERO = 1;
export const TAG_SPECIAL = 2;
export const TAG_EMPTY = 3;
