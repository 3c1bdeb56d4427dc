import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Point, PointRun } from '../../src/experiments/experiment.ts';
import type { PointOutcome } from '../../src/experiments/measurement.ts';
import { resultsJson } from '../../src/experiments/report/resultsJson.ts';
import { runExperiment, shapeHolds } from '../../src/experiments/runExperiment.ts';
import type { PointPool } from '../../src/experiments/workerPool.ts';
import { experimentOf, measurementOf, point, shootdownOf } from './synthetic.ts';

const folder = mkdtempSync(join(tmpdir(), 'parapet-experiment-'));
afterAll(() => rmSync(folder, { recursive: true }));

const points = [1, 2, 3, 4].map((n) => point({ n, seed: 0 }));
const numberOf = ({ options }: PointRun): number => (JSON.parse(options.append) as { n: number }).n;
const measuredAs = (run: PointRun): PointOutcome => ({ kind: 'measured', measurement: measurementOf([shootdownOf(numberOf(run))]) });

/** A pool without threads that remembers what it was asked. */
class FakePool implements PointPool {
  readonly asked: number[] = [];
  closed = false;
  private readonly answer: (run: PointRun) => PointOutcome | Promise<PointOutcome>;
  constructor(answer: (run: PointRun) => PointOutcome | Promise<PointOutcome> = measuredAs) {
    this.answer = answer;
  }
  async measure(run: PointRun): Promise<PointOutcome> {
    this.asked.push(numberOf(run));
    return this.answer(run);
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

const quiet = { progress() {} };
const never = new AbortController().signal;
const run = (pool: PointPool, out?: string, signal: AbortSignal = never, of: readonly Point[] = points) =>
  runExperiment(experimentOf(of, 10), { scale: 'quick', out }, pool, quiet, signal);

describe('an experiment', () => {
  test('measures every point once and reduces them', async () => {
    const pool = new FakePool();
    const done = await run(pool);
    expect([pool.asked, pool.closed, done.failed, done.missing, done.resumed]).toEqual([[1, 2, 3, 4], true, [], 0, 0]);
    expect([done.findings.checks[0]!.verdict, shapeHolds(done)]).toEqual(['holds', true]);
  });

  test('makes a run that several points share once', async () => {
    const row = (table: string): Point => ({ ...points[0]!, labels: { ...points[0]!.labels, table } });
    const pool = new FakePool();
    const done = await run(pool, undefined, never, [row('a'), points[1]!, row('b')]);
    expect([pool.asked, done.results.entries.map(({ point: { labels } }) => labels['table'])]).toEqual([
      [1, 2],
      ['a', undefined, 'b'],
    ]);
    expect(done.results.entries[2]!.measurement).toEqual(done.results.entries[0]!.measurement);
  });

  test('gives the same result whatever the order in which points end', async () => {
    const late = new FakePool(async (asked) => {
      await new Promise((resolve) => setTimeout(resolve, 40 - 10 * numberOf(asked)));
      return measuredAs(asked);
    });
    expect(resultsJson(await run(late))).toBe(resultsJson(await run(new FakePool())));
  });

  test('reports a point that fails and goes on', async () => {
    const pool = new FakePool((asked) => (numberOf(asked) === 2 ? { kind: 'failed', reason: 'no memory' } : measuredAs(asked)));
    const done = await run(pool);
    expect(done.failed).toEqual([{ labels: { n: 2, seed: 0 }, reason: 'no memory' }]);
    expect([done.results.entries.length, shapeHolds(done)]).toEqual([3, false]);
  });

  test('that is interrupted keeps what it has, and goes on from there', async () => {
    const out = join(folder, 'interrupted');
    const interrupt = new AbortController();
    const pool = new FakePool((asked) => {
      if (numberOf(asked) < 3) return measuredAs(asked);
      return new Promise(() => setTimeout(() => interrupt.abort(), 20));
    });
    const first = await run(pool, out, interrupt.signal);
    expect([first.results.entries.length, first.missing, pool.closed, shapeHolds(first)]).toEqual([2, 2, true, false]);

    const rest = new FakePool();
    const second = await run(rest, out);
    expect([rest.asked, second.resumed, second.missing, shapeHolds(second)]).toEqual([[3, 4], 2, 0, true]);
    expect(resultsJson(second)).toBe(resultsJson(await run(new FakePool())));
  });

  test('does not take a result of another configuration, nor a file that is broken', async () => {
    const out = join(folder, 'kept');
    await run(new FakePool(), out, never, points.slice(0, 2));
    const other = points.map(({ labels, run: { options, ...rest } }) => ({ labels, run: { ...rest, options: { ...options, seed: 5 } } }));
    const changed = new FakePool();
    await run(changed, out, never, other);
    expect(changed.asked).toEqual([1, 2, 3, 4]);

    for (const name of readdirSync(join(out, 'points'))) writeFileSync(join(out, 'points', name), '{"half":');
    const again = new FakePool();
    await run(again, out, never, points.slice(0, 2));
    expect(again.asked).toEqual([1, 2]);
  });

  test('shows how far it is', async () => {
    const seen: [number, string][] = [];
    const host = { progress: (done: number, what: string) => seen.push([done, what]) };
    await runExperiment(experimentOf(points), { scale: 'full', out: undefined }, new FakePool(), host, never);
    expect(seen.at(-1)).toEqual([1, '4 of 4 runs']);
  });

  test('whose points cannot be told apart is a mistake of ours', async () => {
    await expect(run(new FakePool(), undefined, never, [points[0]!, points[0]!])).rejects.toThrow('two points are both n=1 seed=0');
  });
});
