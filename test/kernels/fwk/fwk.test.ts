import { describe, expect, test } from 'vitest';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from '../../../src/kernels/lib/shootdown/schemes.ts';
import { quickRun, virtual } from '../../session/quickRun.ts';
import { runPrograms } from './runPrograms.ts';
import { stress } from './stress.ts';

/** Another one by PARAPET_SEED, as for the properties. */
const SEED = Number(process.env['PARAPET_SEED'] ?? 1) || 1;
const OFF = { kind: 'power-off' };
const FAST = { hz: 4000, 'slice-ticks': 1 };

describe('the selftest', () => {
  test.for([1, 2, 5, 16])('passes on %i bare cores', (cores) => {
    expect(quickRun('fwk-selftest', { cores }).stop).toEqual(OFF);
  });

  test.for(['jit', 'reference'])('passes in two VMs that share the cores, by the %s engine', (engine) => {
    expect(quickRun('fwk-selftest', { cores: 2, engine, vmm: virtual(2, 2) }).stop).toEqual(OFF);
  });

  test.for([{ pcid: '0' }, { 'mmap-lock': '1' }, { 'lazy-leave': '0' }, { hz: '10000', 'tick-work': '0', 'worker-ticks': '1' }] as const)(
    'passes with %o',
    (params) => {
      expect(quickRun('fwk-selftest', { cores: 3, params }).stop).toEqual(OFF);
    },
  );

  test.for(LOCKS.map(({ name }) => name))('passes with the lock %s', (lock) => {
    expect(quickRun('fwk-selftest', { cores: 2, lock, vmm: virtual(1, 3) }).stop).toEqual(OFF);
  });
});

const right = SHOOTDOWN_SCHEMES.map(({ name }) => name).filter((name) =>
  ['ipi', 'shoot4u', 'shoot4u-multicast', 'kvmtlb', 'kvm-pv', 'hyperv'].includes(name),
);

describe('threads that map, unmap, protect and empty random pages', () => {
  test.for(right)('find nothing but what is theirs, and no translation outlives its shootdown, with %s', (shootdown) => {
    const program = stress(SEED, 4, 6, 40);
    const { stop, serial } = runPrograms([{ program }], { cores: 2, vmm: virtual(1, 3, 100_000), shootdown, checkTlb: true }, FAST);
    expect({ stop, serial }).toEqual({ stop: OFF, serial: '' });
  });

  test.for([{ pcid: 0 }, { pcid: 1, 'lazy-leave': 0 }, { pcid: 1, 'mmap-lock': 1 }])(
    'and several processes at once, with %o',
    (choices) => {
      const programs = [1, 2, 3].map((n) => ({ program: stress(SEED + n, 2, 5, 60) }));
      const { stop, serial } = runPrograms(programs, { cores: 3, checkTlb: true }, { ...FAST, ...choices });
      expect({ stop, serial }).toEqual({ stop: OFF, serial: '' });
    },
  );

  test('are found out when nobody is told to invalidate', () => {
    const { stop } = runPrograms([{ program: stress(1, 4, 6, 400) }], { cores: 4, shootdown: 'none', checkTlb: true }, FAST);
    expect(stop?.kind).toBe('oracle');
  });

  test('run the same way every time, and by either engine', () => {
    const run = (engine: string) => {
      const { stats, stop } = runPrograms([{ program: stress(3, 3, 6, 60) }], { cores: 3, engine }, FAST);
      const { engine: _, ...rest } = stats;
      return { stop, rest };
    };
    const first = run('jit');
    expect(first.stop).toEqual(OFF);
    expect(run('jit')).toEqual(first);
    expect(run('reference')).toEqual(first);
  });
});
