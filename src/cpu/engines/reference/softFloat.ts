/**
 * Binary floating point in software, exact and slow: values are integers times powers of two, and rounding happens once, at the end. Any
 * format, all rounding modes, all exception flags.
 * SDM: Vol. 1, "Floating-Point Exceptions"; "Overview of SIMD Floating-Point Exceptions"; IEEE 754-2019.
 */
import {
  MXCSR_DE,
  MXCSR_IE,
  MXCSR_OE,
  MXCSR_PE,
  MXCSR_UE,
  MXCSR_ZE,
  ROUND_DOWN,
  ROUND_NEAREST,
  ROUND_TO_ZERO,
  ROUND_UP,
} from '../../../arch/mxcsr.ts';

/** An interchange format: sign, biased exponent, fraction without the leading 1. */
export interface FloatFormat {
  readonly width: number;
  /** Bits of the significand, the leading 1 included. */
  readonly precision: number;
  /** Least and greatest exponent of a normal number, as powers of two of its leading bit. */
  readonly leastExponent: number;
  readonly greatestExponent: number;
  readonly signBit: bigint;
  readonly fractionMask: bigint;
  readonly quietBit: bigint;
  readonly infinity: bigint;
  /** What an invalid operation gives: the negative quiet NaN without payload. */
  readonly defaultNan: bigint;
}

export function floatFormat(exponentBits: number, fractionBits: number): FloatFormat {
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits);
  const quietBit = 1n << BigInt(fractionBits - 1);
  const signBit = 1n << BigInt(exponentBits + fractionBits);
  const greatestExponent = 2 ** (exponentBits - 1) - 1;
  return {
    width: 1 + exponentBits + fractionBits,
    precision: fractionBits + 1,
    leastExponent: 1 - greatestExponent,
    greatestExponent,
    signBit,
    fractionMask: (1n << BigInt(fractionBits)) - 1n,
    quietBit,
    infinity,
    defaultNan: signBit | infinity | quietBit,
  };
}

export const FLOAT32 = floatFormat(8, 23);
export const FLOAT64 = floatFormat(11, 52);

/** A number taken apart: ± significand × 2^exponent, or infinity. A zero has significand 0. */
interface Unpacked {
  readonly negative: boolean;
  readonly infinite: boolean;
  readonly denormal: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

export type Ordering = 'less' | 'equal' | 'greater' | 'unordered';

export const isNan = (f: FloatFormat, bits: bigint): boolean => (bits & ~f.signBit) > f.infinity;
const isSignalling = (f: FloatFormat, bits: bigint): boolean => isNan(f, bits) && (bits & f.quietBit) === 0n;

function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return 4 * digits.length - (Math.clz32(Number.parseInt(digits[0]!, 16)) - 28);
}

/** Greatest integer whose square is at most `value`. */
function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** The operations, with the modes they obey and the exception flags (as in MXCSR) they leave. */
export class SoftFloat {
  /** ROUND_…. */
  rounding = ROUND_NEAREST;
  flushToZero = false;
  denormalsAreZeros = false;
  /**
   * Overflow or underflow is not masked. A handler is to get the result with its exponent out of range: it is inexact only if that loses bits;
   * and tininess alone signals an underflow.
   */
  overflowUnmasked = false;
  underflowUnmasked = false;
  /** Exceptions since somebody cleared this. */
  flags = 0;

  add(f: FloatFormat, a: bigint, b: bigint): bigint {
    if (isNan(f, a) || isNan(f, b)) return this.propagate(f, a, b);
    const [x, y] = [this.unpack(f, a), this.unpack(f, b)];
    if (x.infinite && y.infinite && x.negative !== y.negative) return this.invalid(f);
    this.noteDenormal(x, y);
    if (x.infinite || y.infinite) return x.infinite ? a : b;
    const exponent = Math.min(x.exponent, y.exponent);
    const sum = signedAt(x, exponent) + signedAt(y, exponent);
    // The sign of an exact zero: that of both, or by the rounding mode.
    const negative = sum === 0n ? (x.negative === y.negative ? x.negative : this.rounding === ROUND_DOWN) : sum < 0n;
    return this.pack(f, negative, sum < 0n ? -sum : sum, exponent, false);
  }

  subtract(f: FloatFormat, a: bigint, b: bigint): bigint {
    return isNan(f, b) ? this.add(f, a, b) : this.add(f, a, b ^ f.signBit);
  }

  multiply(f: FloatFormat, a: bigint, b: bigint): bigint {
    if (isNan(f, a) || isNan(f, b)) return this.propagate(f, a, b);
    const [x, y] = [this.unpack(f, a), this.unpack(f, b)];
    const negative = x.negative !== y.negative;
    if ((x.infinite && isZero(y)) || (y.infinite && isZero(x))) return this.invalid(f);
    this.noteDenormal(x, y);
    if (x.infinite || y.infinite) return infinity(f, negative);
    return this.pack(f, negative, x.significand * y.significand, x.exponent + y.exponent, false);
  }

