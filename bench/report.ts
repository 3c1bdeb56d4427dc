/** The results of a run as data, and as tables for people. */
import { compareReports, verdictLines, verdictOf } from './comparison.ts';
import { geometricMean } from './geometricMean.ts';
import { BENCH_CASES, type BenchCase } from './kernels.ts';

/** What one machine (an engine, or a peer) made of one case. */
export interface CaseResult {
  /** Guest instructions a second, all cores together; undefined where nobody counted. */
  readonly instructionsPerSecond: number | undefined;
  /** What machines are compared by. */
  readonly iterationsPerSecond: number;
  readonly cyclesPerSecond: number | undefined;
  readonly checksum: string;
  readonly nanosecondsPerBlock: number | undefined;
  /** Part of the time that went into compiling. */
  readonly compileShare: number | undefined;
  readonly compileMilliseconds: number | undefined;
  /** Accesses that left generated code, of a thousand instructions. */
  readonly slowPerThousand: number | undefined;
  /** Entries into generated code, of a thousand instructions. */
  readonly entriesPerThousand: number | undefined;
}

/** By machine, then by case id. */
export type Results = Record<string, Record<string, CaseResult>>;

export type Figures = Record<string, Record<string, number>>;

export interface BenchReport {
  readonly date: string;
  readonly node: string;
  readonly processor: string;
  readonly commit: string;
  readonly peers: Record<string, string>;
  readonly results: Results;
  /** Other figures by engine and name, with their unit in the name. */
  readonly figures: Figures;
  /** How rates change with the number of cores: ratios and rates by engine and name. */
  readonly scaling: Figures;
  /** Disagreements about checksums: empty when all is well. */
  readonly disagreements: readonly string[];
}

const meanCases = BENCH_CASES.filter(({ inMean }) => inMean).map(({ id }) => id);

/** Geometric mean of a machine's rates over the cases in the mean; NaN when one is missing. */
export function meanRate(results: Results, machine: string): number {
  const rates = meanCases.map((id) => results[machine]?.[id]?.instructionsPerSecond ?? Number.NaN);
  return geometricMean(rates);
}

const mega = (value: number | undefined): string => {
  if (value === undefined || Number.isNaN(value)) return '–';
  const millions = value / 1e6;
  return millions >= 100 ? millions.toFixed(0) : millions.toFixed(millions >= 10 ? 1 : 2);
};

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '))
    .join('\n');
}

const title = ({ id, guest, cores }: BenchCase): string => `${id} ${guest.replace('bench-', '')}${cores > 1 ? ` ×${cores}` : ''}`;

/** Rates in M instr/s, and the ratio of every engine to every peer. */
export function ratesTable({ results, peers }: BenchReport): string {
  const machines = Object.keys(results);
  const engines = machines.filter((name) => peers[name] === undefined);
  const pairs = engines.flatMap((engine) => Object.keys(peers).map((peer) => [engine, peer] as const));
  const rows = [['M instr/s', ...machines, ...pairs.map(([engine, peer]) => `${engine}/${peer}`)]];
  for (const one of BENCH_CASES.filter(({ id }) => machines.some((machine) => results[machine]![id] !== undefined))) {
    const rate = (machine: string): number | undefined => results[machine]?.[one.id]?.instructionsPerSecond;
    const ratio = ([engine, peer]: readonly [string, string]): string => {
      const [own, other] = [engine, peer].map((machine) => results[machine]?.[one.id]?.iterationsPerSecond);
      return own === undefined || other === undefined ? '–' : (own / other).toFixed(2);
    };
    rows.push([title(one), ...machines.map((machine) => mega(rate(machine))), ...pairs.map(ratio)]);
  }
  const means = machines.map((machine) => meanRate(results, machine));
  const meanOf = (machine: string): number => means[machines.indexOf(machine)]!;
  rows.push([
    `geomean ${meanCases.join(',')}`,
    ...means.map(mega),
    ...pairs.map(([engine, peer]) => (meanOf(engine) / meanOf(peer)).toFixed(2)),
  ]);
  return table(rows);
}

/** What the engines say about themselves. */
export function engineTable({ results, peers }: BenchReport): string {
  const rows = [['', 'ns/block', 'compiling ms', 'compiling %', 'slow/1000', 'entries/1000', 'M cycles/s']];
  for (const engine of Object.keys(results).filter((name) => peers[name] === undefined)) {
    for (const one of BENCH_CASES) {
      const found = results[engine]?.[one.id];
      if (found === undefined) continue;
      const percent = found.compileShare === undefined ? '–' : (found.compileShare * 100).toFixed(1);
      rows.push([
        `${engine}: ${title(one)}`,
        found.nanosecondsPerBlock?.toFixed(1) ?? '–',
        found.compileMilliseconds?.toFixed(1) ?? '–',
        percent,
        found.slowPerThousand?.toFixed(3) ?? '–',
        found.entriesPerThousand?.toFixed(3) ?? '–',
        mega(found.cyclesPerSecond),
      ]);
    }
  }
  return table(rows);
}

/** Figures of each engine in a column, with the ratio of the first to the second. */
export function figuresTable(title: string, figures: Figures): string {
  const engines = Object.keys(figures);
  const names = [...new Set(engines.flatMap((engine) => Object.keys(figures[engine]!)))];
  const rows = [[title, ...engines, ...(engines.length === 2 ? [`${engines[0]}/${engines[1]}`] : [])]];
  for (const name of names) {
    const values = engines.map((engine) => figures[engine]![name] ?? Number.NaN);
    const ratio = engines.length === 2 ? [(values[0]! / values[1]!).toFixed(2)] : [];
    rows.push([name, ...values.map((value) => (value >= 100 ? value.toFixed(0) : value.toFixed(2))), ...ratio]);
  }
  return table(rows);
}

/** The rates beside those of an earlier run, with a verdict. */
export function comparisonTable(now: BenchReport, before: BenchReport): string {
  const comparison = compareReports(now, before);
  const rows = [[`before: ${before.commit}, ${before.date}`, 'iterations/s before', 'now', 'ratio', '']];
  for (const { engine, id, before: old, now: rate, ratio } of comparison.changes) {
    const verdict = verdictOf(ratio);
    rows.push([`${engine}: ${id}`, old.toPrecision(4), rate.toPrecision(4), ratio.toFixed(2), verdict === 'the same' ? '' : verdict]);
  }
  return [table(rows), ...verdictLines(comparison)].join('\n');
}
