/** Elementary functions. SDM: Vol. 1, "Trigonometric Instructions"; "Logarithmic, Exponential, and Scale". */
import { X87_C2 } from '../../../arch/x87.ts';
import { INDEFINITE, ONE } from '../../x87/extended.ts';
import type { Transcendentals } from '../../x87/transcendentals.ts';
import type { X87Step } from '../x87Ops.ts';
import { unary } from './arithmetic.ts';

/** F2XM1. */
export const powerOfTwoLessOne = unary((float, a) => (float as Transcendentals).powerOfTwoLessOne(a));

/** A function of ST(0) and ST(1), which replaces both. */
const ofTwo =
  (compute: (float: Transcendentals, x: bigint, y: bigint) => bigint): X87Step =>
  (unit) => {
    unit.begin();
    if (unit.isEmpty(0) || unit.isEmpty(1)) unit.underflow(1, true);
    else unit.replace(1, compute(unit.float, unit.read(0), unit.read(1)), true);
    return 0n;
  };

/** FYL2X: ST(1) × log2 ST(0). */
export const logarithm = ofTwo((float, x, y) => float.logarithm(x, y));
/** FYL2XP1: ST(1) × log2 (ST(0) + 1). */
export const logarithmNearOne = ofTwo((float, x, y) => float.logarithmNearOne(x, y));
/** FPATAN: the angle of the point (ST(0), ST(1)). */
export const arctangent = ofTwo((float, x, y) => float.arctangent(x, y));

/** A function of an angle. C2 tells that it is out of range, and nothing happens. @param also what is pushed besides, of the angle and the result. */
const ofAngle =
  (compute: (float: Transcendentals, a: bigint) => bigint, also?: (float: Transcendentals, a: bigint, result: bigint) => bigint): X87Step =>
  (unit) => {
    unit.begin();
    unit.change(X87_C2, 0);
    const empty = unit.isEmpty(0);
    if (empty || (also !== undefined && !unit.isEmpty(7))) {
      if (!unit.stackFault(!empty)) return 0n;
      unit.write(0, INDEFINITE);
      if (also !== undefined) unit.push(INDEFINITE);
      return 0n;
    }
    const angle = unit.read(0);
    if (unit.float.isOutOfRange(angle)) {
      unit.change(X87_C2, X87_C2);
      return 0n;
    }
    const first = compute(unit.float, angle);
    const second = also?.(unit.float, angle, first);
    if (!unit.accept()) return 0n;
    unit.write(0, first);
    if (second !== undefined) unit.push(second);
    return 0n;
  };

export const sine = ofAngle((float, a) => float.sine(a));
export const cosine = ofAngle((float, a) => float.cosine(a));
/** FSINCOS: the sine, and the cosine on top. */
export const sineAndCosine = ofAngle(
  (float, a) => float.sine(a),
  (float, a) => float.cosine(a),
);
/** FPTAN: the tangent, and 1 on top; the NaN again, where the tangent is none: of a NaN, of an infinity. */
export const tangent = ofAngle(
  (float, a) => float.tangent(a),
  (float, _a, result) => (float.isNumber(result) ? ONE : result),
);
