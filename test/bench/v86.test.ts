import { describe, expect, test } from 'vitest';
import { measureEngine } from '../../bench/engineRun.ts';
import { NARROW_KERNELS } from '../../bench/v86/kernels.ts';
import { runNarrow } from '../../bench/v86/machine.ts';
import { GUESTS } from '../../src/kernels/guests.ts';

const available = new Set(GUESTS.map(({ name }) => name));

describe('the kernels in 32-bit code', () => {
  const cases = Object.keys(NARROW_KERNELS).filter((name) => available.has(name));
  test.each(cases)('%s makes the low 32 bits of the checksum of the 64-bit kernel, under v86', async (guest) => {
    const expected = measureEngine({ guest, engine: 'jit', cores: 1, params: {} }, 2);
    const narrow = await runNarrow(guest, 2);
    expect(BigInt(narrow.checksum)).toBe(BigInt.asUintN(32, BigInt(expected.checksum)));
    expect(narrow.instructions).toBeGreaterThan(0);
  });
});
