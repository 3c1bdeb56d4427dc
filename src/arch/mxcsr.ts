/** MXCSR: control and status of SSE floating point. SDM: Vol. 1, "MXCSR Control and Status Register". */
export const MXCSR_IE = 1 << 0;
export const MXCSR_DE = 1 << 1;
export const MXCSR_ZE = 1 << 2;
export const MXCSR_OE = 1 << 3;
export const MXCSR_UE = 1 << 4;
export const MXCSR_PE = 1 << 5;
export const MXCSR_DAZ = 1 << 6;
export const MXCSR_OM = 1 << 10;
export const MXCSR_UM = 1 << 11;
export const MXCSR_FTZ = 1 << 15;

/** The six exception flags, sticky; their mask bits stand `MXCSR_MASK_SHIFT` above them. */
export const MXCSR_FLAGS = 0x3f;
export const MXCSR_MASK_SHIFT = 7;
export const MXCSR_MASKS = MXCSR_FLAGS << MXCSR_MASK_SHIFT;
export const MXCSR_ROUNDING_SHIFT = 13;
/** Rounding control: the number as it stands in MXCSR, in x87's control word and in immediates of ROUND. */
export const ROUND_NEAREST = 0;
export const ROUND_DOWN = 1;
export const ROUND_UP = 2;
export const ROUND_TO_ZERO = 3;

/** After a reset: everything masked, round to nearest. */
export const MXCSR_RESET = 0x1f80;
/** Bits that exist; setting another one raises #GP(0). */
export const MXCSR_DEFINED = 0xffff;
