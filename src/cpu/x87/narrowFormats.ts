/** Single and double precision, integers and packed BCD, to and from extended numbers. SDM: Vol. 1, "x87 FPU Data Types". */
import { X87_IE } from '../../arch/x87.ts';
import { bitLength, type Extended, INFINITY, isSignalling, packExact, quieted, signOf, unpackExtended } from './extended.ts';
import type { ExtendedArithmetic } from './extendedArithmetic.ts';
import { DOUBLE_RANGE, type Range, SINGLE_RANGE } from './rounder.ts';

export type NarrowWidth = 32 | 64;

const rangeOf = (width: NarrowWidth): Range => (width === 32 ? SINGLE_RANGE : DOUBLE_RANGE);

/** A number of 32 or 64 bits as an extended one; a signalling NaN stays one, and that it is denormal is noted for the operation to come. */
export function fromNarrow(float: ExtendedArithmetic, width: NarrowWidth, bits: bigint): bigint {
  const { precision, least } = rangeOf(width);
  const fractionBits = BigInt(precision - 1);
  const negative = bits >> BigInt(width - 1) !== 0n;
  const fraction = BigInt.asUintN(precision - 1, bits);
  const biased = BigInt.asUintN(width - precision, bits >> fractionBits);
  if (biased === (1n << BigInt(width - precision)) - 1n) return signOf(negative) | INFINITY | (fraction << BigInt(64 - precision));
  if (biased === 0n) {
    float.denormalOperand = fraction !== 0n;
    return packExact(negative, fraction, least - precision + 1);
  }
  return packExact(negative, fraction | (1n << fractionBits), Number(biased) - 1 + least - precision + 1);
}

/** An extended number rounded to 32 or 64 bits, exceptions noted. */
export function toNarrow(float: ExtendedArithmetic, width: NarrowWidth, bits: bigint): bigint {
  const range = rangeOf(width);
  const { precision, least, greatest } = range;
  const x = unpackExtended(bits);
  const sign = x.negative ? 1n << BigInt(width - 1) : 0n;
  const infinity = BigInt(greatest - least + 2) << BigInt(precision - 1);
  const quiet = 1n << BigInt(precision - 2);
  switch (x.kind) {
    case 'zero':
      return sign;
    case 'infinity':
      return sign | infinity;
    case 'unsupported':
      float.flags |= X87_IE;
      return (1n << BigInt(width - 1)) | infinity | quiet;
    case 'nan':
      if (isSignalling(x)) float.flags |= X87_IE;
      return sign | infinity | quiet | BigInt.asUintN(precision - 1, x.significand >> BigInt(64 - precision));
    default:
  }
  const rounded = float.toRange(range, x.negative, x.significand, x.exponent, false);
  if (rounded === undefined) return sign | infinity;
  if (rounded.significand === 0n) return sign;
  const leading = Math.max(least, rounded.exponent + bitLength(rounded.significand) - 1);
  const significand = rounded.significand << BigInt(Math.max(0, rounded.exponent - (leading - precision + 1)));
  const held = rounded.exponent < leading - precision + 1 ? significand >> BigInt(leading - precision + 1 - rounded.exponent) : significand;
  return sign | ((BigInt(leading - least) << BigInt(precision - 1)) + held);
}

/** A whole number of `bits` bits, two's complement; the least one (invalid) when it does not fit. @param rounding ROUND_…. */
export function toInteger(float: ExtendedArithmetic, bits: number, value: bigint, rounding: number = float.rounding): bigint {
  const indefinite = 1n << BigInt(bits - 1);
  const whole = wholeOf(float, unpackExtended(value), bits + 1, rounding);
  if (whole !== undefined && BigInt.asIntN(bits, whole) === whole) return BigInt.asUintN(bits, whole);
  return notRepresentable(float, indefinite);
}

const BCD_DIGITS = 18;
const BCD_LIMIT = 10n ** BigInt(BCD_DIGITS);
const BCD_INDEFINITE = 0xffff_c000_0000_0000_0000n;

/** Packed BCD of 18 digits and a sign. */
export function toBcd(float: ExtendedArithmetic, value: bigint): bigint {
  const x = unpackExtended(value);
  const whole = wholeOf(float, x, 64, float.rounding);
  if (whole === undefined || whole >= BCD_LIMIT || whole <= -BCD_LIMIT) return notRepresentable(float, BCD_INDEFINITE);
  const digits = BigInt(`0x${(whole < 0n ? -whole : whole).toString()}`);
  return x.negative ? digits | (0x80n << 72n) : digits;
}

/** A digit above 9 counts as what it is. */
export function fromBcd(bits: bigint): bigint {
  let value = 0n;
  for (let digit = BCD_DIGITS - 1; digit >= 0; digit--) value = value * 10n + ((bits >> BigInt(4 * digit)) & 15n);
  return packExact(((bits >> 79n) & 1n) !== 0n, value, 0);
}

/** Rounded to an integer; undefined when it has more than `limit` bits or is no number. */
function wholeOf(float: ExtendedArithmetic, x: Extended, limit: number, rounding: number): bigint | undefined {
  if (x.kind === 'zero') return 0n;
  if (x.kind !== 'finite' || x.exponent + bitLength(x.significand) > limit) return undefined;
  const magnitude = float.toWhole(x.negative, x.significand, x.exponent, rounding);
  return x.negative ? -magnitude : magnitude;
}

function notRepresentable(float: ExtendedArithmetic, indefinite: bigint): bigint {
  float.flags = X87_IE;
  float.up = false;
  return indefinite;
}

/** What a load of a NaN gives: it is made quiet, and told of when it was signalling. */
export function loaded(float: ExtendedArithmetic, bits: bigint): bigint {
  const x = unpackExtended(bits);
  if (isSignalling(x)) float.flags |= X87_IE;
  float.noteDenormals({ ...x, denormal: false }, { ...x, denormal: false });
  return x.kind === 'nan' ? quieted(bits) : bits;
}
