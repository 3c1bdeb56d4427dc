import { describe, expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { SHOOTDOWN_SCHEMES } from '../../src/kernels/lib/shootdown/schemes.ts';
import type { ShootdownScheme } from '../../src/kernels/lib/shootdown/shootdown.ts';
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

describe('shootdown with few initiators', () => {
  test.for([
    ['spin', 0, 3],
    ['spin', 1, 1],
    ['halt', 2, 2],
    ['halt', 3, 3],
  ] as const)('cores that %s, %i targets asked for: %i are shot at', ([waits, targets, shotAt]) => {
    const params = { ...small, pages: '2', initiators: '1', targets: String(targets), waits };
    const { stop, stats } = quickRun('shootdown', { cores: 4, params });
    expect(stop).toEqual(OFF);
    // Four shootdowns by the last core of two pages each, there and on every target.
    expect(stats.shootdown.count).toBe(4);
    expect(stats.invalidations['INVLPG']).toBe(4 * 2 * (1 + shotAt));
  });

  test('the last ones initiate, and may shoot at each other', () => {
    const { stop, stats } = quickRun('shootdown', { cores: 4, params: { ...small, pages: '2', initiators: '2', targets: '1' } });
    expect([stop, stats.shootdown.count]).toEqual([OFF, 8]);
    expect(stats.invalidations['INVLPG']).toBe(8 * 2 * 3);
  });
});

describe('shootdown schemes', () => {
  /** Schemes that are there to be caught. */
  const WRONG: ReadonlySet<string> = new Set(['none', 'shoot4u-fine']);
  const RIGHT = SHOOTDOWN_SCHEMES.filter(({ name }) => !WRONG.has(name));
  const BARE = RIGHT.filter(({ needs }) => !needs?.hypervisor);
  const profileFor = ({ needs }: ShootdownScheme) => (needs?.processor === undefined ? undefined : `ivybridge+${needs.processor}`);

  describe.for(ENGINES)('on engine %s', (engine) => {
    test.for(RIGHT)('$name leaves no stale translation in two VMs, neither for the guest nor for the oracle', (scheme) => {
      const params = { ...small, pages: '3' };
      const given = { cores: 2, vmm: virtual(2, 3, 50_000), shootdown: scheme.name, params, checkTlb: true, engine };
      const { stop, stats } = quickRun('shootdown', { ...given, profile: profileFor(scheme) });
      expect(stop).toEqual(OFF);
      expect(stats.shootdown).toMatchObject({ scheme: scheme.name, count: 2 * 3 * 4 });
    });

    test.for(BARE)('$name leaves none on bare cores', (scheme) => {
      const given = { cores: 3, shootdown: scheme.name, params: { ...small, pages: '3' }, checkTlb: true, engine };
      expect(quickRun('shootdown', { ...given, profile: profileFor(scheme) }).stop).toEqual(OFF);
    });
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

  test('ipi invalidates by INVLPG on the targets, and nothing by INVVPID', () => {
    const { invalidations, vmExits } = counts('ipi', '3');
    // Two vCPUs, four shootdowns each, three pages: locally and at the one target.
    expect([invalidations['INVLPG'], invalidations['INVVPID-address'], vmExits['VMCALL']]).toEqual([48, undefined, undefined]);
  });

  test.for([
    // By how many pages are unmapped: INVVPIDs by address, of a whole context, and INVEPTs.
    ['shoot4u', '1', [8, 0, 0]],
    ['shoot4u', '3', [0, 8, 8]],
    ['shoot4u-mode0', '1', [0, 8, 8]],
    ['shoot4u-mode1', '1', [0, 8, 0]],
    ['shoot4u-mode1', '3', [0, 8, 0]],
    ['shoot4u-mode3', '1', [8, 0, 0]],
    ['shoot4u-mode3', '3', [0, 8, 0]],
    ['shoot4u-multicast', '3', [24, 0, 0]],
    ['shoot4u-multicast', '40', [0, 8, 0]],
  ] as const)(
    '%s of %s pages invalidates on the core where the target last ran, by one hypercall and no IPI',
    ([shootdown, pages, wanted]) => {
      const { invalidations, vmExits } = counts(shootdown, pages);
      const found = ['INVVPID-address', 'INVVPID-context', 'INVEPT-context'].map((name) => invalidations[name] ?? 0);
      expect(found).toEqual(wanted);
      expect(vmExits['VMCALL']).toBe(8);
      expect(invalidations['INVLPG'] ?? 0).toBe(pages === '40' ? 0 : 8 * Number(pages));
    },
  );

  test('invlpgb and rar take no vCPU out of its guest but the caller, rar by its one hypercall', () => {
    for (const [shootdown, profile] of [
      ['invlpgb', 'zen3'],
      ['rar', 'sapphirerapids'],
    ] as const) {
      const params = { ...small, iterations: '8' };
      const { vmExits, invalidations } = quickRun('shootdown', { cores: 4, vmm: virtual(1, 4), shootdown, profile, params }).stats;
      const { stats: bare } = quickRun('smp', { cores: 4, vmm: virtual(1, 4), profile });
      // External interrupts: those that start the cores, as in any guest.
      expect(vmExits['EXTERNAL_INTERRUPT'] ?? 0).toBeLessThanOrEqual((bare.vmExits['EXTERNAL_INTERRUPT'] ?? 0) + 8);
      expect(vmExits['VMCALL'] ?? 0).toBe(shootdown === 'rar' ? 32 : 0);
      expect(invalidations[shootdown === 'rar' ? 'INVVPID-address' : 'INVLPGB']).toBe(shootdown === 'rar' ? 32 * 3 : 32 * 4);
    }
  });

  test.for(['kvmtlb', 'kvm-pv', 'hyperv'])('%s leaves a flush for a vCPU that does not run, and does not wait for it', (shootdown) => {
    const params = { iterations: '20', think: '5000', reads: '8' };
    const { stats } = quickRun('shootdown', { cores: 2, vmm: virtual(2, 2, 500_000), shootdown, params });
    const { stats: ipi } = quickRun('shootdown', { cores: 2, vmm: virtual(2, 2, 500_000), shootdown: 'ipi', params });
    expect(stats.shootdown.latencyCycles.mean!).toBeLessThan(ipi.shootdown.latencyCycles.mean! / 3);
    expect((stats.invalidations['INVVPID-context'] ?? 0) + (stats.invalidations['INVVPID-address'] ?? 0)).toBeGreaterThan(0);
    expect(stats.vmExits['VMCALL'] ?? 0).toBe(shootdown === 'hyperv' ? 2 * 2 * 20 : 0);
  });

  test('kvm-pv-ipi sends its IPIs by one hypercall where kvm-pv has an exit for each', () => {
    const params = { ...small, iterations: '8' };
    const exits = (shootdown: string) => quickRun('shootdown', { cores: 4, vmm: virtual(1, 4), shootdown, params }).stats.vmExits;
    const [single, many] = [exits('kvm-pv-ipi'), exits('kvm-pv')];
    expect(single['VMCALL']!).toBeLessThanOrEqual(32 + 8);
    expect(many['WRMSR']! - single['WRMSR']!).toBeGreaterThan(2 * 24);
  });

  test('shoot4u-fine is caught by the oracle where a range has more than a page, and is right for one', () => {
    const params = { iterations: '10', think: '2000', reads: '32' };
    const run = (pages: string) =>
      quickRun('shootdown', { cores: 3, vmm: virtual(1, 3), shootdown: 'shoot4u-fine', params: { ...params, pages }, checkTlb: true }).stop;
    expect(run('1')).toEqual(OFF);
    expect(run('3')).toMatchObject({ kind: 'oracle', detail: expect.stringContaining('the shootdown that should have removed it') });
  });

  test('serial policies wait for one target after the other, multicast for all at once', () => {
    const median = (shootdown: string): number =>
      quickRun('shootdown', { cores: 8, vmm: virtual(1, 8), shootdown, params: { iterations: '5', think: '200000' } }).stats.shootdown
        .latencyCycles.median!;
    const [serial, multicast] = [median('shoot4u'), median('shoot4u-multicast')];
    // Seven targets: seven round trips of two message latencies at least, against one.
    expect(serial).toBeGreaterThan(7 * 1000);
    expect(multicast).toBeLessThan(serial / 1.5);
  });

  /** What two vCPUs do on two cores that are theirs, with four shootdowns each. */
  function counts(shootdown: string, pages: string) {
    const params = { ...small, pages, slots: '64' };
    return quickRun('shootdown', { cores: 2, vmm: virtual(1, 2), shootdown, params }).stats;
  }
});
