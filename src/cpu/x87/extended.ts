/**
 * The double extended-precision format: 80 bits with an explicit integer bit.
 * SDM: Vol. 1, "Double Extended-Precision Floating-Point Format"; "Unsupported Double Extended-Precision Floating-Point Encodings".
 */

export const EXTENDED_BIAS = 16383;
/** Least and greatest exponent of a normal number, as powers of two of its leading bit. */
export const LEAST_EXPONENT = 1 - EXTENDED_BIAS;
export const GREATEST_EXPONENT = EXTENDED_BIAS;

export const SIGN = 1n << 79n;
const EXPONENT = 0x7fffn << 64n;
export const INTEGER_BIT = 1n << 63n;
const QUIET = 1n << 62n;
const SIGNIFICAND = (1n << 64n) - 1n;

export const INFINITY = EXPONENT | INTEGER_BIT;
/** What a masked invalid operation gives: the negative quiet NaN without payload. */
export const INDEFINITE = SIGN | INFINITY | QUIET;
export const ONE = (BigInt(EXTENDED_BIAS) << 64n) | INTEGER_BIT;

export type ExtendedKind = 'zero' | 'finite' | 'infinity' | 'nan' | 'unsupported';

/** A number taken apart: ± significand × 2^exponent when finite. */
export interface Extended {
  readonly kind: ExtendedKind;
  readonly negative: boolean;
  /** Denormal or pseudo-denormal. */
  readonly denormal: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

export function unpackExtended(bits: bigint): Extended {
  const biased = Number((bits & EXPONENT) >> 64n);
  const significand = bits & SIGNIFICAND;
  return {
    kind: kindOf(biased, significand),
    negative: (bits & SIGN) !== 0n,
    denormal: biased === 0 && significand !== 0n,
    significand,
    exponent: Math.max(biased, 1) - EXTENDED_BIAS - 63,
  };
}

function kindOf(biased: number, significand: bigint): ExtendedKind {
  const integer = (significand & INTEGER_BIT) !== 0n;
  if (biased === 0) return significand === 0n ? 'zero' : 'finite';
  if (!integer) return 'unsupported';
  if (biased < 0x7fff) return 'finite';
  return significand === INTEGER_BIT ? 'infinity' : 'nan';
}

export const signOf = (negative: boolean): bigint => (negative ? SIGN : 0n);

/** ± significand × 2^exponent, which the format holds exactly. */
export function packExact(negative: boolean, significand: bigint, exponent: number): bigint {
  if (significand === 0n) return signOf(negative);
  const leading = Math.max(exponent + bitLength(significand) - 1, LEAST_EXPONENT);
  const aligned = shiftedLeft(significand, exponent - (leading - 63));
  const biased = aligned >= INTEGER_BIT ? leading + EXTENDED_BIAS : 0;
  return signOf(negative) | (BigInt(biased) << 64n) | aligned;
}

/** The integer as an extended number; exact for 64 bits and a sign. */
export const fromInteger = (value: bigint): bigint => packExact(value < 0n, value < 0n ? -value : value, 0);

export const isSignalling = (x: Extended): boolean => x.kind === 'nan' && (x.significand & QUIET) === 0n;
export const quieted = (bits: bigint): bigint => bits | QUIET;

export const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
/** value × 2^count, rounded down. */
export const shiftedLeft = (value: bigint, count: number): bigint => (count >= 0 ? value << BigInt(count) : value >> BigInt(-count));
