import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Width } from '../../../src/cpu/decode/instruction.ts';
import { registerValue, statusFlags, width } from '../../arbitraries/operands.ts';
import { execute, merged, prefixes, registers, sized } from './oneInstruction.ts';
import { type Computed, doubleShift, type ShiftName, STATUS, shift } from './sdmModel.ts';

const RBX = 3;
const RDX = 2;
const low = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);
const counts = fc.oneof(fc.constantFrom(0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 255), fc.nat(255));

const SHIFTS: readonly (readonly [ShiftName, number])[] = [
  ['rol', 0],
  ['ror', 1],
  ['rcl', 2],
  ['rcr', 3],
  ['shl', 4],
  ['shr', 5],
  ['sar', 7],
];

function compare(after: { flags: number; gpr: readonly bigint[] }, w: Width, old: bigint, flags: number, expected: Computed): void {
  expect(after.gpr[RBX]).toBe(merged(w, old, expected.value));
  expect(after.flags & expected.known).toBe(expected.flags & expected.known);
  expect(after.flags & ~STATUS).toBe(flags & ~STATUS);
}

describe.each(SHIFTS)('%s', (name, extension) => {
  test('by CL does what single steps do', () => {
    fc.assert(
      fc.property(width, registerValue, counts, statusFlags, (w, a, count, flags) => {
        const after = execute(64, sized(w, [0xd2], [0xd3], registers(RBX, extension)), { gpr: { [RBX]: a, 1: BigInt(count) }, flags });
        compare(after, w, a, flags, shift(name, w, low(w, a), count, flags));
      }),
    );
  });

  test('by an immediate and by one agree with CL', () => {
    fc.assert(
      fc.property(width, registerValue, counts, statusFlags, (w, a, count, flags) => {
        const immediate = execute(64, sized(w, [0xc0], [0xc1], registers(RBX, extension), count), { gpr: { [RBX]: a }, flags });
        compare(immediate, w, a, flags, shift(name, w, low(w, a), count, flags));
        const one = execute(64, sized(w, [0xd0], [0xd1], registers(RBX, extension)), { gpr: { [RBX]: a }, flags });
        compare(one, w, a, flags, shift(name, w, low(w, a), 1, flags));
      }),
    );
  });

  test('by a count that is 0 modulo the mask changes no flag', () => {
    const after = execute(64, sized(32, [0xd2], [0xd3], registers(RBX, extension)), { gpr: { [RBX]: 0x8000_0001n, 1: 32n }, flags: 0x8d7 });
    expect({ rbx: after.gpr[RBX], flags: after.flags }).toEqual({ rbx: 0x8000_0001n, flags: 0x8d7 });
  });
});

test.each([
  ['SHLD', true, 0xa4],
  ['SHRD', false, 0xac],
] as const)('%s shifts bits of the source in', (_name, left, opcode) => {
  fc.assert(
    fc.property(fc.constantFrom<Width>(16, 32, 64), registerValue, registerValue, counts, statusFlags, (w, a, b, raw, flags) => {
      const masked = raw & (w === 64 ? 63 : 31);
      const count = masked > w ? w - 1 : raw;
      const expected = doubleShift(left, w, low(w, a), low(w, b), count, flags);
      const code = [...prefixes(w), 0x0f, opcode, registers(RBX, RDX), count];
      compare(execute(64, code, { gpr: { [RBX]: a, [RDX]: b }, flags }), w, a, flags, expected);
      const byCl = [...prefixes(w), 0x0f, opcode + 1, registers(RBX, RDX)];
      compare(execute(64, byCl, { gpr: { [RBX]: a, [RDX]: b, 1: BigInt(count) }, flags }), w, a, flags, expected);
    }),
  );
});
