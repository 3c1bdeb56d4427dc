/**
 * Elementary functions of extended numbers, with their special cases. SDM: Vol. 1, "Transcendental Instruction Accuracy"; Vol. 2, each instruction.
 *
 * Deviation: elementary functions of the x87 unit are exact to far more than 64 bits and rounded once; a processor's are within 1 unit in the last
 * place of that (for sines and their kind: of the function of the argument reduced by its 66 bits of π), so that last bits and C1 may differ.
 */
import { X87_PE, X87_UE, X87_ZE } from '../../arch/x87.ts';
import { bitLength, type Extended, INFINITY, ONE, packExact, shiftedLeft, signOf, unpackExtended } from './extended.ts';
import { ExtendedArithmetic } from './extendedArithmetic.ts';
import * as fixed from './fixedPoint.ts';

/** Bits beyond the point that intermediate results have. */
const BITS = 224;
/** Below 2^-TINY the first term of a series says it all, but for which side of it the result lies. */
const TINY = 72;

/** Denormal, of 80 bits. */
const isTiny = (bits: bigint): boolean => ((bits >> 64n) & 0x7fffn) === 0n;

/** Power of two of the leading bit. */
const leadingOf = (x: Extended): number => x.exponent + bitLength(x.significand) - 1;
const isNumber = (x: Extended): boolean => x.kind !== 'nan' && x.kind !== 'unsupported';
const isOne = (x: Extended): boolean => leadingOf(x) === 0 && (x.significand & (x.significand - 1n)) === 0n;

export class Transcendentals extends ExtendedArithmetic {
  isNumber(a: bigint): boolean {
    return isNumber(unpackExtended(a));
  }

  /** Angles of 2^63 and more are left alone. */
  isOutOfRange(a: bigint): boolean {
    const x = unpackExtended(a);
    return x.kind === 'finite' && leadingOf(x) >= 63;
  }

  /** A fixed-point result; inexact. */
  private inexact(value: bigint, bits: number): bigint {
    return this.toExtended(value < 0n, value < 0n ? -value : value, -bits, true, 64);
  }

  /** A little less in magnitude than significand × 2^exponent. */
  private below(negative: boolean, significand: bigint, exponent: number): bigint {
    return this.toExtended(negative, (significand << 80n) - 1n, exponent - 80, true, 64);
  }

  private above(negative: boolean, significand: bigint, exponent: number): bigint {
    return this.toExtended(negative, significand, exponent, true, 64);
  }

  /** 2^a - 1. Outside [-1, 1] the manual leaves the result open: it is a itself. */
  powerOfTwoLessOne(a: bigint): bigint {
    const x = unpackExtended(a);
    if (!isNumber(x)) return this.propagate(a, a);
    if (x.kind === 'infinity') return x.negative ? signOf(true) | ONE : a;
    if (x.kind === 'zero') return a;
    this.noteDenormals(x, x);
    this.flags |= X87_PE;
    if (isOne(x)) return x.negative ? packExact(true, 1n, -1) : ONE;
    if (leadingOf(x) >= 0) return a;
    if (leadingOf(x) < -TINY) return this.above(x.negative, x.significand * fixed.lnTwo(BITS), x.exponent - BITS);
    const bits = BITS + TINY;
    const magnitude = shiftedLeft(x.significand, x.exponent + bits);
    const power = ((x.negative ? -magnitude : magnitude) * fixed.lnTwo(bits)) >> BigInt(bits);
    return this.inexact(fixed.exponentialLessOne(power, bits), bits);
  }

