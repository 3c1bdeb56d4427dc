import { describe, expect, test } from 'vitest';
import { measurePoint } from '../../src/experiments/measurePoint.ts';
import { EXPERIMENTS } from '../../src/experiments/registry.ts';
import { renderChart } from '../../src/experiments/report/renderChart.ts';
import { ResultSet } from '../../src/experiments/resultSet.ts';
import { describeLabels } from '../../src/experiments/runExperiment.ts';
import { planRun } from '../../src/session/runPlan.ts';

/** Points of each experiment that are really run here, for a thousandth of the time. */
const SAMPLES = 3;
const SHORTENED = 1e-3;

/** Whose points spend most of their time in the kernel, which costs the host ten times what a program's computing does. */
const KERNEL_BOUND: readonly string[] = ['locks-speedup', 'locks-preemption', 'shootdown-and-locks'];
/** These are measured for so many slices of the usual length, in seconds. */
const SLICES = 16;
const LONGEST_USUAL_SLICE = 0.012;

test('experiments have different names', () => {
  expect(new Set(EXPERIMENTS.map(({ name }) => name)).size).toBe(EXPERIMENTS.length);
});

describe.each(EXPERIMENTS.map((experiment) => [experiment.name, experiment] as const))('%s', (_name, experiment) => {
  test.each(['quick', 'full'] as const)('has %s points that can be told apart', (scale) => {
    const texts = experiment.points(scale).map(({ labels }) => describeLabels(labels));
    expect(texts.length).toBeGreaterThan(0);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test('has points that can be planned', () => {
    const points = experiment.points('quick');
    const step = Math.ceil(points.length / 12);
    for (let i = 0; i < points.length; i += step) expect(() => planRun(points[i]!.run.options)).not.toThrow();
  });

  // TLB fills are watched on the host's slow path: there a second would take hours, and what one shootdown causes needs none.
  test('measures for at least a second, or so many slices of a kernel, where TLB fills are not watched', () => {
    const least = KERNEL_BOUND.includes(experiment.name) ? SLICES * LONGEST_USUAL_SLICE : 1;
    for (const { run } of experiment.points('full')) if (!run.observeFills) expect(run.seconds ?? 1).toBeGreaterThanOrEqual(least);
  });

  test('tells a found fact from a recalled one', () => {
    for (const { certainty, source } of experiment.facts) {
      expect(['found', 'recalled', 'derived']).toContain(certainty);
      if (certainty === 'recalled') expect(source).toBe('not verified');
    }
  });

  test('makes of a few short runs figures that can be drawn, and verdicts', async () => {
    // A crowded host takes long to start: one VM, where the experiment has such points.
    const all = experiment.points('quick');
    const alone = all.filter(({ run }) => run.options.vmm?.vms === 1);
    const points = alone.length > 0 ? alone : all;
    const chosen = [0, Math.floor(points.length / 2), points.length - 1].slice(0, SAMPLES).map((index) => points[index]!);
    const entries = chosen.flatMap((point) => {
      const { seconds, ...rest } = point.run;
      const outcome = measurePoint({ ...rest, seconds: seconds === undefined ? SHORTENED : seconds * SHORTENED });
      expect(outcome.kind === 'failed' ? outcome.reason : '').toBe('');
      return outcome.kind === 'measured' ? [{ point, measurement: outcome.measurement }] : [];
    });
    for (const results of [new ResultSet(entries), new ResultSet([])]) {
      const { checks, figures, tables } = experiment.reduce(results, 'quick');
      expect(checks.length).toBeGreaterThan(0);
      for (const { columns, rows } of tables) for (const row of rows) expect(row).toHaveLength(columns.length);
      for (const figure of figures) expect(await renderChart(figure)).toMatch(/^<svg/);
    }
  });
});
