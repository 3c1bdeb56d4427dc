import { describe, expect, test } from 'vitest';
import { quickRun, virtual } from '../session/quickRun.ts';

const small = { iterations: '4', think: '2000', reads: '8' };
/** Parameters that keep the runs short. */
const PARAMETERS: Readonly<Record<string, Record<string, string>>> = {
  shootdown: small,
  'ipi-pingpong': { rounds: '10' },
  'tlb-flush': { iterations: '5' },
};
const OFF = { kind: 'power-off' };

describe('every built-in guest powers off', () => {
  test.for([
    ['hello', 1, 'Hello from the kernel\nOne tick of the timer\nHello from ring 3\n'],
    ['smp', 1, 'core 0 online, APIC 0\n'],
    ['smp', 2, 'core 1 online, APIC 1\n'],
    ['smp', 8, 'core 7 online, APIC 7\n'],
    ['smp', 33, 'core 32 online, APIC 32\n'],
    ['ipi-pingpong', 2, 'round trips: 10\n'],
    ['ipi-pingpong', 4, 'round trips: 10\n'],
    ['page-faults', 1, 'protection faults: 1\n'],
    ['shootdown', 1, 'shootdowns: 4\n'],
    ['shootdown', 2, 'shootdowns: 8\n'],
    ['shootdown', 5, 'shootdowns: 20\n'],
    ['fwk-selftest', 1, 'hello from a process\n'],
    ['fwk-selftest', 3, 'ends-with-sleepers: segmentation fault at 0x10, error code 0x5, RIP 0x'],
    ['tlb-flush', 4, 'rounds: 20\n'],
  ] as const)('%s on %i bare cores', ([guest, cores, text]) => {
    const { stop, serial } = quickRun(guest, { cores, params: PARAMETERS[guest] ?? {} });
    expect({ stop, serial }).toEqual({ stop: OFF, serial: expect.stringContaining(text) });
  });

  test.for([
    ['hello', 1, 1, 1],
    ['smp', 1, 2, 1],
    ['smp', 2, 3, 2],
    ['smp', 1, 16, 4],
    ['ipi-pingpong', 1, 2, 1],
    ['ipi-pingpong', 2, 2, 2],
    ['page-faults', 2, 1, 1],
    ['shootdown', 2, 2, 2],
    ['shootdown', 1, 4, 2],
    ['shootdown', 3, 2, 1],
    ['fwk-selftest', 2, 2, 2],
    ['tlb-flush', 2, 2, 2],
  ] as const)('%s in %i VMs of %i vCPUs on %i cores', ([guest, vms, vcpus, cores]) => {
    const { stop, serial, stats } = quickRun(guest, { cores, vmm: virtual(vms, vcpus), params: PARAMETERS[guest] ?? {} });
    expect(stop).toEqual(OFF);
    if (vms > 1) for (let vm = 0; vm < vms; vm++) expect(serial).toContain(`[vm${vm}] `);
    expect(stats.vcpus).toHaveLength(vms * vcpus);
  });
});

describe('shootdown schemes', () => {
  test.for(['ipi', 'shoot4u'])('%s leaves no stale translation, neither for the guest nor for the oracle', (shootdown) => {
    const { stop, stats } = quickRun('shootdown', { cores: 2, vmm: virtual(2, 3, 50_000), shootdown, params: small, checkTlb: true });
    expect(stop).toEqual(OFF);
    expect(stats.shootdown).toMatchObject({ scheme: shootdown, count: 2 * 3 * 4 });
  });

  test('none is caught by the guest', () => {
    const { stop, serial } = quickRun('shootdown', { cores: 2, shootdown: 'none' });
    expect({ stop, serial }).toEqual({
      stop: { kind: 'debug-exit', value: 5 },
      serial: expect.stringContaining('stale translation: core'),
    });
  });

  test.for([2, 8, 16])('of %i cores that find stale translations only one reports', (cores) => {
    const { serial } = quickRun('shootdown', { cores, shootdown: 'none' });
    expect(serial).toMatch(/^stale translation: core \d+ read 0x[0-9a-f]+ at 0x[0-9a-f]+\n$/);
  });

  test('none is caught by the oracle, before the guest can see it', () => {
    const { stop, serial } = quickRun('shootdown', { cores: 2, shootdown: 'none', checkTlb: true });
    expect({ kind: stop?.kind, serial }).toEqual({ kind: 'oracle', serial: '' });
  });

  test('with ipi a preempted target holds the initiator up; with shoot4u it does not', () => {
    const p99 = (shootdown: string): number =>
      quickRun('shootdown', { cores: 2, vmm: virtual(2, 2, 500_000), shootdown, params: { iterations: '40', think: '5000' } }).stats
        .shootdown.latencyCycles.p99!;
    const [ipi, shoot4u] = [p99('ipi'), p99('shoot4u')];
    // The slice is 500 000 cycles: a target that waits for the other VM waits for a good part of it.
    expect(ipi).toBeGreaterThan(200_000);
    expect(shoot4u).toBeLessThan(ipi / 5);
  });

  test('shoot4u invalidates by INVVPID on the cores where the targets last ran, ipi by INVLPG on the targets', () => {
    const counts = (shootdown: string): Record<string, number> =>
      quickRun('shootdown', { cores: 2, vmm: virtual(1, 2), shootdown, params: { ...small, pages: '3' } }).stats.invalidations;
    // Two vCPUs, four shootdowns each, three pages: locally by INVLPG, at the one target by INVVPID or by INVLPG.
    expect([counts('shoot4u')['INVLPG'], counts('shoot4u')['INVVPID-address']]).toEqual([24, 24]);
    expect([counts('ipi')['INVLPG'], counts('ipi')['INVVPID-address']]).toEqual([48, undefined]);
  });
});
