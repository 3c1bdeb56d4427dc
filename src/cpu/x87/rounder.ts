/** Rounds exact magnitudes to formats, noting exceptions. SDM: Vol. 1, "Rounding"; "x87 FPU Floating-Point Exception Conditions". */
import { ROUND_DOWN, ROUND_NEAREST, ROUND_TO_ZERO, ROUND_UP } from '../../arch/mxcsr.ts';
import { X87_OE, X87_PE, X87_UE } from '../../arch/x87.ts';
import { bitLength, GREATEST_EXPONENT, INFINITY, LEAST_EXPONENT, packExact, shiftedLeft, signOf } from './extended.ts';

/** What a handler of an unmasked overflow or underflow finds the exponent moved by. SDM: Vol. 1, "Numeric Overflow Exception (#O)". */
const EXPONENT_WRAP = 24576;

/** Exponents of the leading bit of normal numbers, and bits of the significand. */
export interface Range {
  readonly precision: number;
  readonly least: number;
  readonly greatest: number;
}

export const SINGLE_RANGE: Range = { precision: 24, least: -126, greatest: 127 };
export const DOUBLE_RANGE: Range = { precision: 53, least: -1022, greatest: 1023 };
const EXTENDED_RANGES: readonly Range[] = [24, 53, 64].map((precision) => ({
  precision,
  least: LEAST_EXPONENT,
  greatest: GREATEST_EXPONENT,
}));

/** Bits of the significand by precision control; 1 is reserved. Deviation: the reserved precision control rounds to 64 bits. */
const PRECISIONS = [24, 64, 53, 64] as const;

export class Rounder {
  /** ROUND_…. */
  rounding = ROUND_NEAREST;
  /** Bits of the significand that arithmetic rounds to. */
  precision: 24 | 53 | 64 = 64;
  /** Exceptions that are masked. */
  masks = 0;
  /** Exceptions noted since `begin`. */
  flags = 0;
  /** The last inexact result is greater in magnitude than the exact one. */
  up = false;

  /** An operation begins, under this control word. */
  begin(control: number): void {
    this.rounding = (control >> 10) & 3;
    this.precision = PRECISIONS[(control >> 8) & 3]!;
    this.masks = control & 0x3f;
    this.flags = 0;
    this.up = false;
  }

  /** An extended number. @param sticky the magnitude is a little more than significand × 2^exponent. */
  toExtended(negative: boolean, significand: bigint, exponent: number, sticky: boolean, precision: number = this.precision): bigint {
    const range = EXTENDED_RANGES[precision === 24 ? 0 : precision === 53 ? 1 : 2]!;
    const rounded = this.toRange(range, negative, significand, exponent, sticky);
    return rounded === undefined ? signOf(negative) | INFINITY : packExact(negative, rounded.significand, rounded.exponent);
  }

  /** Significand and exponent of a rounded magnitude; undefined for infinity. */
  toRange(
    range: Range,
    negative: boolean,
    significand: bigint,
    exponent: number,
    sticky: boolean,
  ): { significand: bigint; exponent: number } | undefined {
    if (significand === 0n && !sticky) return { significand, exponent };
    const place = exponent + bitLength(significand) - range.precision;
    const free = this.round(negative, significand, place - exponent, sticky);
    const leading = place + bitLength(free.value) - 1;
    if (leading > range.greatest) {
      this.flags |= X87_OE;
      if ((this.masks & X87_OE) !== 0) return this.maskedOverflow(range, negative);
      if (leading - EXPONENT_WRAP > range.greatest) {
        this.noteInexact(true, true);
        return undefined;
      }
      this.noteInexact(free.inexact, free.up);
      return { significand: free.value, exponent: place - EXPONENT_WRAP };
    }
    if (leading < range.least) {
      if ((this.masks & X87_UE) !== 0) return this.maskedUnderflow(range, negative, significand, exponent, sticky);
      this.flags |= X87_UE;
      this.noteInexact(free.inexact, free.up);
      if (leading + EXPONENT_WRAP >= range.least) return { significand: free.value, exponent: place + EXPONENT_WRAP };
      this.noteInexact(true, false);
      return { significand: 0n, exponent: place };
    }
    this.noteInexact(free.inexact, free.up);
    return { significand: free.value, exponent: place };
  }

  private maskedOverflow(range: Range, negative: boolean): { significand: bigint; exponent: number } | undefined {
    const away = this.rounding === ROUND_NEAREST || this.rounding === (negative ? ROUND_DOWN : ROUND_UP);
    this.noteInexact(true, away);
    if (away) return undefined;
    return { significand: (1n << BigInt(range.precision)) - 1n, exponent: range.greatest - range.precision + 1 };
  }

  private maskedUnderflow(
    range: Range,
    negative: boolean,
    significand: bigint,
    exponent: number,
    sticky: boolean,
  ): { significand: bigint; exponent: number } {
    const place = range.least - range.precision + 1;
    const { value, inexact, up } = this.round(negative, significand, place - exponent, sticky);
    if (inexact) this.flags |= X87_UE;
    this.noteInexact(inexact, up);
    return { significand: value, exponent: place };
  }

  private noteInexact(inexact: boolean, up: boolean): void {
    if (inexact) this.flags |= X87_PE;
    this.up = inexact && up;
  }

  /** The magnitude as a whole number; notes PE. @param rounding ROUND_…. */
  toWhole(negative: boolean, significand: bigint, exponent: number, rounding: number = this.rounding): bigint {
    const { value, inexact, up } = this.round(negative, significand, -exponent, false, rounding);
    this.noteInexact(inexact, up);
    return value;
  }

  /** A magnitude divided by 2^count and rounded to an integer. */
  private round(
    negative: boolean,
    magnitude: bigint,
    count: number,
    sticky: boolean,
    rounding: number = this.rounding,
  ): { value: bigint; inexact: boolean; up: boolean } {
    if (count <= 0 && !sticky) return { value: shiftedLeft(magnitude, -count), inexact: false, up: false };
    // One more bit below, so that halves and what lies beside them can be told apart; far below there is only more or nothing.
    const low = Math.max(0, -count) + 2;
    const wide = (magnitude << BigInt(low)) | (sticky ? 1n : 0n);
    const shift = BigInt(count + low);
    const value = wide >> shift;
    const rest = wide - (value << shift);
    if (rest === 0n) return { value, inexact: false, up: false };
    const half = 1n << (shift - 1n);
    const up =
      rounding === ROUND_NEAREST
        ? rest > half || (rest === half && (value & 1n) === 1n)
        : rounding !== ROUND_TO_ZERO && (rounding === ROUND_UP) !== negative;
    return { value: up ? value + 1n : value, inexact: true, up };
  }
}
