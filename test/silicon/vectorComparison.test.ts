import { describe, expect, test } from 'vitest';
import { isNear } from './vectorComparison.ts';

/** Four singles as two halves. */
const vector = (...singles: number[]): bigint[] => [...new BigUint64Array(Float32Array.from(singles).buffer)];
const LEAST_NORMAL = 2 ** -126;

describe('approximations are near each other', () => {
  test.each<[string, number, number, boolean]>([
    ['equal', 1.5, 1.5, true],
    ['within the bound of the manual on both sides', 1, 1 + 2 ** -11, true],
    ['beyond it', 1, 1 + 2 ** -9, false],
    ['of different signs', 1, -1, false],
    ['the least normal number flushed to zero', -0, -LEAST_NORMAL, true],
    ['flushed to a zero of the other sign', 0, -LEAST_NORMAL, false],
    ['a larger number is not flushed', 0, 2 * LEAST_NORMAL, false],
    ['zeros of both signs', 0, -0, false],
    ['an infinity', Number.POSITIVE_INFINITY, 3e38, false],
  ])('%s', (_name, native, model, near) => {
    expect(isNear(vector(native, 0, 0, 2), vector(model, 0, 0, 2))).toBe(near);
    expect(isNear(vector(1, 0, native, 2), vector(1, 0, model, 2))).toBe(near);
  });
});
