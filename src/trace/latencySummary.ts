/** What is said about a set of latencies. All but `count` are null when there are none. */
export interface LatencySummary {
  readonly count: number;
  readonly min: number | null;
  /** Mean of the two middle ones when there is an even number. */
  readonly median: number | null;
  readonly mean: number | null;
  /** The smallest value that at least 99 % of all do not exceed. */
  readonly p99: number | null;
  readonly max: number | null;
}

/** The summary of these values, computed exactly from all of them. */
export function summarizeLatencies(values: Float64Array): LatencySummary {
  const count = values.length;
  if (count === 0) return { count, min: null, median: null, mean: null, p99: null, max: null };
  const sorted = values.slice().sort();
  const middle = count >> 1;
  return {
    count,
    min: sorted[0]!,
    median: count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2,
    mean: sorted.reduce((sum, value) => sum + value, 0) / count,
    p99: sorted[Math.ceil((count * 99) / 100) - 1]!,
    max: sorted[count - 1]!,
  };
}
