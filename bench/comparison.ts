/**
 * Two reports compared, kernel by kernel.
 *
 * A peer has not changed in between, so how its rates have changed says how much faster the host was: own ratios are divided by that. Without a
 * peer in both reports the host counts as equally fast, and the verdict says so.
 */
import { geometricMean } from './geometricMean.ts';
import type { BenchReport } from './report.ts';

/** What differs by less than this part is the same: the kernels' rates vary so much from run to run. */
const TOLERANCE = 0.1;

export interface KernelChange {
  readonly engine: string;
  readonly id: string;
  /** Iterations a second, before and now. */
  readonly before: number;
  readonly now: number;
  /** now / before, by the host's own change. */
  readonly ratio: number;
}

export type Verdict = 'faster' | 'slower' | 'the same';

export interface Comparison {
  /** How much faster the host was, by its peers; undefined when no peer is in both. */
  readonly host: number | undefined;
  readonly changes: readonly KernelChange[];
  /** Geometric mean of the ratios of each engine. */
  readonly engines: Readonly<Record<string, number>>;
}

export const verdictOf = (ratio: number): Verdict =>
  ratio > 1 + TOLERANCE ? 'faster' : ratio < 1 / (1 + TOLERANCE) ? 'slower' : 'the same';

export function compareReports(now: BenchReport, before: BenchReport): Comparison {
  const isPeer = (machine: string): boolean => now.peers[machine] !== undefined;
  const pairs = Object.entries(now.results).flatMap(([machine, cases]) =>
    Object.entries(cases).flatMap(([id, result]) => {
      const old = before.results[machine]?.[id];
      return old === undefined ? [] : [{ machine, id, before: old.iterationsPerSecond, now: result.iterationsPerSecond }];
    }),
  );
  const ofPeers = pairs.filter(({ machine }) => isPeer(machine) && before.peers[machine] === now.peers[machine]);
  const host = ofPeers.length === 0 ? undefined : geometricMean(ofPeers.map((pair) => pair.now / pair.before));
  const changes = pairs
    .filter(({ machine }) => !isPeer(machine))
    .map(({ machine, id, ...rates }) => ({ engine: machine, id, ...rates, ratio: rates.now / rates.before / (host ?? 1) }));
  const names = [...new Set(changes.map(({ engine }) => engine))];
  const mean = (name: string): number => geometricMean(changes.filter(({ engine }) => engine === name).map(({ ratio }) => ratio));
  return { host, changes, engines: Object.fromEntries(names.map((name) => [name, mean(name)])) };
}

/** One line for each engine: what has become of it. */
export function verdictLines({ host, changes, engines }: Comparison): string[] {
  const yardstick = host === undefined ? 'no peer in both runs: the host counts as equally fast' : `host ${host.toFixed(2)} times as fast`;
  return Object.entries(engines).map(([engine, ratio]) => {
    const of = (verdict: Verdict): string[] =>
      changes.filter((change) => change.engine === engine && verdictOf(change.ratio) === verdict).map(({ id }) => id);
    const parts = (['faster', 'slower'] as const)
      .filter((verdict) => of(verdict).length > 0)
      .map((verdict) => `${verdict}: ${of(verdict).join(', ')}`);
    return `${engine}: ${verdictOf(ratio)}, ${ratio.toFixed(2)} in the mean (${[...parts, yardstick].join('; ')})`;
  });
}
