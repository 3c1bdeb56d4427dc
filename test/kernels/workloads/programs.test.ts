/** The compiled programs as guests: what they print is what they print anywhere, and they find nothing wrong with memory. */
import { describe, expect, test } from 'vitest';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from '../../../src/kernels/lib/shootdown/schemes.ts';
import type { RunOptions } from '../../../src/session/runOptions.ts';
import { quickRun, virtual } from '../../session/quickRun.ts';
import { SMALL_RUNS, type SmallRun } from './smallRuns.ts';

/** The oracle judges every access: dedup takes it a minute. */
const CHECKED = { timeout: 300_000 };
const OFF = { kind: 'power-off' };

function run({ program, parameters }: SmallRun, given: Partial<RunOptions>) {
  const params = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, `${value}`]));
  return quickRun(program, { maxCycles: 2e9, ...given, params: { ...params, ...given.params } });
}

const named = (program: string): SmallRun => SMALL_RUNS.find((one) => one.program === program)!;

describe('a program prints what it must', () => {
  test.for(SMALL_RUNS.map(({ program }, index) => [program, [1, 2, 3, 4, 6, 8][index]!] as const))('%s on %i cores', ([program, cores]) => {
    const small = named(program);
    const { stop, serial } = run(small, { cores });
    expect(stop).toEqual(OFF);
    expect(serial).toMatch(small.says);
    expect(serial).toContain(`checksum: ${small.checksum}\n`);
  });

  test.for(SMALL_RUNS.map(({ program }) => program))('%s in two VMs on the same cores, every translation checked', CHECKED, (program) => {
    const small = named(program);
    const { stop, serial } = run(small, { cores: 2, vmm: virtual(2, 2, 60_000), checkTlb: true });
    expect(stop).toEqual(OFF);
    for (const vm of [0, 1]) expect(serial).toContain(`[vm${vm}] checksum: ${small.checksum}\n`);
  });
});

describe('whatever the kernel is built from', () => {
  const underScheme = (name: string) => {
    const needed = SHOOTDOWN_SCHEMES.find((scheme) => scheme.name === name)!.needs?.processor;
    const profile = needed === undefined ? undefined : `ivybridge+${needed}`;
    return run(named('ebizzy'), { cores: 2, vmm: virtual(2, 2, 60_000), checkTlb: true, shootdown: name, profile });
  };
  const wrong = ['none', 'shoot4u-fine'];

  test.for(SHOOTDOWN_SCHEMES.map(({ name }) => name).filter((name) => !wrong.includes(name)))(
    'shootdowns by %s keep ebizzy right',
    (name) => {
      const { stop, serial } = underScheme(name);
      expect(stop).toEqual(OFF);
      expect(serial).toContain(`[vm0] checksum: ${named('ebizzy').checksum}\n`);
    },
  );

  test.for(wrong)('shootdowns by %s, which is wrong on purpose, are caught', (name) => {
    expect(underScheme(name).stop?.kind).toBe('oracle');
  });

  test.for(LOCKS.map(({ name }) => name))('locks of kind %s keep ebizzy right', (lock) => {
    const { stop, serial } = run(named('ebizzy'), { cores: 2, vmm: virtual(2, 2, 60_000), lock });
    expect(stop).toEqual(OFF);
    expect(serial).toContain(`[vm0] checksum: ${named('ebizzy').checksum}\n`);
  });
});

test('two runs are the same run', () => {
  const one = () => run(named('ebizzy'), { cores: 2, vmm: virtual(2, 2, 60_000) });
  const [first, second] = [one(), one()];
  expect({ serial: second.serial, stats: second.stats }).toEqual({ serial: first.serial, stats: first.stats });
});

test('customers that do the steps of the database themselves come to the same', () => {
  const small = named('dvdstore');
  const [clients, none] = [run(small, { cores: 3 }), run(small, { cores: 3, params: { clients: '0' } })];
  expect([clients.stop, none.stop]).toEqual([OFF, OFF]);
  expect(none.serial).toContain(`checksum: ${small.checksum}\n`);
  // A call and its answer for each step: four messages at the least for each transaction, of four spinlocks each.
  expect(clients.stats.locks.acquisitions - none.stats.locks.acquisitions).toBeGreaterThan(24 * 4 * 4);
});

test('processes are started as often as asked', () => {
  const small = named('hackbench');
  const { stop, serial } = run(small, { cores: 3, params: { processes: '3' } });
  expect(stop).toEqual(OFF);
  expect(serial.split(`checksum: ${small.checksum}\n`)).toHaveLength(4);
});

test('a program that cannot go on says why and ends the run with its status', () => {
  const { stop, serial } = run(named('hackbench'), { cores: 1, params: { groups: '64', fan: '64' } });
  expect(serial).toMatch(/^hackbench: pair \d+ of 4096: error 24$/m);
  expect(stop).toMatchObject({ kind: 'debug-exit', value: 3 });
});
