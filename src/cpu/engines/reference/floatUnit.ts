/** The SSE floating-point unit: what a `FloatStep` computes, lane by lane, and what MXCSR makes of its exceptions. */
import {
  MXCSR_DAZ,
  MXCSR_DE,
  MXCSR_FLAGS,
  MXCSR_FTZ,
  MXCSR_IE,
  MXCSR_MASK_SHIFT,
  MXCSR_OM,
  MXCSR_ROUNDING_SHIFT,
  MXCSR_UM,
  MXCSR_ZE,
} from '../../../arch/mxcsr.ts';
import { RFLAGS_CF, RFLAGS_PF, RFLAGS_ZF } from '../../../arch/rflags.ts';
import {
  type FloatStep,
  type NumberFormat,
  PREDICATE_EQ,
  PREDICATE_LE,
  PREDICATE_LT,
  PREDICATE_NOT,
  PREDICATE_UNORD,
  ROUNDING_BY_MXCSR,
  ROUNDING_QUIET,
  widthOfFormat,
} from '../../semantics/floatStep.ts';
import { FLOAT32, FLOAT64, type FloatFormat, isNan, type Ordering, SoftFloat } from './softFloat.ts';

/** Exceptions of operands; the others are of results, and wait until no unmasked one of these is pending. */
const BEFORE_COMPUTATION = MXCSR_IE | MXCSR_DE | MXCSR_ZE;

const formatOf = (format: NumberFormat): FloatFormat => (format === 'f64' ? FLOAT64 : FLOAT32);

const ORDER_FLAGS: Readonly<Record<Ordering, number>> = {
  unordered: RFLAGS_ZF | RFLAGS_PF | RFLAGS_CF,
  greater: 0,
  less: RFLAGS_CF,
  equal: RFLAGS_ZF,
};

export class FloatUnit {
  private readonly soft = new SoftFloat();
  /** Exceptions of the last step, as MXCSR flags. */
  exceptions = 0;
  /** One of them is not masked: the step's result does not count. */
  unmasked = false;

  /** The step's result; the lanes it does not compute are those of `a`. */
  execute(step: FloatStep, a: bigint, b: bigint, mxcsr: number): bigint {
    const { soft } = this;
    const masks = (mxcsr >> MXCSR_MASK_SHIFT) & MXCSR_FLAGS;
    soft.rounding = (mxcsr >> MXCSR_ROUNDING_SHIFT) & 3;
    soft.flushToZero = (mxcsr & MXCSR_FTZ) !== 0;
    soft.denormalsAreZeros = (mxcsr & MXCSR_DAZ) !== 0;
    soft.overflowUnmasked = (mxcsr & MXCSR_OM) === 0;
    soft.underflowUnmasked = (mxcsr & MXCSR_UM) === 0;
    soft.flags = 0;
    const [from, to] = [widthOfFormat(step.from), step.integerResult ? 64 : widthOfFormat(step.to)];
    let result = step.integerResult ? 0n : a;
    for (let lane = 0; lane < step.lanes; lane++) {
      const [x, y] = [laneOf(from, a, lane), step.integerSource ? b : laneOf(from, b, lane)];
      const shift = BigInt(lane * to);
      const mask = ((1n << BigInt(to)) - 1n) << shift;
      result = (result & ~mask) | (this.lane(step, x, y, lane) << shift);
    }
    const before = soft.flags & BEFORE_COMPUTATION;
    this.exceptions = (before & ~masks) !== 0 ? before : soft.flags;
    this.unmasked = (this.exceptions & ~masks) !== 0;
    return result;
  }

