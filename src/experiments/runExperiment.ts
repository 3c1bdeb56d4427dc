import type { Experiment, Findings, Labels, Point, PointRun, Scale } from './experiment.ts';
import type { Measurement, PointOutcome } from './measurement.ts';
import { programVersion } from './programVersion.ts';
import { ResultSet } from './resultSet.ts';
import { canonical, ResultStore } from './resultStore.ts';
import type { PointPool } from './workerPool.ts';

export interface ExperimentSettings {
  readonly scale: Scale;
  /** Directory of results; undefined: nothing is kept. */
  readonly out: string | undefined;
}

export interface ExperimentProgress {
  /** @param done between 0 and 1, by the virtual time of the points. */
  progress(done: number, what: string): void;
}

export interface FailedPoint {
  readonly labels: Labels;
  readonly reason: string;
}

/** What an experiment gave. */
export interface ExperimentRun {
  readonly experiment: Experiment;
  readonly scale: Scale;
  /** SHA-256 of the program that measured. */
  readonly version: string;
  /** Those measured now or before, in the experiment's order. */
  readonly results: ResultSet;
  readonly failed: readonly FailedPoint[];
  /** Points that an interruption left undone. */
  readonly missing: number;
  /** Points whose measurements were there already. */
  readonly resumed: number;
  readonly findings: Findings;
}

/** Host milliseconds between two reports of progress. */
const TICK_MS = 500;

/**
 * The experiment's points are measured, those apart that `out` has from earlier runs of the same program, and reduced. A point that fails is reported
 * and the others go on; when `signal` is aborted, what was measured so far is reduced. The pool is closed.
 */
export async function runExperiment(
  experiment: Experiment,
  { scale, out }: ExperimentSettings,
  pool: PointPool,
  host: ExperimentProgress,
  signal: AbortSignal,
): Promise<ExperimentRun> {
  const points = experiment.points(scale);
  checkLabels(points);
  const version = programVersion();
  const store = out === undefined ? undefined : new ResultStore(out, version);
  const outcomes: (PointOutcome | undefined)[] = points.map(({ run }) => measured(store?.read(run)));
  const resumed = outcomes.filter((outcome) => outcome !== undefined).length;
  try {
    await measureRest(points, outcomes, store, pool, host, signal);
  } finally {
    await pool.close();
  }

  const results = new ResultSet(
    points.flatMap((point, index) => {
      const outcome = outcomes[index];
      return outcome?.kind === 'measured' ? [{ point, measurement: outcome.measurement }] : [];
    }),
  );
  const failed = points.flatMap(({ labels }, index) => {
    const outcome = outcomes[index];
    return outcome?.kind === 'failed' ? [{ labels, reason: outcome.reason }] : [];
  });
  const missing = outcomes.filter((outcome) => outcome === undefined).length;
  return { experiment, scale, version, results, failed, missing, resumed, findings: experiment.reduce(results, scale) };
}

async function measureRest(
  points: readonly Point[],
  outcomes: (PointOutcome | undefined)[],
  store: ResultStore | undefined,
  pool: PointPool,
  host: ExperimentProgress,
  signal: AbortSignal,
): Promise<void> {
  const open = distinctRuns(points, outcomes);
  const total = open.reduce((sum, { weight }) => sum + weight, 0);
  let done = 0;
  let count = 0;
  const report = (): void => host.progress(total === 0 ? 1 : done / total, `${count} of ${open.length} runs`);
  const ticker = setInterval(report, TICK_MS);
  const interrupted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const all = open.map(async ({ run, weight, indices }) => {
    const outcome = await pool.measure(run);
    for (const index of indices) outcomes[index] = outcome;
    if (outcome.kind === 'measured') store?.write(run, outcome.measurement);
    done += weight;
    count++;
    report();
  });
  try {
    await Promise.race([Promise.all(all), interrupted]);
  } finally {
    clearInterval(ticker);
  }
}

interface OpenRun {
  readonly run: PointRun;
  readonly weight: number;
  /** Of the points that are this run: labels differ where one run is a row of several tables. */
  readonly indices: number[];
}

/** What is still to be measured, each run once. */
function distinctRuns(points: readonly Point[], outcomes: readonly (PointOutcome | undefined)[]): OpenRun[] {
  const runs = new Map<string, OpenRun>();
  for (const [index, point] of points.entries()) {
    if (outcomes[index] !== undefined) continue;
    const key = canonical(point.run);
    const known = runs.get(key);
    if (known === undefined) runs.set(key, { run: point.run, weight: weightOf(point), indices: [index] });
    else known.indices.push(index);
  }
  return [...runs.values()];
}

/** Cores times virtual seconds: what a run costs the host, roughly. */
const weightOf = ({ run: { options, seconds }, weight }: Point): number => weight ?? (seconds ?? 1) * (options.cores ?? 1);

const measured = (measurement: Measurement | undefined): PointOutcome | undefined =>
  measurement === undefined ? undefined : { kind: 'measured', measurement };

/** Two points with the same labels could not be told apart. */
function checkLabels(points: readonly Point[]): void {
  const seen = new Set<string>();
  for (const { labels } of points) {
    const text = describeLabels(labels);
    if (seen.has(text)) throw new Error(`two points are both ${text}`);
    seen.add(text);
  }
}

/** True iff every point was measured and every check holds: a check that could not be made has not held. */
export const shapeHolds = ({ failed, missing, findings }: ExperimentRun): boolean =>
  failed.length === 0 && missing === 0 && findings.checks.every(({ verdict }) => verdict === 'holds');

/** `scheme=ipi k=7 seed=1`. */
export const describeLabels = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
