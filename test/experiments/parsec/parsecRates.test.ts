import { describe, expect, test } from 'vitest';
import {
  gainOverKvmtlb,
  MEMORY_RATES,
  rateFigure,
  rateMovement,
  ratePoints,
  rateRows,
  rateTable,
} from '../../../src/experiments/parsec/parsecRates.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { FREQUENCY_HZ, measurementOf, point, shootdownOf } from '../synthetic.ts';

/** Runs of so many milliseconds with so many shootdowns. */
const run = (rate: number, scheme: string, millis: number, shootdowns: number) => ({
  point: point({ sweep: 'rates', program: 'dedup', scheme, rate, work: 130, seed: 1 }),
  measurement: {
    ...measurementOf(Array.from({ length: shootdowns }, () => shootdownOf(10))),
    begin: 0,
    end: (millis / 1000) * FREQUENCY_HZ,
  },
});

const RESULTS = new ResultSet([
  run(50, 'ipi', 200, 4),
  run(50, 'kvmtlb', 110, 4),
  run(50, 'shoot4u', 100, 4),
  run(400, 'ipi', 1000, 30),
  run(400, 'kvmtlb', 400, 30),
  run(400, 'shoot4u', 200, 30),
]);

describe('the rates of shoot4u-parsec', () => {
  test('are run rarest first: native once, the two that are near each other with three seeds and two programs', () => {
    const points = ratePoints(260, 12);
    expect(points).toHaveLength(MEMORY_RATES.length * (1 + 2 * 2 * 3));
    expect(points[0]!.labels).toMatchObject({ sweep: 'rates', rate: MEMORY_RATES[0], scheme: 'ipi', work: 130 });
    expect(points.at(-1)!.labels).toMatchObject({ rate: MEMORY_RATES.at(-1), scheme: 'shoot4u', program: 'vips', seed: 3, work: 260 });
  });

  test('give the cut of run time and shootdowns a second at each', () => {
    const rows = rateRows(RESULTS);
    expect(rows.map(({ rate }) => rate)).toEqual([50, 400]);
    expect(rows[0]!.againstIpi).toBeCloseTo(0.5);
    expect(rows[1]!.againstIpi).toBeCloseTo(0.8);
    expect(rows[1]!.againstKvmtlb).toBeCloseTo(0.5);
    expect(rows[0]!.shootdownsPerSecond).toBeCloseTo(40);
    expect(rows[1]!.shootdownsPerSecond).toBeCloseTo(150);
    expect(rateTable(RESULTS).rows).toHaveLength(2);
  });

  test('are told in one sentence, from the rarest to the most frequent', () => {
    expect(rateMovement(RESULTS)).toContain('dedup: at 50 % of the rates 50.0 % against native');
    expect(rateMovement(RESULTS)).toContain('at 400 % of the rates 80.0 % against native');
    expect(gainOverKvmtlb(RESULTS)).toContain('dedup 9.1 % at 50 %, 50.0 % at 400 %');
  });

  test('say when they were not measured', () => {
    const nothing = new ResultSet([]);
    expect(rateMovement(nothing)).toContain('not measured');
    expect(gainOverKvmtlb(nothing)).toContain('not measured');
    expect(rateFigure(nothing)).toEqual([]);
  });
});