  divide(f: FloatFormat, a: bigint, b: bigint): bigint {
    if (isNan(f, a) || isNan(f, b)) return this.propagate(f, a, b);
    const [x, y] = [this.unpack(f, a), this.unpack(f, b)];
    const negative = x.negative !== y.negative;
    if ((x.infinite && y.infinite) || (isZero(x) && isZero(y))) return this.invalid(f);
    if (isZero(y) && !x.infinite) {
      this.flags |= MXCSR_ZE;
      return infinity(f, negative);
    }
    this.noteDenormal(x, y);
    if (x.infinite) return infinity(f, negative);
    if (y.infinite) return zero(f, negative);
    // Enough bits of quotient that what is left decides nothing but the last rounding.
    const shift = f.precision + 2 + Math.max(0, bitLength(y.significand) - bitLength(x.significand));
    const dividend = x.significand << BigInt(shift);
    const quotient = dividend / y.significand;
    return this.pack(f, negative, quotient, x.exponent - y.exponent - shift, quotient * y.significand !== dividend);
  }

  squareRoot(f: FloatFormat, a: bigint): bigint {
    if (isNan(f, a)) return this.propagate(f, a, a);
    const x = this.unpack(f, a);
    if (isZero(x)) return zero(f, x.negative);
    if (x.negative) return this.invalid(f);
    this.noteDenormal(x, x);
    if (x.infinite) return a;
    const wanted = 2 * (f.precision + 2);
    let shift = Math.max(0, wanted - bitLength(x.significand));
    if (((x.exponent - shift) & 1) !== 0) shift++;
    const radicand = x.significand << BigInt(shift);
    const root = integerRoot(radicand);
    return this.pack(f, false, root, (x.exponent - shift) / 2, root * root !== radicand);
  }

  /** How a stands to b. @param signalling a quiet NaN is invalid, too. */
  compare(f: FloatFormat, a: bigint, b: bigint, signalling: boolean): Ordering {
    if (isNan(f, a) || isNan(f, b)) {
      if (signalling || isSignalling(f, a) || isSignalling(f, b)) this.flags |= MXCSR_IE;
      return 'unordered';
    }
    const [x, y] = [this.unpack(f, a), this.unpack(f, b)];
    this.noteDenormal(x, y);
    if (isZero(x) && isZero(y)) return 'equal';
    const order = (bits: bigint, u: Unpacked): bigint => (isZero(u) ? 0n : u.negative ? -(bits & ~f.signBit) : bits);
    const [p, q] = [order(a, x), order(b, y)];
    return p < q ? 'less' : p > q ? 'greater' : 'equal';
  }

  /** To an integral value of the same format. @param quiet inexact results are not told of. */
  roundToIntegral(f: FloatFormat, a: bigint, rounding: number, quiet: boolean): bigint {
    if (isNan(f, a)) return this.propagate(f, a, a);
    const x = this.unpack(f, a);
    if (x.infinite) return a;
    if (isZero(x)) return zero(f, x.negative);
    if (x.exponent >= 0) return a;
    const { value, inexact } = shiftRounded(x.significand, -x.exponent, false, x.negative, rounding);
    if (inexact && !quiet) this.flags |= MXCSR_PE;
    const kept = this.flags;
    const result = this.pack(f, x.negative, value, 0, false);
    this.flags = kept;
    return result;
  }

  /** To a signed integer of `bits` bits, modulo 2^bits; the least one when it does not fit. */
  toInteger(f: FloatFormat, a: bigint, bits: number, rounding: number): bigint {
    const indefinite = 1n << BigInt(bits - 1);
    const x = isNan(f, a) ? undefined : this.unpack(f, a);
    if (x === undefined || x.infinite) {
      this.flags |= MXCSR_IE;
      return indefinite;
    }
    const whole =
      x.exponent >= 0
        ? { value: x.significand << BigInt(x.exponent), inexact: false }
        : shiftRounded(x.significand, -x.exponent, false, x.negative, rounding);
    const value = x.negative ? -whole.value : whole.value;
    if (BigInt.asIntN(bits, value) !== value) {
      this.flags |= MXCSR_IE;
      return indefinite;
    }
    if (whole.inexact) this.flags |= MXCSR_PE;
    return BigInt.asUintN(bits, value);
  }

  /** From a signed integer. */
  fromInteger(f: FloatFormat, value: bigint): bigint {
    return this.pack(f, value < 0n, value < 0n ? -value : value, 0, false);
  }

  /** From another format. */
  convert(to: FloatFormat, from: FloatFormat, a: bigint): bigint {
    const negative = (a & from.signBit) !== 0n;
    if (isNan(from, a)) {
      if (isSignalling(from, a)) this.flags |= MXCSR_IE;
      const shift = BigInt(to.precision - from.precision);
      const fraction = a & from.fractionMask;
      return (negative ? to.signBit : 0n) | to.infinity | to.quietBit | (shift >= 0n ? fraction << shift : fraction >> -shift);
    }
    const x = this.unpack(from, a);
    this.noteDenormal(x, x);
    return x.infinite ? infinity(to, negative) : this.pack(to, negative, x.significand, x.exponent, false);
  }

  /** The flag of an invalid operation; its result. */
  private invalid(f: FloatFormat): bigint {
    this.flags |= MXCSR_IE;
    return f.defaultNan;
  }

