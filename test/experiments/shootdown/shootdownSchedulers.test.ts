import { expect, test } from 'vitest';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { shootdownSchedulers } from '../../../src/experiments/shootdown/shootdownSchedulers.ts';
import { measurementOf, point, shootdownOf } from '../synthetic.ts';

const verdicts = (micros: Readonly<Record<string, readonly [ipi: number, shoot4u: number]>>): string[] => {
  const entries = Object.entries(micros).flatMap(([scheduler, pair]) =>
    ['ipi', 'shoot4u'].flatMap((scheme, index) =>
      [1, 2].map((seed) => ({ point: point({ scheduler, scheme, seed }), measurement: measurementOf([shootdownOf(pair[index]!)]) })),
    ),
  );
  return shootdownSchedulers.reduce(new ResultSet(entries), 'full').checks.map(({ verdict }) => verdict);
};

test('the checks hold where co-scheduling helps native and Shoot4U does not care', () => {
  expect(verdicts({ 'round-robin': [9000, 13], gang: [12, 13], fair: [8000, 14] })).toEqual(['holds', 'holds', 'holds']);
});

test('each of them can fail', () => {
  expect(verdicts({ 'round-robin': [90, 13], gang: [12, 13] })[0]).toBe('fails');
  expect(verdicts({ 'round-robin': [9000, 13], gang: [5000, 13] })[1]).toBe('fails');
  expect(verdicts({ 'round-robin': [9000, 13], gang: [12, 20] })[2]).toBe('fails');
});