  /** y × log2 x. */
  logarithm(a: bigint, b: bigint): bigint {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (!isNumber(x) || !isNumber(y)) return this.propagate(b, a);
    if (x.negative && x.kind !== 'zero') return this.invalid();
    if (x.kind === 'zero') {
      if (y.kind === 'zero') return this.invalid();
      if (y.kind === 'finite') {
        this.flags |= X87_ZE;
      }
      return INFINITY | signOf(!y.negative);
    }
    if (x.kind === 'infinity') {
      if (y.kind === 'zero') return this.invalid();
      this.noteDenormals(y, y);
      return INFINITY | signOf(y.negative);
    }
    const one = isOne(x);
    if (y.kind === 'infinity') {
      if (one) return this.invalid();
      this.noteDenormals(x, x);
      return INFINITY | signOf(y.negative !== leadingOf(x) < 0);
    }
    this.noteDenormals(x, y);
    if (one) return signOf(y.negative);
    const length = bitLength(x.significand);
    const whole = BigInt(leadingOf(x));
    if (y.kind === 'zero') return signOf(y.negative !== leadingOf(x) < 0);
    this.flags |= X87_PE;
    const power = x.significand === 1n << BigInt(length - 1);
    const value = power ? whole << BigInt(BITS) : (whole << BigInt(BITS)) + fixed.logarithmOfSignificand(x.significand, length, BITS);
    const negative = value < 0n !== y.negative;
    const result = this.toExtended(negative, (value < 0n ? -value : value) * y.significand, y.exponent - BITS, !power, 64);
    // Processors call even an exact result inexact, and so a tiny one an underflow.
    if (isTiny(result)) this.flags |= X87_UE;
    return result;
  }

  /** y × log2 (x + 1). Below -1, where the manual leaves the result open, it is x, and minus infinity is invalid. */
  logarithmNearOne(a: bigint, b: bigint): bigint {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (!isNumber(x) || !isNumber(y)) return this.propagate(b, a);
    if (x.kind === 'infinity') {
      if (x.negative || y.kind === 'zero') return this.invalid();
      this.noteDenormals(y, y);
      return INFINITY | signOf(y.negative);
    }
    if (y.kind === 'infinity') {
      if (x.kind === 'zero') return this.invalid();
      this.noteDenormals(x, x);
      return INFINITY | signOf(x.negative !== y.negative);
    }
    this.noteDenormals(x, y);
    const negative = x.negative !== y.negative;
    if (x.kind === 'zero' || y.kind === 'zero') return signOf(negative);
    this.flags |= X87_PE;
    if (x.negative && leadingOf(x) >= 0) return a;
    if (leadingOf(x) < -TINY) {
      const slope = (1n << BigInt(2 * BITS)) / fixed.lnTwo(BITS);
      return this.above(negative, x.significand * y.significand * slope, x.exponent + y.exponent - BITS);
    }
    // x + 1 as an exact significand, for which the logarithm is known to enough bits even next to 1.
    const place = Math.min(x.exponent, 0);
    const magnitude = shiftedLeft(x.significand, x.exponent - place);
    const sum = (1n << BigInt(-place)) + (x.negative ? -magnitude : magnitude);
    const length = bitLength(sum);
    const bits = BITS + TINY;
    let value = BigInt(length - 1 + place) << BigInt(bits);
    value += x.negative ? logarithmBelowOne(sum, -place, bits) - value : fixed.logarithmOfSignificand(sum, length, bits);
    const size = value < 0n ? -value : value;
    return this.toExtended(negative, size * y.significand, y.exponent - bits, true, 64);
  }

  /** The angle of the point (x, y) in (-π, π]. */
  arctangent(a: bigint, b: bigint): bigint {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (!isNumber(x) || !isNumber(y)) return this.propagate(b, a);
    if (y.kind === 'infinity' || x.kind === 'infinity') {
      this.noteDenormals(x, y);
      if (y.kind !== 'infinity') return x.negative ? this.partOfPi(y.negative, 4n) : signOf(y.negative);
      return this.partOfPi(y.negative, x.kind !== 'infinity' ? 2n : x.negative ? 3n : 1n);
    }
    this.noteDenormals(x, y);
    if (y.kind === 'zero') return x.negative ? this.partOfPi(y.negative, 4n) : b;
    if (x.kind === 'zero') return this.partOfPi(y.negative, 2n);
    const apart = leadingOf(y) - leadingOf(x);
    if (apart > 2 * TINY) return this.partOfPi(y.negative, 2n);
    if (apart < -2 * TINY) return x.negative ? this.partOfPi(y.negative, 4n) : this.smallQuotient(x, y);
    const exponent = Math.min(x.exponent, y.exponent);
    const [p, q] = [shiftedLeft(y.significand, y.exponent - exponent), shiftedLeft(x.significand, x.exponent - exponent)];
    const bits = BITS + 2 * TINY;
    const steep = p > q;
    const angle = fixed.arctangent(((steep ? q : p) << BigInt(bits)) / (steep ? p : q), bits);
    const first = steep ? fixed.pi(bits) / 2n - angle : angle;
    return this.inexact(y.negative ? -(x.negative ? fixed.pi(bits) - first : first) : x.negative ? fixed.pi(bits) - first : first, bits);
  }

