/**
 * Floating-point operations as decode-time facts. What they compute, and which exceptions they signal, is IEEE 754's and the SDM's, not a
 * matter of one instruction: an engine carries a step out as a whole (engines/reference/floatUnit.ts is its definition).
 */

/** Binary interchange formats, and signed integers. */
export type NumberFormat = 'f32' | 'f64' | 'i32' | 'i64';

export type FloatOperation =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  /** Even lanes subtract, odd ones add. */
  | 'subtractAdd'
  /** Of the second operand, as everything with one operand. */
  | 'squareRoot'
  /** 1/x and 1/√x to about 12 bits, without exceptions. */
  | 'reciprocal'
  | 'reciprocalRoot'
  /** The second operand when one is a NaN or both are zeros. */
  | 'minimum'
  | 'maximum'
  /** All ones where the predicate `control` (PREDICATE_…) holds, else 0. */
  | 'compare'
  /** ZF, PF and CF at their places in RFLAGS; `control` 1: a quiet NaN is invalid, too. */
  | 'order'
  /** To an integer of the same format; `control`: ROUNDING_BY_MXCSR or a rounding mode, with ROUNDING_QUIET. */
  | 'round'
  /** Between formats; `control` as for `round`. */
  | 'convert';

export const PREDICATE_EQ = 0;
export const PREDICATE_LT = 1;
export const PREDICATE_LE = 2;
export const PREDICATE_UNORD = 3;
/** Added to one of the four: the opposite. */
export const PREDICATE_NOT = 4;

/** As bit 2 of ROUND's immediate: the mode is MXCSR's, whatever bits 1:0 say. */
export const ROUNDING_BY_MXCSR = 4;
/** As bit 3 of ROUND's immediate: an inexact result is not told of. */
export const ROUNDING_QUIET = 8;

/** One floating-point operation on the low lanes of vectors. Equal steps are one object. */
export interface FloatStep {
  /** Small number of the step, unique. */
  readonly id: number;
  readonly operation: FloatOperation;
  readonly from: NumberFormat;
  readonly to: NumberFormat;
  readonly lanes: 1 | 2 | 4;
  readonly control: number;
  /** The second operand, the result, is an integer value rather than a vector: scalar conversions, `order`. */
  readonly integerSource: boolean;
  readonly integerResult: boolean;
}

const known = new Map<string, FloatStep>();
const byId: FloatStep[] = [];

/** The step with these properties; `to` is `from` unless given. */
export function floatStep(
  operation: FloatOperation,
  lanes: 1 | 2 | 4,
  from: NumberFormat,
  to: NumberFormat = from,
  control = 0,
): FloatStep {
  const key = `${operation} ${lanes} ${from} ${to} ${control}`;
  let step = known.get(key);
  if (step === undefined) {
    const scalar = lanes === 1;
    step = {
      id: byId.length,
      ...{ operation, from, to, lanes, control },
      integerSource: scalar && from.startsWith('i'),
      integerResult: operation === 'order' || (scalar && to.startsWith('i')),
    };
    known.set(key, step);
    byId.push(step);
  }
  return step;
}

/** The step of a number that `floatStep` has given out. */
export const stepOf = (id: number): FloatStep => byId[id]!;

export const widthOfFormat = (format: NumberFormat): 32 | 64 => (format.endsWith('32') ? 32 : 64);
