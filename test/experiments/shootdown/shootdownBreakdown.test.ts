import { expect, test } from 'vitest';
import type { Measurement } from '../../../src/experiments/measurement.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { shootdownBreakdown } from '../../../src/experiments/shootdown/shootdownBreakdown.ts';
import { measurementOf, point, shootdownOf } from '../synthetic.ts';

/** Ten shootdowns that caused this together. */
const ten = (exits: Readonly<Record<string, number>>, ipis: number, after: number): Measurement =>
  measurementOf(
    Array.from({ length: 10 }, () => shootdownOf(10)),
    {
      counts: { exits, ipis, invalidations: {}, userCycles: [1] },
      fills: { before: Array<number>(10).fill(1), after: Array<number>(10).fill(after) },
    },
  );

const verdicts = (native: Measurement, onePage: Measurement, manyPages: Measurement): string[] => {
  const entries = [
    { point: point({ scheme: 'ipi', vms: 1, pages: 1, seed: 1 }), measurement: native },
    { point: point({ scheme: 'shoot4u', vms: 1, pages: 1, seed: 1 }), measurement: onePage },
    { point: point({ scheme: 'shoot4u', vms: 1, pages: 64, seed: 1 }), measurement: manyPages },
  ];
  return shootdownBreakdown.reduce(new ResultSet(entries), 'full').checks.map(({ verdict }) => verdict);
};
const native = ten({ WRMSR: 220, EXTERNAL_INTERRUPT: 110 }, 110, 12);
const onePage = ten({ VMCALL: 10, EXTERNAL_INTERRUPT: 110 }, 110, 12);
const manyPages = ten({ VMCALL: 10, EXTERNAL_INTERRUPT: 110 }, 110, 90);

test('the checks hold for the mechanisms as they are published', () => {
  expect(verdicts(native, onePage, manyPages)).toEqual(['holds', 'holds', 'holds']);
});

test('each of them can fail', () => {
  expect(verdicts(ten({ WRMSR: 20 }, 10, 12), onePage, manyPages)[0]).toBe('fails');
  expect(verdicts(native, ten({ VMCALL: 10, WRMSR: 220 }, 110, 12), manyPages)[0]).toBe('fails');
  expect(verdicts(native, ten({ VMCALL: 10 }, 10, 12), manyPages)[1]).toBe('fails');
  expect(verdicts(native, onePage, ten({ VMCALL: 10 }, 110, 12))[2]).toBe('fails');
});