  /** y/x, and a little less. */
  private smallQuotient(x: Extended, y: Extended): bigint {
    const quotient = (y.significand << 200n) / x.significand;
    const exponent = y.exponent - x.exponent - 200;
    const exact = quotient * x.significand === y.significand << 200n;
    return exact ? this.below(y.negative, quotient, exponent) : this.above(y.negative, quotient, exponent);
  }

  /** `quarters` quarters of π. */
  private partOfPi(negative: boolean, quarters: bigint): bigint {
    return this.above(negative, quarters * fixed.pi(BITS), -BITS - 2);
  }

  sine(a: bigint): bigint {
    return this.ofAngle(a, (x) => {
      if (leadingOf(x) < -TINY) return this.below(x.negative, x.significand, x.exponent);
      const { quadrant, rest } = reduced(x);
      const { sine, cosine } = fixed.sineAndCosine(rest, REDUCED_BITS);
      const value = quadrant & 1 ? cosine : sine;
      return this.inexact(((quadrant & 2) !== 0) !== x.negative ? -value : value, REDUCED_BITS);
    });
  }

  cosine(a: bigint): bigint {
    return this.ofAngle(
      a,
      (x) => {
        if (leadingOf(x) < -TINY) return this.below(false, 1n << 63n, -63);
        const { quadrant, rest } = reduced(x);
        const { sine, cosine } = fixed.sineAndCosine(rest, REDUCED_BITS);
        const value = quadrant & 1 ? sine : cosine;
        return this.inexact(quadrant === 1 || quadrant === 2 ? -value : value, REDUCED_BITS);
      },
      ONE,
    );
  }

  tangent(a: bigint): bigint {
    return this.ofAngle(a, (x) => {
      if (leadingOf(x) < -TINY) return this.above(x.negative, x.significand, x.exponent);
      const { quadrant, rest } = reduced(x);
      const { sine, cosine } = fixed.sineAndCosine(rest, REDUCED_BITS);
      const value = quadrant & 1 ? -(cosine << BigInt(REDUCED_BITS)) / sine : (sine << BigInt(REDUCED_BITS)) / cosine;
      return this.inexact(x.negative ? -value : value, REDUCED_BITS);
    });
  }

  private ofAngle(a: bigint, compute: (x: Extended) => bigint, ofZero: bigint = a): bigint {
    const x = unpackExtended(a);
    if (!isNumber(x)) return this.propagate(a, a);
    if (x.kind === 'infinity') return this.invalid();
    if (x.kind === 'zero') return ofZero;
    this.noteDenormals(x, x);
    const result = compute(x);
    this.flags |= X87_PE;
    return result;
  }
}

/** Bits beyond the point of reduced angles. */
const REDUCED_BITS = BITS + 2 * TINY;

/** The magnitude modulo π/2, between -π/4 and π/4, and the number of quarter turns taken off, modulo 4. */
function reduced(x: Extended): { quadrant: number; rest: bigint } {
  const angle = shiftedLeft(x.significand, x.exponent + REDUCED_BITS);
  const quarter = fixed.PI_66 << BigInt(REDUCED_BITS - fixed.PI_66_BITS - 1);
  const turns = (angle + quarter / 2n) / quarter;
  return { quadrant: Number(turns & 3n), rest: angle - turns * quarter };
}

/** log2 of sum × 2^-place, which is below 1 and may lie next to it. */
function logarithmBelowOne(sum: bigint, place: number, bits: number): bigint {
  const one = 1n << BigInt(place);
  if (2n * sum < one) {
    const length = bitLength(sum);
    return (BigInt(length - 1 - place) << BigInt(bits)) + fixed.logarithmOfSignificand(sum, length, bits);
  }
  const z = ((sum - one) << BigInt(bits)) / (sum + one);
  return ((2n * fixed.artanh(z, bits)) << BigInt(bits)) / fixed.lnTwo(bits);
}
