/** Arithmetic on extended numbers: exact values, rounded once. SDM: Vol. 1, "Basic Arithmetic Instructions"; "Rules for Handling NaNs". */
import { ROUND_DOWN } from '../../arch/mxcsr.ts';
import { X87_DE, X87_IE, X87_ZE } from '../../arch/x87.ts';
import {
  bitLength,
  type Extended,
  fromInteger,
  INDEFINITE,
  INFINITY,
  isSignalling,
  packExact,
  quieted,
  shiftedLeft,
  signOf,
  unpackExtended,
} from './extended.ts';
import { Rounder } from './rounder.ts';

export type Ordering = 'less' | 'equal' | 'greater' | 'unordered';

/** Greatest integer whose square is at most `value`. */
function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

const isNumber = (x: Extended): boolean => x.kind === 'finite' || x.kind === 'zero' || x.kind === 'infinity';
const signed = (x: Extended, exponent: number): bigint => {
  const value = shiftedLeft(x.significand, x.exponent - exponent);
  return x.negative ? -value : value;
};

export class ExtendedArithmetic extends Rounder {
  /** The operand that was converted for the operation is denormal in its own format. */
  denormalOperand = false;

  override begin(control: number): void {
    super.begin(control);
    this.denormalOperand = false;
  }

  add(a: bigint, b: bigint, negateB = false): bigint {
    const [x, raw] = [unpackExtended(a), unpackExtended(b)];
    const y = negateB ? { ...raw, negative: !raw.negative } : raw;
    if (!isNumber(x) || !isNumber(y)) return this.propagate(a, b);
    if (x.kind === 'infinity' && y.kind === 'infinity' && x.negative !== y.negative) return this.invalid();
    this.noteDenormals(x, y);
    if (x.kind === 'infinity' || y.kind === 'infinity') return INFINITY | signOf(x.kind === 'infinity' ? x.negative : y.negative);
    const exponent = Math.min(x.kind === 'zero' ? y.exponent : x.exponent, y.kind === 'zero' ? x.exponent : y.exponent);
    const sum = signed(x, exponent) + signed(y, exponent);
    const negative = sum === 0n ? (x.negative === y.negative ? x.negative : this.rounding === ROUND_DOWN) : sum < 0n;
    return this.toExtended(negative, sum < 0n ? -sum : sum, exponent, false);
  }

  multiply(a: bigint, b: bigint): bigint {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (!isNumber(x) || !isNumber(y)) return this.propagate(a, b);
    const negative = x.negative !== y.negative;
    if ((x.kind === 'infinity' && y.kind === 'zero') || (x.kind === 'zero' && y.kind === 'infinity')) return this.invalid();
    this.noteDenormals(x, y);
    if (x.kind === 'infinity' || y.kind === 'infinity') return INFINITY | signOf(negative);
    return this.toExtended(negative, x.significand * y.significand, x.exponent + y.exponent, false);
  }

  divide(a: bigint, b: bigint): bigint {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (!isNumber(x) || !isNumber(y)) return this.propagate(a, b);
    const negative = x.negative !== y.negative;
    if (x.kind === y.kind && x.kind !== 'finite') return this.invalid();
    if (y.kind === 'zero' && x.kind === 'finite') {
      this.flags |= X87_ZE;
      return INFINITY | signOf(negative);
    }
    this.noteDenormals(x, y);
    if (x.kind === 'infinity' || y.kind === 'zero') return INFINITY | signOf(negative);
    if (y.kind === 'infinity' || x.kind === 'zero') return signOf(negative);
    const shift = 66 + Math.max(0, bitLength(y.significand) - bitLength(x.significand));
    const dividend = x.significand << BigInt(shift);
    const quotient = dividend / y.significand;
    return this.toExtended(negative, quotient, x.exponent - y.exponent - shift, quotient * y.significand !== dividend);
  }

  squareRoot(a: bigint): bigint {
    const x = unpackExtended(a);
    if (!isNumber(x)) return this.propagate(a, a);
    if (x.kind === 'zero') return a;
    if (x.negative) return this.invalid();
    if (x.kind === 'infinity') return a;
    this.noteDenormals(x, x);
    // An even exponent, and enough bits below for the rounding.
    const shift = 140 + ((x.exponent + 140) & 1);
    const square = x.significand << BigInt(shift);
    const root = integerRoot(square);
    return this.toExtended(false, root, (x.exponent - shift) / 2, root * root !== square);
  }

  /** @param signalling quiet NaNs are invalid operands, too. */
  compare(a: bigint, b: bigint, signalling: boolean): Ordering {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (!isNumber(x) || !isNumber(y)) {
      const bad = (v: Extended): boolean => v.kind === 'unsupported' || isSignalling(v);
      if (signalling || bad(x) || bad(y)) this.flags |= X87_IE;
      return 'unordered';
    }
    this.noteDenormals(x, y);
    const rank = (v: Extended): number => (v.kind === 'zero' ? 0 : (v.kind === 'infinity' ? 2 : 1) * (v.negative ? -1 : 1));
    if (rank(x) !== rank(y) || rank(x) !== Math.sign(rank(x))) return rank(x) < rank(y) ? 'less' : rank(x) > rank(y) ? 'greater' : 'equal';
    const exponent = Math.min(x.exponent, y.exponent);
    const [p, q] = [signed(x, exponent), signed(y, exponent)];
    return rank(x) === 0 || p === q ? 'equal' : p < q ? 'less' : 'greater';
  }

