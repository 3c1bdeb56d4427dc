/**
 * What the decoder must know besides the bytes: the code size (CS.L and CS.D) and, outside 64-bit mode, the stack-address size (SS.B).
 * One small number, so that decoded blocks can be keyed by it.
 */
export type CodeMode = 0 | 1 | 2 | 3 | 4;

export const CODE_16_STACK_16 = 0;
export const CODE_16_STACK_32 = 1;
export const CODE_32_STACK_16 = 2;
export const CODE_32_STACK_32 = 3;
export const CODE_64 = 4;

/** Number of code modes. */
export const CODE_MODES = 5;

/** Code size in bits, by mode. */
export const CODE_SIZES = [16, 16, 32, 32, 64] as const;
/** Width of the stack pointer in bits, by mode. SDM: Vol. 1, "Address-Size Attributes for Stack Accesses". */
export const STACK_WIDTHS = [16, 32, 16, 32, 64] as const;

/**
 * The code mode of a code size and a stack segment.
 * @param codeSize 16, 32 or 64.
 * @param bigStack SS.B; without meaning in 64-bit mode.
 */
export function codeModeOf(codeSize: number, bigStack: boolean): CodeMode {
  if (codeSize === 64) return CODE_64;
  if (codeSize === 32) return bigStack ? CODE_32_STACK_32 : CODE_32_STACK_16;
  return bigStack ? CODE_16_STACK_32 : CODE_16_STACK_16;
}
