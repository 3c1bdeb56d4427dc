import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distributionSteps, estimate, fitLine, geometricMean, quantile } from '../../src/experiments/statistics.ts';

describe('an estimate', () => {
  test('is the mean with Student’s t interval', () => {
    // Mean 3, standard deviation sqrt(2.5), t of 4 degrees of freedom 2.776.
    const half = 2.776 * Math.sqrt(2.5 / 5);
    expect(estimate([1, 2, 3, 4, 5])).toEqual({ mean: 3, low: 3 - half, high: 3 + half, count: 5 });
  });

  test('says of one value that nothing is known about its surroundings', () => {
    expect(estimate([7])).toEqual({ mean: 7, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, count: 1 });
  });

  test('covers the true mean about 95 times in a hundred', () => {
    let state = 1;
    const normal = (): number => {
      let sum = -6;
      for (let i = 0; i < 12; i++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        sum += state / 2 ** 32;
      }
      return sum;
    };
    let covered = 0;
    for (let run = 0; run < 2000; run++) {
      const { low, high } = estimate(Array.from({ length: 6 }, normal));
      if (low <= 0 && high >= 0) covered++;
    }
    expect(covered / 2000).toBeGreaterThan(0.93);
    expect(covered / 2000).toBeLessThan(0.97);
  });
});

test('a quantile is the smallest value that at least that share does not exceed', () => {
  const shares = fc.double({ min: 0.001, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), shares, (values, share) => {
      const found = quantile(values, share);
      const notAbove = (limit: number): number => values.filter((value) => value <= limit).length;
      expect(values).toContain(found);
      expect(notAbove(found)).toBeGreaterThanOrEqual(share * values.length - 1e-9);
      const smaller = values.filter((value) => value < found);
      if (smaller.length > 0) expect(smaller.length).toBeLessThan(share * values.length + 1e-9);
    }),
  );
});

test('a line through points of a line is that line', () => {
  expect(fitLine([1, 2, 5, 9].map((x) => [x, 3 + 2 * x] as const))).toEqual({ slope: 2, intercept: 3, explained: 1 });
  expect(
    fitLine([
      [0, 1],
      [1, 3],
      [2, 2],
    ]).explained,
  ).toBeLessThan(0.5);
});

test('the steps of a distribution rise from the smallest to the largest value', () => {
  expect(distributionSteps([5, 1, 3], 10)).toEqual([
    { value: 1, share: 1 / 3 },
    { value: 3, share: 2 / 3 },
    { value: 5, share: 1 },
  ]);
  const steps = distributionSteps(
    Array.from({ length: 1000 }, (_, index) => index),
    11,
  );
  expect(steps).toHaveLength(11);
  expect([steps[0]!.value, steps.at(-1)!.value]).toEqual([0, 999]);
});

test('a geometric mean multiplies back', () => {
  expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
});