  /** FRNDINT. */
  roundToIntegral(a: bigint): bigint {
    const x = unpackExtended(a);
    if (!isNumber(x)) return this.propagate(a, a);
    if (x.kind !== 'finite') return a;
    this.noteDenormals(x, x);
    if (x.exponent >= 0) return a;
    return packExact(x.negative, this.toWhole(x.negative, x.significand, x.exponent), 0);
  }

  /** FSCALE: a × 2^b, b rounded toward zero. */
  scale(a: bigint, b: bigint): bigint {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (!isNumber(x) || !isNumber(y)) return this.propagate(a, b);
    if (y.kind === 'infinity') {
      if (y.negative ? x.kind === 'infinity' : x.kind === 'zero') return this.invalid();
      this.noteDenormals(x, x);
      return signOf(x.negative) | (y.negative ? 0n : INFINITY);
    }
    this.noteDenormals(x, y);
    if (x.kind !== 'finite') return a;
    // Beyond 2^17 nothing is left in range.
    const magnitude = y.exponent > 0 ? 0x2_0000n : shiftedLeft(y.significand, y.exponent);
    const count = magnitude > 0x2_0000n ? 0x2_0000 : Number(magnitude);
    return this.toExtended(x.negative, x.significand, x.exponent + (y.negative ? -count : count), false, 64);
  }

  /** FXTRACT: exponent and significand. */
  extract(a: bigint): [exponent: bigint, significand: bigint] {
    const x = unpackExtended(a);
    if (!isNumber(x)) {
      const nan = this.propagate(a, a);
      return [nan, nan];
    }
    if (x.kind === 'infinity') return [INFINITY, a];
    if (x.kind === 'zero') {
      this.flags |= X87_ZE;
      return [INFINITY | signOf(true), a];
    }
    this.noteDenormals(x, x);
    const length = bitLength(x.significand);
    return [fromInteger(BigInt(x.exponent + length - 1)), packExact(x.negative, x.significand, 1 - length)];
  }

  /**
   * FPREM (quotient rounded toward zero) and FPREM1 (to nearest). Operands whose exponents lie far apart are brought nearer only.
   * @returns the remainder, and the quotient's low bits; -1 when the remainder is partial, undefined when there is none.
   */
  remainder(a: bigint, b: bigint, nearest: boolean): { bits: bigint; quotient: number | undefined } {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (!isNumber(x) || !isNumber(y)) return { bits: this.propagate(a, b), quotient: undefined };
    if (x.kind === 'infinity' || y.kind === 'zero') return { bits: this.invalid(), quotient: undefined };
    this.noteDenormals(x, y);
    if (x.kind === 'zero' || y.kind === 'infinity')
      return { bits: this.toExtended(x.negative, x.significand, x.exponent, false, 64), quotient: 0 };
    const apart = x.exponent + bitLength(x.significand) - y.exponent - bitLength(y.significand);
    if (apart >= 64) {
      // Deviation: by how much a partial remainder is reduced is the implementation's choice (32 to 63 bits).
      const left = apart - ((apart & 31) | 32);
      const divisor = { ...y, exponent: y.exponent + left };
      const exponent = Math.min(x.exponent, divisor.exponent);
      const rest = shiftedLeft(x.significand, x.exponent - exponent) % shiftedLeft(divisor.significand, divisor.exponent - exponent);
      return { bits: this.toExtended(x.negative, rest, exponent, false, 64), quotient: -1 };
    }
    if (apart < -1) return { bits: this.toExtended(x.negative, x.significand, x.exponent, false, 64), quotient: 0 };
    const exponent = Math.min(x.exponent, y.exponent);
    const [dividend, divisor] = [shiftedLeft(x.significand, x.exponent - exponent), shiftedLeft(y.significand, y.exponent - exponent)];
    let quotient = dividend / divisor;
    let rest = dividend - quotient * divisor;
    if (nearest && (2n * rest > divisor || (2n * rest === divisor && (quotient & 1n) === 1n))) {
      quotient += 1n;
      rest -= divisor;
    }
    const negative = rest < 0n ? !x.negative : x.negative;
    return { bits: this.toExtended(negative, rest < 0n ? -rest : rest, exponent, false, 64), quotient: Number(quotient & 7n) };
  }

  /** The flag of an invalid operation; its result. */
  invalid(): bigint {
    this.flags |= X87_IE;
    return INDEFINITE;
  }

  noteDenormals(x: Extended, y: Extended): void {
    if (x.denormal || y.denormal || this.denormalOperand) this.flags |= X87_DE;
  }

  /** What comes of operands of which one is a NaN or unsupported. SDM: Vol. 1, Table "Rules for Handling NaNs" (x87 FPU). */
  propagate(a: bigint, b: bigint): bigint {
    const [x, y] = [unpackExtended(a), unpackExtended(b)];
    if (x.kind === 'unsupported' || y.kind === 'unsupported') return this.invalid();
    if (isSignalling(x) || isSignalling(y)) this.flags |= X87_IE;
    if (x.kind !== 'nan') return quieted(b);
    if (y.kind !== 'nan') return quieted(a);
    if (isSignalling(x) !== isSignalling(y)) return isSignalling(x) ? b : a;
    if (x.significand !== y.significand) return quieted(x.significand > y.significand ? a : b);
    return quieted(x.negative ? b : a);
  }
}
