import { describe, expect, test } from 'vitest';
import { MARK_ROI_BEGIN } from '../../src/arch/marks.ts';
import { planRun } from '../../src/session/runPlan.ts';
import { Session } from '../../src/session/session.ts';
import { EVENT_MARK } from '../../src/trace/events.ts';
import type { Probe } from '../../src/trace/probe.ts';
import type { RunStats } from '../../src/trace/runStats.ts';
import { keyVm, TRACKED_EVENTS, VcpuTracker } from '../../src/trace/vcpuTracker.ts';
import { options, quickRun, virtual } from './quickRun.ts';

const beside = (guest: string, params: Record<string, string> = {}, vms = 2) => ({
  ...virtual(vms, 2),
  coGuest: { guest, params },
});

const withoutScheme = ({ shootdown: { scheme: _scheme, ...rest } }: Pick<RunStats, 'shootdown'>) => rest;

describe('a guest beside the measured one', () => {
  test.each(['primes', 'spin'])('runs until the first VM ends, and takes its share of the cores: %s', (work) => {
    const { stop, serial, stats } = quickRun('smp', { cores: 2, vmm: beside('cpu-bound', { work }) });
    const alone = quickRun('smp', { cores: 2, vmm: virtual(1, 2) });
    expect(stop).toEqual({ kind: 'power-off' });
    expect(serial.replaceAll('[vm0] ', '')).toBe(alone.serial);
    expect(stats.vcpus.filter(({ vm, runCycles }) => vm === 1 && runCycles > 0)).toHaveLength(2);
    expect(stats.cycles).toBeGreaterThan(alone.stats.cycles + 200_000);
  });

  test('may have a head start: then the first VM starts when it has begun, and its time until then is no time of waiting', () => {
    const vmm = beside('cpu-bound', { work: 'halt' }, 2);
    const late = { ...vmm, coGuest: { ...vmm.coGuest, haltExits: false, headStart: true } };
    const begun: [vm: number, cycles: number][] = [];
    const tracker = new VcpuTracker();
    const probe: Probe = {
      mask: (1 << EVENT_MARK) | TRACKED_EVENTS,
      event(event, core, cycles, a, b) {
        if (event !== EVENT_MARK) tracker.event(event, core, a, b);
        else if (a === MARK_ROI_BEGIN) begun.push([keyVm(tracker.current(core)), cycles]);
      },
    };
    const params = { iterations: '2', think: '100' };
    const { stop, stats } = quickRun('shootdown', { cores: 2, params, vmm: late }, probe);
    expect(stop).toEqual({ kind: 'power-off' });
    expect(begun.map(([vm]) => vm)).toEqual([1, 0]);
    const first = stats.vcpus[0]!;
    expect(first.offlineCycles).toBeGreaterThan(begun[0]![1] / 2);
    const again = new Session(planRun(options('shootdown', { cores: 2, params, vmm: late })), { serial() {}, probe: undefined });
    while (again.advance(7));
    expect(again.stats()).toEqual(stats);
  });

  test('may end before it; then the first goes on alone', () => {
    const { session, stop, serial } = quickRun('hello', { cores: 2, vmm: beside('smp', {}, 3) });
    expect(stop).toEqual({ kind: 'power-off' });
    expect(serial).toContain('[vm0] Hello from ring 3\n');
    expect(serial).toContain('[vm2] cores: 2\n');
    expect(session.vmm!.vms.map(({ ended }) => ended?.kind)).toEqual(['power-off', 'power-off', 'power-off']);
  });

  test('has statistics of its own, which are not those of the measured VM', () => {
    const params = { iterations: '3', think: '500', slots: '4', reads: '2' };
    const { stats } = quickRun('hello', { cores: 2, vmm: beside('shootdown', params, 3) });
    const alone = quickRun('shootdown', { cores: 2, params, vmm: virtual(1, 2) }).stats;
    expect(alone.vms).toEqual([{ vm: 0, guest: 'shootdown', shootdown: withoutScheme(alone), vmExits: alone.vmExits }]);
    const counts = stats.vms.map(({ shootdown }) => shootdown.count);
    expect(stats.vms.map(({ vm, guest }) => [vm, guest])).toEqual([
      [0, 'hello'],
      [1, 'shootdown'],
      [2, 'shootdown'],
    ]);
    expect(counts[0]).toBe(0);
    expect(counts[1]! + counts[2]!).toBe(stats.shootdown.count);
    const exits: Record<string, number> = {};
    for (const { vmExits } of stats.vms) for (const [name, count] of Object.entries(vmExits)) exits[name] = (exits[name] ?? 0) + count;
    expect(exits).toEqual(stats.vmExits);
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
      headStart: false,
    });
  });
});
