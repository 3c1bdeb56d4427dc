/** Constants, rounded as the control word says. SDM: Vol. 1, "Load Constant Instructions". */
import { ROUND_NEAREST, ROUND_UP } from '../../../arch/mxcsr.ts';
import type { X87Step } from '../x87Ops.ts';

/**
 * Pushes sign-less exponent and significand; not a rounding that anybody is told of.
 * @param low the value rounded down. @param nearestUp the value rounded to nearest is one unit more.
 */
export const constant =
  (low: bigint, nearestUp: boolean, exact = false): X87Step =>
  (unit) => {
    unit.begin();
    const { rounding } = unit.float;
    const up = !exact && (rounding === ROUND_UP || (rounding === ROUND_NEAREST && nearestUp));
    unit.pushResult(() => (up ? low + 1n : low));
    return 0n;
  };

export const ONE = constant(0x3fff_8000_0000_0000_0000n, false, true);
export const ZERO = constant(0n, false, true);
export const LOG2_TEN = constant(0x4000_d49a_784b_cd1b_8afen, false);
export const LOG2_E = constant(0x3fff_b8aa_3b29_5c17_f0bbn, true);
export const PI = constant(0x4000_c90f_daa2_2168_c234n, true);
export const LOG10_TWO = constant(0x3ffd_9a20_9a84_fbcf_f798n, true);
export const LN_TWO = constant(0x3ffe_b172_17f7_d1cf_79abn, true);
