import { describe, expect, test } from 'vitest';
import { planRun } from '../../src/session/runPlan.ts';
import { options, quickRun, virtual } from './quickRun.ts';

const beside = (guest: string, params: Record<string, string> = {}, vms = 2) => ({
  ...virtual(vms, 2),
  coGuest: { guest, params },
});

describe('a guest beside the measured one', () => {
  test.each(['primes', 'spin'])('runs until the first VM ends, and takes its share of the cores: %s', (work) => {
    const { stop, serial, stats } = quickRun('smp', { cores: 2, vmm: beside('cpu-bound', { work }) });
    const alone = quickRun('smp', { cores: 2, vmm: virtual(1, 2) });
    expect(stop).toEqual({ kind: 'power-off' });
    expect(serial.replaceAll('[vm0] ', '')).toBe(alone.serial);
    expect(stats.vcpus.filter(({ vm, runCycles }) => vm === 1 && runCycles > 0)).toHaveLength(2);
    expect(stats.cycles).toBeGreaterThan(alone.stats.cycles + 200_000);
  });

  test('may end before it; then the first goes on alone', () => {
    const { session, stop, serial } = quickRun('hello', { cores: 2, vmm: beside('smp', {}, 3) });
    expect(stop).toEqual({ kind: 'power-off' });
    expect(serial).toContain('[vm0] Hello from ring 3\n');
    expect(serial).toContain('[vm2] cores: 2\n');
    expect(session.vmm!.vms.map(({ ended }) => ended?.kind)).toEqual(['power-off', 'power-off', 'power-off']);
  });

  test('is part of the plan: its image and parameters, with the scheme and the lock of the run', () => {
    const { virtual: plan } = planRun(options('smp', { vmm: beside('shootdown', { pages: '4' }), shootdown: 'shoot4u' }));
    const same = planRun(options('shootdown', { params: { pages: '4' }, vmm: virtual(1, 2), shootdown: 'shoot4u' }));
    expect(plan!.coGuest).toEqual({
      guest: 'shootdown',
      parameters: { pages: 4 },
      image: same.image,
      imageHash: same.imageHash,
      haltExits: true,
    });
  });
});
