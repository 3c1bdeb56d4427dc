import { describe, expect, test } from 'vitest';
import { assumptionPoints, assumptionTable, gainByAssumption, SPINNING } from '../../../src/experiments/parsec/parsecAssumptions.ts';
import { longShootdowns } from '../../../src/experiments/parsec/parsecTables.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import { FREQUENCY_HZ, measurementOf, point, shootdownOf } from '../synthetic.ts';

const run = (assumption: string, scheme: string, millis: number, shootdowns: readonly ReturnType<typeof shootdownOf>[] = []) => ({
  point: point({ sweep: 'assumptions', assumption, program: 'vips', scheme, vms: 2, work: 260, seed: 1 }),
  measurement: { ...measurementOf(shootdowns), begin: 0, end: (millis / 1000) * FREQUENCY_HZ },
});

describe('the assumptions of shoot4u-parsec', () => {
  const points = assumptionPoints(['dedup', 'vips'], 200, 12);
  const settingsOf = (assumption: string) => {
    const { params, vmm } = points.find(({ labels }) => labels['assumption'] === assumption)!.run.options;
    return { params, vmm };
  };

  test('are changed one at a time', () => {
    const usual = settingsOf('as usual');
    expect(settingsOf('PAUSE-loop exiting')).toEqual({ ...usual, vmm: { ...usual.vmm, pauseLoopExiting: { gap: 128, window: 4096 } } });
    expect(settingsOf('vCPUs float')).toEqual({ ...usual, vmm: { ...usual.vmm, placement: 'floating' } });
    expect(settingsOf('scheduler fair')).toEqual({ ...usual, vmm: { ...usual.vmm, scheduler: 'fair' } });
    expect(settingsOf('slices of 3 ms')).toEqual({ ...usual, vmm: { ...usual.vmm, slice: { seconds: 0.003 } } });
    expect(settingsOf(SPINNING)).toEqual({ ...usual, params: { ...usual.params, 'mmap-lock': '1' } });
  });

  test('have two seeds but under native', () => {
    const of = (scheme: string): number =>
      points.filter(({ labels }) => labels['scheme'] === scheme && labels['assumption'] === 'as usual').length;
    expect([of('ipi'), of('kvmtlb'), of('shoot4u')]).toEqual([2, 4, 4]);
  });

  test('are told with both cuts', () => {
    const { rows } = assumptionTable(
      new ResultSet([run('as usual', 'ipi', 400), run('as usual', 'kvmtlb', 200), run('as usual', 'shoot4u', 100)]),
    );
    expect(rows.map((row) => row.slice(0, 6))).toEqual([
      ['as usual', 'vips', 'ipi', 4000, 0, expect.closeTo(-100)],
      ['as usual', 'vips', 'kvmtlb', 2000, 50, 0],
      ['as usual', 'vips', 'shoot4u', 1000, 75, 50],
    ]);
  });
});

test('long shootdowns are those that waited for a core', () => {
  const shootdowns = [shootdownOf(10), shootdownOf(400), shootdownOf(3000), shootdownOf(9000, 1)];
  const { perThousand, millis } = longShootdowns(new ResultSet([run('as usual', 'kvmtlb', 100, shootdowns)]));
  expect(perThousand).toBeCloseTo(500);
  expect(millis).toBeCloseTo(120);
});

test('what Shoot4U gains over kvmtlb is told by assumption', () => {
  const results = new ResultSet([
    run('as usual', 'kvmtlb', 200),
    run('as usual', 'shoot4u', 180),
    run('PAUSE-loop exiting', 'kvmtlb', 400),
    run('PAUSE-loop exiting', 'shoot4u', 100),
  ]);
  expect(gainByAssumption(results)).toBe('under other assumptions (shorter runs): as usual: vips 10.0 %; PAUSE-loop exiting: vips 75.0 %');
  expect(gainByAssumption(new ResultSet([]))).toContain('not measured');
});
