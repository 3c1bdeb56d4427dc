import { expect, test } from 'vitest';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { shootdownBest } from '../../../src/experiments/shootdown/shootdownBest.ts';
import { measurementOf, point, shootdownOf } from '../synthetic.ts';

const at = (vms: number, micros: Readonly<Record<string, number>>, seed = 1) =>
  Object.entries(micros).map(([scheme, value]) => ({
    point: point({ scheme, vms, k: 11, pages: 1, exits: 1, seed }),
    measurement: measurementOf([shootdownOf(value)]),
  }));

test('each setting has its best scheme, and those within 5 % of it share the place', () => {
  const results = new ResultSet([
    ...at(1, { ipi: 11, shoot4u: 13, hyperv: 11.4 }),
    ...at(2, { ipi: 9000, shoot4u: 13, hyperv: 10, invlpgb: 1, rar: 2 }),
  ]);
  const { tables, figures, checks } = shootdownBest.reduce(results, 'full');
  expect(tables[0]!.rows.map(([best, software, vms]) => [best, software, vms])).toEqual([
    ['ipi = hyperv', 'ipi = hyperv', 1],
    ['invlpgb', 'hyperv', 2],
  ]);
  expect(figures.map(({ measured }) => measured)).toEqual([
    'best or within 5 % of it, of 2 settings: ipi in 1, hyperv in 1, invlpgb in 1',
    'best or within 5 % of it, of 2 settings: hyperv in 2, ipi in 1',
  ]);
  expect(checks[0]!.verdict).toBe('holds');
});

test('a native scheme that wins on a crowded host is noticed', () => {
  const results = new ResultSet(at(2, { ipi: 12, shoot4u: 13 }));
  expect(shootdownBest.reduce(results, 'full').checks[0]!.verdict).toBe('fails');
});

test('the mean is over the shootdowns of all seeds, also when one has none', () => {
  const idle = { point: point({ scheme: 'hyperv', vms: 4, k: 11, pages: 1, exits: 1, seed: 3 }), measurement: measurementOf([]) };
  const results = new ResultSet([...at(4, { hyperv: 2, shoot4u: 5 }), ...at(4, { hyperv: 6 }, 2), idle]);
  const [row] = shootdownBest.reduce(results, 'full').tables[0]!.rows;
  expect(row!.slice(0, 2)).toEqual(['hyperv', 'hyperv']);
  expect(row!.slice(6)).toEqual([4, 5]);
});

test('a setting beside neighbours has several seeds', () => {
  const points = shootdownBest.points('full').filter(({ labels }) => labels['scheme'] === 'hyperv' && labels['exits'] === 1);
  const of = (vms: number) => points.filter(({ labels }) => labels['vms'] === vms && labels['k'] === 1 && labels['pages'] === 1);
  expect(of(1).map(({ run }) => run.seconds)).toEqual([1]);
  expect(of(4).map(({ run }) => run.seconds)).toEqual([1, 1, 1, 1]);
});
