/** A mean and where it lies with 95 % confidence. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Independent values: seeds. */
  readonly count: number;
}

/** Two-sided 95 % quantiles of Student's t, by degrees of freedom from 1 on. */
const T_95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086,
  2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;
const T_95_MANY = 1.96;

/**
 * Mean of independent values with Student's t interval. The values are one for each seed, never the single samples of one run: those are not
 * independent, because a run keeps the phases of its cores. Of a single value nothing is known: the interval is infinite.
 */
export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  const mean = meanOf(values);
  if (count < 2) return { mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, count };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const half = (T_95[count - 2] ?? T_95_MANY) * Math.sqrt(variance / count);
  return { mean, low: mean - half, high: mean + half, count };
}

/** NaN of none. */
export const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The smallest value that at least `share` of all do not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(values.length * share) - 1)]!;
}

/** Least-squares line through points, and the share of the variance that it explains. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): { slope: number; intercept: number; explained: number } {
  const x = meanOf(points.map(([value]) => value));
  const y = meanOf(points.map(([, value]) => value));
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (const [px, py] of points) {
    xx += (px - x) ** 2;
    xy += (px - x) * (py - y);
    yy += (py - y) ** 2;
  }
  const slope = xy / xx;
  return { slope, intercept: y - slope * x, explained: yy === 0 ? 1 : xy ** 2 / (xx * yy) };
}

/** A share of all values is not above `value`. */
export interface DistributionStep {
  readonly value: number;
  readonly share: number;
}

/** Steps of the empirical distribution function: at most `steps` of them, the extremes among them. */
export function distributionSteps(values: ArrayLike<number>, steps: number): DistributionStep[] {
  const sorted = Float64Array.from(values).sort();
  const count = sorted.length;
  const ranks = new Set(Array.from({ length: steps }, (_, step) => Math.round((step * (count - 1)) / (steps - 1))));
  return count === 0 ? [] : [...ranks].map((rank) => ({ value: sorted[rank]!, share: (rank + 1) / count }));
}

/** Geometric mean; NaN of none. */
export const geometricMean = (values: readonly number[]): number => Math.exp(meanOf(values.map(Math.log)));
