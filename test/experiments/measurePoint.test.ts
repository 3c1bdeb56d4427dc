import { describe, expect, test } from 'vitest';
import { measurePoint } from '../../src/experiments/measurePoint.ts';
import { parameters, runOptions } from '../../src/experiments/runSettings.ts';
import { shootdownPoint } from '../../src/experiments/shootdown/shootdownPoint.ts';

const setting = { scheme: 'ipi', targets: 3, pages: 1, vms: 2, slice: 200e-6, seed: 1, undisturbed: true };

describe('a point', () => {
  test('is measured for the time asked, from when all its VMs have begun', () => {
    const { run } = shootdownPoint({}, setting, 0.003);
    const outcome = measurePoint({ ...run, observeFills: true });
    if (outcome.kind === 'failed') throw new Error(outcome.reason);
    const { begin, end, frequencyHz, shootdowns, counts, fills, stats } = outcome.measurement;
    expect((end! - begin!) / frequencyHz).toBeCloseTo(0.003, 9);
    expect(begin!).toBeGreaterThan(200e-6 * frequencyHz);
    expect(shootdowns.length).toBeGreaterThan(3);
    expect(shootdowns.every((one) => one.begin >= begin! && one.end <= end! && one.targets === 3 && one.pages === 1)).toBe(true);
    // The neighbours leave the initiator's core alone.
    expect(shootdowns.every(({ descheduled, initiator }) => descheduled === 0 && initiator === 11)).toBe(true);
    expect(counts.exits['WRMSR']).toBeGreaterThan(3 * shootdowns.length);
    // What happened before, above all the start of all cores, does not count.
    expect(counts.ipis).toBeLessThan(stats.ipis.sent);
    expect(counts.exits['CPUID']).toBeUndefined();
    expect(fills!.after).toHaveLength(shootdowns.length);
    expect(stats.vcpus.filter(({ vm, runCycles }) => vm === 1 && runCycles > 0)).toHaveLength(11);
  });

  test('gives the same bytes each time', () => {
    const { run } = shootdownPoint({}, { ...setting, undisturbed: false }, 0.001);
    expect(JSON.stringify(measurePoint(run))).toBe(JSON.stringify(measurePoint(run)));
  });

  test('has its initiator descheduled when the neighbours use its core, too', () => {
    const { run } = shootdownPoint({}, { ...setting, undisturbed: false }, 0.004);
    const outcome = measurePoint(run);
    expect(outcome.kind === 'measured' && outcome.measurement.shootdowns.some(({ descheduled }) => descheduled > 0)).toBe(true);
  });

  test.each([
    ['no guest', runOptions({ guest: 'nobody' }), "'nobody' is neither a built-in guest"],
    ['a parameter out of range', runOptions({ guest: 'shootdown', params: parameters({ pages: 0 }) }), 'shootdown: pages = 0 is not'],
    ['a price that there is not', runOptions({ guest: 'hello', costs: { vmexit: 2 } }), "--cost: no price 'vmexit'"],
    ['a negative price', runOptions({ guest: 'hello', costs: { vmExit: -1 } }), '--cost: vmExit: -1 is not a factor of at least 0'],
  ])('that cannot be run says why in one line: %s', (_name, options, text) => {
    const outcome = measurePoint({ options, seconds: undefined, observeFills: false });
    expect(outcome).toEqual({ kind: 'failed', reason: expect.stringContaining(text) });
  });

  test('whose guest fails has failed, with the guest’s last words', () => {
    const params = parameters({ iterations: 50, think: 100 });
    const options = runOptions({ guest: 'shootdown', cores: 2, shootdown: 'none', params });
    const outcome = measurePoint({ options, seconds: undefined, observeFills: false });
    expect(outcome).toEqual({ kind: 'failed', reason: expect.stringMatching(/^the guest ended by debug-exit: stale translation/) });
  });

  test('that ends before it has been measured long enough has failed', () => {
    const options = runOptions({ guest: 'shootdown', cores: 2, params: parameters({ iterations: 5, think: 100 }) });
    expect(measurePoint({ options, seconds: 1, observeFills: false })).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^the guest ended after 0\.\d+ of 1 s$/),
    });
  });
});
