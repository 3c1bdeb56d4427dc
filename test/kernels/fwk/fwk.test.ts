import { describe, expect, test } from 'vitest';
import { virtual } from '../../session/quickRun.ts';
import { runPrograms } from './runPrograms.ts';
import { stress } from './stress.ts';

/** Another one by PARAPET_SEED, as for the properties. */
const SEED = Number(process.env['PARAPET_SEED'] ?? 1) || 1;
const OFF = { kind: 'power-off' };
const FAST = { hz: 4000, 'slice-ticks': 1 };

describe('threads that map, unmap, protect and empty random pages', () => {
  test.for([
    ['on bare cores', { cores: 3 }],
    ['in a VM with more vCPUs than cores', { cores: 2, vmm: virtual(1, 3, 100_000) }],
  ] as const)('find nothing but what is theirs, and no translation outlives its shootdown, %s', ([, where]) => {
    const { stop, serial } = runPrograms([{ program: stress(SEED, 4, 6, 40) }], { ...where, checkTlb: true }, FAST);
    expect({ stop, serial }).toEqual({ stop: OFF, serial: '' });
  });

  test('are found out when nobody is told to invalidate', () => {
    const { stop } = runPrograms([{ program: stress(1, 4, 6, 400) }], { cores: 4, shootdown: 'none', checkTlb: true }, FAST);
    expect(stop?.kind).toBe('oracle');
  });
});
