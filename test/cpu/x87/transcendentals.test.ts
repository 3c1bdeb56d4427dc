import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { X87_IE, X87_PE, X87_UE } from '../../../src/arch/x87.ts';
import { INFINITY, ONE } from '../../../src/cpu/x87/extended.ts';
import { fromNarrow, toNarrow } from '../../../src/cpu/x87/narrowFormats.ts';
import { Transcendentals } from '../../../src/cpu/x87/transcendentals.ts';

const EVERYTHING_MASKED = 0x37f;
const view = new DataView(new ArrayBuffer(8));
const float = new Transcendentals();

function extended(value: number): bigint {
  view.setFloat64(0, value);
  return fromNarrow(float, 64, view.getBigUint64(0));
}

function double(bits: bigint): number {
  view.setBigUint64(0, toNarrow(float, 64, bits));
  return view.getFloat64(0);
}

/** A double result of a function of doubles. */
function of(compute: (...values: bigint[]) => bigint, ...values: number[]): number {
  float.begin(EVERYTHING_MASKED);
  return double(compute(...values.map(extended)));
}

/** The host's functions are good to a few units in the last place of a double. */
const close = (a: number, b: number): boolean => a === b || Math.abs(a - b) <= 8 * Number.EPSILON * Math.abs(b);
const anyOf = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });
const holds = (arbitraries: fc.Arbitrary<number>[], check: (values: number[]) => boolean): void =>
  fc.assert(fc.property(fc.tuple(...arbitraries), check), { numRuns: 500 });

describe('elementary functions agree with the host', () => {
  test('sine, cosine and tangent', () => {
    holds([anyOf(-1.5, 1.5)], ([x]) =>
      close(
        of((a) => float.sine(a), x!),
        Math.sin(x!),
      ),
    );
    holds([anyOf(-1.5, 1.5)], ([x]) =>
      close(
        of((a) => float.cosine(a), x!),
        Math.cos(x!),
      ),
    );
    holds([anyOf(-1.5, 1.5)], ([x]) =>
      close(
        of((a) => float.tangent(a), x!),
        Math.tan(x!),
      ),
    );
  });

  test('arctangent in every quadrant', () => {
    holds([anyOf(-1e3, 1e3), anyOf(-1e3, 1e3)], ([x, y]) =>
      close(
        of((a, b) => float.arctangent(a, b), x!, y!),
        Math.atan2(y!, x!),
      ),
    );
  });

  test('powers and logarithms', () => {
    holds([anyOf(-1, 1)], ([x]) =>
      close(
        of((a) => float.powerOfTwoLessOne(a), x!),
        Math.expm1(x! * Math.LN2),
      ),
    );
    holds(
      [anyOf(1e-300, 1e300)],
      ([x]) =>
        close(
          of((a, b) => float.logarithm(a, b), x!, 1),
          Math.log2(x!),
        ) || Math.abs(x! - 1) < 0.1,
    );
    holds([anyOf(-0.29, 0.29)], ([x]) =>
      close(
        of((a, b) => float.logarithmNearOne(a, b), x!, 3),
        (3 * Math.log1p(x!)) / Math.LN2,
      ),
    );
  });
});

test('special cases of FYL2X and FPATAN are what the manual lists', () => {
  expect(of((a, b) => float.logarithm(a, b), 0, 2)).toBe(Number.NEGATIVE_INFINITY);
  expect(of((a, b) => float.logarithm(a, b), 8, 2)).toBe(6);
  expect(of((a, b) => float.logarithm(a, b), 1, -2)).toBe(-0);
  expect(of((a, b) => float.logarithm(a, b), -1, 2)).toBeNaN();
  expect(of((a, b) => float.arctangent(a, b), -0, 0)).toBe(Math.PI);
  expect(of((a, b) => float.arctangent(a, b), Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe((3 * Math.PI) / 4);
});

test('an exact product of a logarithm and a tiny number is inexact and an underflow all the same', () => {
  float.begin(EVERYTHING_MASKED);
  // Twice the second smallest denormal.
  expect(float.logarithm(extended(4), 2n)).toBe(4n);
  expect(float.flags & (X87_PE | X87_UE)).toBe(X87_PE | X87_UE);
  float.begin(EVERYTHING_MASKED);
  float.logarithm(extended(4), extended(0.5));
  expect(float.flags).toBe(X87_PE);
});

test('FYL2XP1 of minus infinity is invalid, of plus infinity it is not', () => {
  for (const y of [1, -1, Number.POSITIVE_INFINITY]) {
    expect(of((a, b) => float.logarithmNearOne(a, b), Number.NEGATIVE_INFINITY, y)).toBeNaN();
    expect(float.flags).toBe(X87_IE);
    expect(of((a, b) => float.logarithmNearOne(a, b), Number.POSITIVE_INFINITY, y)).toBe(y * Number.POSITIVE_INFINITY);
    expect(float.flags).toBe(0);
  }
});

test('a tiny angle is its own sine and tangent, but for the last bit in directed rounding', () => {
  const tiny = (1n << 64n) * 0x3f00n + (1n << 63n);
  for (const [control, sine, tangent] of [
    [0x37f, 0n, 0n],
    [0xf7f, -1n, 0n],
    [0xb7f, 0n, 1n],
  ] as const) {
    float.begin(control);
    const [a, b] = [float.sine(tiny), float.tangent(tiny)];
    // Below a power of two the numbers are twice as dense: the significand runs over into the exponent.
    expect([a, b]).toEqual([sine === 0n ? tiny : ((tiny >> 64n) - 1n) * (1n << 64n) + (1n << 64n) - 1n, tiny + tangent]);
    expect(float.flags).toBe(X87_PE);
  }
});

test('infinities have no sine; the arctangent of infinity is a right angle', () => {
  float.begin(EVERYTHING_MASKED);
  float.sine(INFINITY);
  expect(float.flags).toBe(1);
  float.begin(EVERYTHING_MASKED);
  expect(double(float.arctangent(ONE, INFINITY))).toBe(Math.PI / 2);
});