  /** The NaN that comes of two operands with a NaN among them: the first one, made quiet. SDM: Vol. 1, "Rules for Handling NaNs". */
  private propagate(f: FloatFormat, a: bigint, b: bigint): bigint {
    if (isSignalling(f, a) || isSignalling(f, b)) this.flags |= MXCSR_IE;
    return (isNan(f, a) ? a : b) | f.quietBit;
  }

  private noteDenormal(x: Unpacked, y: Unpacked): void {
    if (x.denormal || y.denormal) this.flags |= MXCSR_DE;
  }

  /** Takes a number apart; not a NaN. */
  private unpack(f: FloatFormat, bits: bigint): Unpacked {
    const negative = (bits & f.signBit) !== 0n;
    const fraction = bits & f.fractionMask;
    const biased = Number((bits & f.infinity) >> BigInt(f.precision - 1));
    const infinite = (bits & f.infinity) === f.infinity;
    const exponent = Math.max(biased, 1) - 1 + f.leastExponent - (f.precision - 1);
    if (biased !== 0) return { negative, infinite, denormal: false, significand: fraction + f.fractionMask + 1n, exponent };
    const denormal = fraction !== 0n && !this.denormalsAreZeros;
    return { negative, infinite, denormal, significand: denormal ? fraction : 0n, exponent };
  }

  /**
   * The number ± significand × 2^exponent (and, with `sticky`, a little more than that) rounded into the format, exceptions noted.
   * Tininess is detected after rounding.
   */
  private pack(f: FloatFormat, negative: boolean, significand: bigint, exponent: number, sticky: boolean): bigint {
    if (significand === 0n) return zero(f, negative);
    const length = bitLength(significand);
    const free = shiftRounded(significand, length - f.precision, sticky, negative, this.rounding);
    const leading = exponent + length - 1 + (bitLength(free.value) > f.precision ? 1 : 0);
    if (leading > f.greatestExponent) return this.overflow(f, negative, free.inexact);
    if (leading < f.leastExponent) return this.underflow(f, negative, significand, exponent, sticky, free.inexact);
    if (free.inexact) this.flags |= MXCSR_PE;
    // A carry out of the significand leaves it zero: adding it moves the exponent up by itself.
    const biased = BigInt(exponent + length - 1 - f.leastExponent);
    return zero(f, negative) + (biased << BigInt(f.precision - 1)) + free.value;
  }

  private overflow(f: FloatFormat, negative: boolean, losesBits: boolean): bigint {
    this.flags |= MXCSR_OE;
    if (losesBits || !this.overflowUnmasked) this.flags |= MXCSR_PE;
    const away = this.rounding === ROUND_NEAREST || this.rounding === (negative ? ROUND_DOWN : ROUND_UP);
    return infinity(f, negative) - (away ? 0n : 1n);
  }

  private underflow(f: FloatFormat, negative: boolean, significand: bigint, exponent: number, sticky: boolean, losesBits: boolean): bigint {
    if (this.underflowUnmasked) {
      this.flags |= losesBits ? MXCSR_UE | MXCSR_PE : MXCSR_UE;
      return zero(f, negative);
    }
    if (this.flushToZero) {
      this.flags |= MXCSR_UE | MXCSR_PE;
      return zero(f, negative);
    }
    const { value, inexact } = shiftRounded(significand, f.leastExponent - (f.precision - 1) - exponent, sticky, negative, this.rounding);
    if (inexact) this.flags |= MXCSR_UE | MXCSR_PE;
    return zero(f, negative) + value;
  }
}

const isZero = (x: Unpacked): boolean => !x.infinite && x.significand === 0n;
const zero = (f: FloatFormat, negative: boolean): bigint => (negative ? f.signBit : 0n);
const infinity = (f: FloatFormat, negative: boolean): bigint => zero(f, negative) | f.infinity;

/** The number as an integer times 2^exponent, which is at most its own. */
function signedAt(x: Unpacked, exponent: number): bigint {
  const value = x.significand << BigInt(x.exponent - exponent);
  return x.negative ? -value : value;
}

/** A magnitude divided by 2^count (multiplied, when that is negative) and rounded to an integer. @param sticky it is a little more than it seems. */
function shiftRounded(
  magnitude: bigint,
  count: number,
  sticky: boolean,
  negative: boolean,
  rounding: number,
): { value: bigint; inexact: boolean } {
  // Two more bits below, so that halves and what lies beside them can be told apart.
  const wide = (magnitude << 2n) | (sticky ? 1n : 0n);
  if (count <= 0 && !sticky) return { value: magnitude << BigInt(-count), inexact: false };
  const shift = BigInt(count + 2);
  const value = wide >> shift;
  const rest = wide - (value << shift);
  if (rest === 0n) return { value, inexact: false };
  const half = 1n << (shift - 1n);
  const up =
    rounding === ROUND_NEAREST
      ? rest > half || (rest === half && (value & 1n) === 1n)
      : rounding !== ROUND_TO_ZERO && (rounding === ROUND_UP) !== negative;
  return { value: up ? value + 1n : value, inexact: true };
}
