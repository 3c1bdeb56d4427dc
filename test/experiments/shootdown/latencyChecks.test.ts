import { describe, expect, test } from 'vitest';
import type { Labels } from '../../../src/experiments/experiment.ts';
import { type MeasuredPoint, ResultSet } from '../../../src/experiments/resultSet.ts';
import { shootdownLatency } from '../../../src/experiments/shootdown/shootdownLatency.ts';
import { meanLongestWait } from '../../../src/experiments/shootdown/waitModel.ts';
import { measurementOf, point, shootdownOf } from '../synthetic.ts';

/** Latencies in µs as the publication has them, with factors to spoil them. */
interface Shape {
  /** On the model's means; its exponent over the slice. */
  readonly model: number;
  readonly slicePower: number;
  readonly shoot4uShared: number;
  readonly kvmtlbTail: number;
  readonly multicastSlope: number;
  readonly serialBend: number;
  /** Of kvmtlb alone. */
  readonly tax: number;
  /** Long ones among a thousand. */
  readonly kvmtlbRaces: number;
  readonly shoot4uRaces: number;
  readonly shoot4uLongest: number;
}
const PUBLISHED: Shape = {
  model: 1,
  slicePower: 1,
  shoot4uShared: 13,
  kvmtlbTail: 1,
  multicastSlope: 0.2,
  serialBend: 0,
  tax: 12,
  kvmtlbRaces: 2,
  shoot4uRaces: 0,
  shoot4uLongest: 20,
};

function results(shape: Shape): ResultSet {
  const entries: MeasuredPoint[] = [];
  const add = (labels: Labels, micros: readonly number[]): void => {
    entries.push({ point: point(labels), measurement: measurementOf(micros.map((one) => shootdownOf(one))) });
  };
  for (const seed of [1, 2]) {
    for (const slice of [6, 12, 24]) {
      for (const k of [1, 3, 7, 11]) {
        const mean = meanLongestWait({ vms: 2, slice: 12 }, k) * (slice / 12) ** shape.slicePower * 1000 * shape.model;
        add({ sweep: 'model', scheme: 'ipi', vms: 2, k, slice, seed }, [mean * 0.95, mean * 1.05]);
      }
    }
    const hundred = (usual: number, rare: number, rarely: number): number[] =>
      Array.from({ length: 100 }, (_, index) => (index < rarely ? rare : usual));
    add({ sweep: 'overcommit', scheme: 'ipi', vms: 1, seed }, hundred(11, 11, 0));
    add({ sweep: 'overcommit', scheme: 'ipi', vms: 2, seed }, hundred(8000, 12_000, 20));
    add({ sweep: 'overcommit', scheme: 'shoot4u', vms: 1, seed }, hundred(13, 13, 0));
    add({ sweep: 'overcommit', scheme: 'shoot4u', vms: 2, seed }, hundred(shape.shoot4uShared, 13, 0));
    add({ sweep: 'overcommit', scheme: 'kvmtlb', vms: 1, seed }, hundred(shape.tax, 12, 0));
    add({ sweep: 'overcommit', scheme: 'kvmtlb', vms: 2, seed }, hundred(12, 12_000, shape.kvmtlbTail));
  }
  for (const k of [1, 3, 7, 11, 15]) {
    add({ sweep: 'targets', scheme: 'shoot4u', k, seed: 1 }, [1 + k + shape.serialBend * k * k]);
    add({ sweep: 'targets', scheme: 'shoot4u-multicast', k, seed: 1 }, [2 + shape.multicastSlope * k]);
  }
  const thousand = (rare: number): number[] => Array.from({ length: 1000 }, (_, index) => (index < rare ? 8000 : 13));
  add({ sweep: 'race', scheme: 'kvmtlb', vms: 2, seed: 1 }, thousand(shape.kvmtlbRaces));
  add({ sweep: 'race', scheme: 'shoot4u', vms: 2, seed: 1 }, [...thousand(shape.shoot4uRaces), shape.shoot4uLongest]);
  return new ResultSet(entries);
}

const failing = (shape: Partial<Shape>): string[] =>
  shootdownLatency
    .reduce(results({ ...PUBLISHED, ...shape }), 'full')
    .checks.filter(({ verdict }) => verdict !== 'holds')
    .map(({ name }) => name);

describe('the checks of shootdown-latency', () => {
  test('hold for latencies as they are published', () => {
    expect(failing({})).toEqual([]);
  });

  test.each<[string, Partial<Shape>]>([
    ['native follows the model', { model: 1.2 }],
    ['native follows the model', { model: 0.8 }],
    ['native scales with the slice', { slicePower: 0.8 }],
    ['Shoot4U has no tail of milliseconds', { shoot4uShared: 1200 }],
    ['Shoot4U is flat in overcommit', { shoot4uShared: 20 }],
    ['kvmtlb: near its value alone, with at most a thin tail', { kvmtlbTail: 10 }],
    ['multicast grows less with its targets than serial', { multicastSlope: 0.8 }],
    ['Shoot4U is linear in its targets', { serialBend: 1 }],
    ['alone, kvmtlb pays a small tax at most', { tax: 9 }],
    ['alone, kvmtlb pays a small tax at most', { tax: 14 }],
    ['the race of kvmtlb leaves a tail, and Shoot4U has none', { kvmtlbRaces: 0 }],
    ['the race of kvmtlb leaves a tail, and Shoot4U has none', { kvmtlbRaces: 30 }],
    ['the race of kvmtlb leaves a tail, and Shoot4U has none', { shoot4uRaces: 1 }],
    ['Shoot4U’s longest is bounded by its messages', { shoot4uLongest: 60 }],
  ])('%s: notices %o', (name, shape) => {
    expect(failing(shape)).toContain(name);
  });

  test('say of nothing that it was not measured', () => {
    const { checks, figures, tables } = shootdownLatency.reduce(new ResultSet([]), 'full');
    expect(new Set(checks.map(({ verdict }) => verdict))).toEqual(new Set(['not measured']));
    expect(figures.length).toBeGreaterThan(3);
    expect(tables.every(({ rows }) => rows.length === 0)).toBe(true);
  });

  test('leave out of a tail what the scheduler took from the initiator itself', () => {
    const own = measurementOf([shootdownOf(13), shootdownOf(12_000, 1)]);
    const entries = results(PUBLISHED).entries.map((entry) =>
      entry.point.labels['scheme'] === 'shoot4u' && entry.point.labels['vms'] === 2 ? { ...entry, measurement: own } : entry,
    );
    const { checks } = shootdownLatency.reduce(new ResultSet(entries), 'full');
    expect(checks.find(({ name }) => name === 'Shoot4U has no tail of milliseconds')!.verdict).toBe('holds');
  });
});
