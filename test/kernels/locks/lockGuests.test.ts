/** The lock benchmarks with every lock: their own counts, what observers make of the marks, and what a mark costs. */
import { describe, expect, test } from 'vitest';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import type { PauseLoopExiting } from '../../../src/vmm/pauseLoop.ts';
import { quickRun, virtual } from '../../session/quickRun.ts';

const locks = LOCKS.map(({ name, hypercall, parameters }) => ({
  name,
  bare: hypercall === undefined,
  // Halting and timing out are to happen in a run of a few slices.
  params: Object.fromEntries(
    [
      ['lock-unit', '4'],
      ['lock-spin', '6'],
    ].filter(([key]) => parameters.some((parameter) => parameter.name === key)),
  ) as Record<string, string>,
}));

const figure = (serial: string, name: string): number => Number(new RegExp(`^(?:\\[vm0\\] )?${name}: (\\d+)$`, 'm').exec(serial)?.[1]);

const machineFor = (bare: boolean) => (bare ? { cores: 1 } : { cores: 1, vmm: virtual(1, 1) });

describe.each(locks)('$name', ({ name, bare, params }) => {
  test('overhead is the same whether anybody listens, and two cycles less without marks', () => {
    const [marked, unmarked] = ['1', '0'].map((marks) =>
      quickRun('overhead', { ...machineFor(bare), lock: name, params: { iterations: '1000', 'lock-marks': marks } }),
    );
    const cost = (serial: string): number => figure(serial, 'cycles for a pair, hundredths');
    expect(figure(marked!.serial, 'pairs')).toBe(1000);
    // The serial lock of the reports is a lock, too.
    expect(marked!.stats.locks.acquisitions).toBeGreaterThanOrEqual(2000);
    expect(unmarked!.stats.locks.acquisitions).toBe(0);
    expect(cost(marked!.serial) - cost(unmarked!.serial)).toBe(200);
    expect(figure(marked!.serial, 'cycles for a pair of a naive XCHG lock, hundredths')).toBe(2500);
  });

  test('fairbench ends with as many acquisitions as were asked for, when two virtual machines share the cores', () => {
    const { serial, stats, stop } = quickRun('fairbench', {
      cores: 4,
      vmm: virtual(2, 4, 60_000),
      lock: name,
      params: { iterations: '200', section: '100', think: '400', ...params },
      seed: 3,
    });
    expect(stop?.kind).toBe('power-off');
    const counts = [...serial.matchAll(/^\[vm0\] core \d: (\d+)$/gm)].map(([, count]) => Number(count));
    const sum = counts.reduce((total, count) => total + count, 0);
    expect([counts.length, sum]).toEqual([4, 800]);
    const jain = Math.floor((1e6 * sum ** 2) / (4 * counts.reduce((total, count) => total + count ** 2, 0)));
    expect(figure(serial, "Jain's index, millionths")).toBe(jain);
    expect([figure(serial, 'fewest by one core'), figure(serial, 'most by one core')]).toEqual([Math.min(...counts), Math.max(...counts)]);

    const { locks: seen, vcpus } = stats;
    expect(seen.algorithm).toBe(name);
    expect(seen.acquisitions).toBeGreaterThanOrEqual(1600);
    // Every cycle that is put down to a cause was spent waiting on a core.
    const waited = vcpus.reduce((total, { spinCycles }) => total + spinCycles, 0);
    const caused = seen.holderPreemptions.cycles + seen.waiterPreemptions.cycles + seen.sleepingWaiters.cycles;
    expect(caused).toBeLessThanOrEqual(waited);
    if (name === 'tas') expect([seen.waiterPreemptions.cycles, seen.outOfOrder]).toEqual([0, 0]);
    if (['ticket', 'mcs', 'pv-ticket'].includes(name)) expect([seen.outOfOrder, seen.timeouts]).toEqual([0, 0]);
  });
});

test.each(locks)('$name does the same under PAUSE-loop exiting, where who polls for long leaves its core', ({ name, params }) => {
  const run = (pauseLoopExiting?: PauseLoopExiting) =>
    quickRun('fairbench', {
      cores: 2,
      vmm: { ...virtual(2, 4, 60_000), pauseLoopExiting },
      lock: name,
      params: { iterations: '100', section: '2000', think: '400', ...params },
      seed: 3,
    });
  const [usual, leaving] = [run(), run({ gap: 128, window: 1024 })];
  for (const { stop, serial } of [usual, leaving]) {
    expect(stop?.kind).toBe('power-off');
    expect([...serial.matchAll(/^\[vm\d\] core \d: (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)).toBe(800);
  }
  expect(usual.stats.vmExits.PAUSE).toBeUndefined();
  expect(leaving.stats.vmExits.PAUSE).toBeGreaterThan(0);
});

test('fairbench ends when its time is over', () => {
  const { serial, stop } = quickRun('fairbench', { cores: 2, params: { iterations: '1000000', duration: '100' } });
  expect(stop?.kind).toBe('power-off');
  const cycles = figure(serial, 'cycles');
  expect(cycles).toBeGreaterThanOrEqual(260_000);
  expect(cycles).toBeLessThan(262_000);
});

/**
 * A preempted waiter leaves its ticket in the line of a saturated lock: `head` stays one behind for each of them, nobody's turn ever comes, and all wait
 * for as long as their patience lasts: polls of 7 instructions and a PAUSE for each place in a line of all the others.
 */
test.each([5, 7])('while a waiter is preempted, a saturated preemptable lock passes by timeouts of 2^%i polls', (unit) => {
  const cores = 4;
  const { session } = quickRun('fairbench', {
    cores,
    vmm: virtual(2, cores, 150_000),
    lock: 'preemptable',
    params: { iterations: '150', 'lock-unit': String(unit) },
    seed: 3,
  });
  const patience = (cores - 1) * 2 ** unit * 17;
  const waits = session.lockRecorder.waits();
  const share = (low: number, high: number): number => waits.filter((wait) => wait >= low && wait < high).length / waits.length;
  expect(share(patience, 1.2 * patience)).toBeGreaterThan(0.1);
  // Others have either had their turn, or lost their core.
  expect(share(1.2 * patience, 50_000)).toBeLessThan(0.05);
});

test('cores that start apart are preempted apart, which a ticket lock suffers from', () => {
  const acquisitions = ['0', '400'].map((stagger) => {
    const { serial, stop } = quickRun('fairbench', {
      cores: 4,
      vmm: { ...virtual(2, 4, 500_000), scheduler: 'fair' },
      lock: 'ticket',
      params: { iterations: '1000000', duration: '4000', section: '1000', think: '4000', stagger },
      seed: 1,
    });
    expect(stop?.kind).toBe('power-off');
    return figure(serial, 'acquisitions');
  });
  expect(acquisitions[1]!).toBeLessThan(0.7 * acquisitions[0]!);
});
