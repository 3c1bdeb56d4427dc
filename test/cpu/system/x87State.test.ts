import { describe, expect, test } from 'vitest';
import { BOOT_PML4 } from '../../../src/arch/platform.ts';
import { VECTOR_PF } from '../../../src/arch/vectors.ts';
import { I32_X87_CONTROL, I32_X87_IN_USE, I32_X87_STATUS, U64_X87_DATA, U64_X87_INSTRUCTION } from '../../../src/cpu/state.ts';
import { DATA, Rig } from '../rig.ts';

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const FNSAVE = (la: number): number[] => [0xdd, 0x34, 0x25, ...word(la)];
const FRSTOR = (la: number): number[] => [0xdd, 0x24, 0x25, ...word(la)];
const FNSTENV = (la: number): number[] => [0xd9, 0x34, 0x25, ...word(la)];
const OPERAND_16 = 0x66;

/** A unit with a number, a zero, an infinity and five empty registers, in this order from ST(0) on. */
function rig(...code: readonly number[]): Rig {
  const made = new Rig((a) => {
    a.bytes([...code, 0xf4]);
  });
  const { i32, u64, x87 } = made.core.state;
  i32[I32_X87_CONTROL] = 0x27f;
  i32[I32_X87_STATUS] = (3 << 11) | 0x20;
  i32[I32_X87_IN_USE] = 0b0011_1000;
  u64[U64_X87_INSTRUCTION] = 0x12_3456n;
  u64[U64_X87_DATA] = 0x65_4321n;
  for (let i = 0; i < 8; i++) x87.set([(1n << 63n) + BigInt(i), 0x3fffn], 2 * i);
  x87.set([0n, 0n], 8);
  x87.set([1n << 63n, 0x7fffn], 10);
  return made;
}

/** From R7 down: empty, empty, special, zero, valid, empty, empty, empty. */
const TAGS = 0b11_11_10_01_00_11_11_11;

describe('FNSTENV', () => {
  test('stores seven doublewords in protected mode, ones above 16 bits, and masks exceptions', () => {
    const made = rig(...FNSTENV(DATA));
    made.run();
    const words = [0, 4, 8, 12, 16, 20, 24].map((at) => Number(made.load(DATA + at) & 0xffff_ffffn));
    expect(words).toEqual([0xffff_027f, 0xffff_1820, 0xffff_0000 + TAGS, 0x12_3456, 0, 0x65_4321, 0xffff_0000]);
    expect(made.core.state.i32[I32_X87_CONTROL]).toBe(0x27f);
  });

  test('stores seven words with a 16-bit operand size', () => {
    const made = rig(OPERAND_16, ...FNSTENV(DATA));
    made.store(DATA + 14, 77n);
    made.run();
    const words = [0, 2, 4, 6, 8, 10, 12].map((at) => Number(made.load(DATA + at) & 0xffffn));
    expect([...words, made.load(DATA + 14)]).toEqual([0x27f, 0x1820, TAGS, 0x3456, 0, 0x4321, 0, 77n]);
  });
});

describe('FNSAVE and FRSTOR', () => {
  test('keep the whole unit; FNSAVE initializes it', () => {
    for (const prefix of [[], [OPERAND_16]]) {
      const made = rig(...prefix, ...FNSAVE(DATA), 0xf4, ...prefix, ...FRSTOR(DATA));
      const { i32, u64, x87 } = made.core.state;
      const before = [...x87];
      made.run();
      expect([i32[I32_X87_CONTROL], i32[I32_X87_STATUS], i32[I32_X87_IN_USE]]).toEqual([0x37f, 0, 0]);
      x87.fill(0n);
      // On from behind the HLT.
      const other = rig(...prefix, ...FRSTOR(DATA));
      for (let at = 0; at < 112; at += 8) other.store(DATA + at, made.load(DATA + at));
      other.core.state.x87.fill(0n);
      other.core.state.i32[I32_X87_STATUS] = 0;
      other.run();
      expect([...other.core.state.x87]).toEqual(before);
      expect([I32_X87_CONTROL, I32_X87_STATUS, I32_X87_IN_USE].map((at) => other.core.state.i32[at])).toEqual([0x27f, 0x1820, 0b0011_1000]);
      expect(other.core.state.u64[U64_X87_DATA]).toBe(prefix.length === 0 ? 0x65_4321n : 0x4321n);
      expect(u64[U64_X87_DATA]).toBe(0n);
    }
  });

  test('touch nothing when the area ends in a page that is not there', () => {
    const edge = 0x20_0000 - 56;
    const made = rig(...FNSAVE(edge));
    // The entry of the second 2 MB in the page directory.
    made.store(BOOT_PML4 + 0x2008, 0n);
    expect(made.delivered().vector).toBe(VECTOR_PF);
    expect(made.core.state.i32[I32_X87_IN_USE]).toBe(0b0011_1000);
    expect(made.load(edge)).toBe(0n);
  });
});