  private lane(step: FloatStep, a: bigint, b: bigint, number: number): bigint {
    const { soft } = this;
    const f = formatOf(step.from);
    switch (step.operation) {
      case 'add':
        return soft.add(f, a, b);
      case 'subtract':
        return soft.subtract(f, a, b);
      case 'multiply':
        return soft.multiply(f, a, b);
      case 'divide':
        return soft.divide(f, a, b);
      case 'subtractAdd':
        return number % 2 === 0 ? soft.subtract(f, a, b) : soft.add(f, a, b);
      case 'reciprocal':
        return approximate(soft, f, b, (x) => 1 / x);
      case 'reciprocalRoot':
        return approximate(soft, f, b, (x) => 1 / Math.sqrt(x));
      case 'squareRoot':
        return soft.squareRoot(f, b);
      case 'minimum':
        return this.flushed(f, soft.compare(f, a, b, true) === 'less' ? a : b);
      case 'maximum':
        return this.flushed(f, soft.compare(f, a, b, true) === 'greater' ? a : b);
      case 'compare':
        return this.holds(f, step.control, a, b) ? (1n << BigInt(f.width)) - 1n : 0n;
      case 'order':
        return BigInt(ORDER_FLAGS[soft.compare(f, a, b, step.control === 1)]);
      case 'round':
        return soft.roundToIntegral(f, b, this.roundingOf(step), (step.control & ROUNDING_QUIET) !== 0);
      case 'convert':
        return this.convert(step, b);
    }
  }

  private convert(step: FloatStep, b: bigint): bigint {
    const { soft } = this;
    if (step.to.startsWith('i')) return soft.toInteger(formatOf(step.from), b, widthOfFormat(step.to), this.roundingOf(step));
    if (step.from.startsWith('i')) return soft.fromInteger(formatOf(step.to), BigInt.asIntN(widthOfFormat(step.from), b));
    return soft.convert(formatOf(step.to), formatOf(step.from), b);
  }

  private roundingOf({ control }: FloatStep): number {
    return control & ROUNDING_BY_MXCSR ? this.soft.rounding : control & 3;
  }

  /** MIN and MAX hand operands through; denormals that count as zeros come out as zeros. */
  private flushed(f: FloatFormat, bits: bigint): bigint {
    const denormal = this.soft.denormalsAreZeros && !isNan(f, bits) && (bits & f.infinity) === 0n;
    return denormal ? bits & f.signBit : bits;
  }

  /** SDM: Vol. 2, "CMPPD—Compare Packed Double Precision Floating-Point Values", predicates 0–7. */
  private holds(f: FloatFormat, predicate: number, a: bigint, b: bigint): boolean {
    const kind = predicate & 3;
    const order = this.soft.compare(f, a, b, kind === PREDICATE_LT || kind === PREDICATE_LE);
    const meets =
      (kind === PREDICATE_EQ && order === 'equal') ||
      (kind === PREDICATE_LT && order === 'less') ||
      (kind === PREDICATE_LE && (order === 'less' || order === 'equal')) ||
      (kind === PREDICATE_UNORD && order === 'unordered');
    return meets !== ((predicate & PREDICATE_NOT) !== 0);
  }
}

const CONVERSION = new DataView(new ArrayBuffer(4));
/** Bits that an approximation keeps of a single's fraction, and those it drops. */
const APPROXIMATE_BITS = 12;
const DROPPED = 23 - APPROXIMATE_BITS;

/**
 * RCPSS, RSQRTSS: the function of a single, rounded to 12 bits; denormal numbers count as zeros, as operands and as results.
 * Deviation: the manual bounds the error only (1.5 × 2^-12); the bits that a processor's tables give are its own.
 */
function approximate(soft: SoftFloat, f: FloatFormat, bits: bigint, compute: (x: number) => number): bigint {
  if (isNan(f, bits)) return bits | f.quietBit;
  const sign = bits & f.signBit;
  const plain = (bits & f.infinity) === 0n ? sign : bits;
  CONVERSION.setUint32(0, Number(plain));
  CONVERSION.setFloat32(0, compute(CONVERSION.getFloat32(0)));
  const exact = CONVERSION.getUint32(0);
  const result = BigInt(exact);
  soft.flags = 0;
  if (isNan(f, result)) return f.defaultNan;
  if ((result & f.infinity) === 0n) return sign;
  return (result & f.infinity) === f.infinity ? result : BigInt(((exact + (1 << (DROPPED - 1))) & -(1 << DROPPED)) >>> 0);
}

const laneOf = (width: number, vector: bigint, lane: number): bigint => BigInt.asUintN(width, vector >> BigInt(lane * width));
