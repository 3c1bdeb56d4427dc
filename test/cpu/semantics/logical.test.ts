import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { registerValue, statusFlags, width } from '../../arbitraries/operands.ts';
import { execute, merged, registers, sized } from './oneInstruction.ts';
import { logic, STATUS } from './sdmModel.ts';

const RBX = 3;
const RCX = 1;
const low = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);

describe.each([
  ['AND', 0x20, (a: bigint, b: bigint) => a & b, true],
  ['OR', 0x08, (a: bigint, b: bigint) => a | b, true],
  ['XOR', 0x30, (a: bigint, b: bigint) => a ^ b, true],
  ['TEST', 0x84, (a: bigint, b: bigint) => a & b, false],
] as const)('%s', (_name, opcode, compute, writes) => {
  test('clears CF and OF and follows the result', () => {
    fc.assert(
      fc.property(width, registerValue, registerValue, statusFlags, (w, a, b, flags) => {
        const after = execute(64, sized(w, [opcode], [opcode + 1], registers(RBX, RCX)), { gpr: { [RBX]: a, [RCX]: b }, flags });
        const expected = logic(w, compute(low(w, a), low(w, b)));
        expect(after.gpr[RBX]).toBe(writes ? merged(w, a, expected.value) : a);
        expect(after.flags & expected.known).toBe(expected.flags & expected.known);
        expect(after.flags & ~STATUS).toBe(flags & ~STATUS);
      }),
    );
  });
});

test('NOT changes no flag', () => {
  fc.assert(
    fc.property(width, registerValue, statusFlags, (w, a, flags) => {
      const after = execute(64, sized(w, [0xf6], [0xf7], registers(RBX, 2)), { gpr: { [RBX]: a }, flags });
      expect(after.gpr[RBX]).toBe(merged(w, a, low(w, ~a)));
      expect(after.flags).toBe(flags);
    }),
  );
});

test('XOR of a 32-bit register with itself clears all 64 bits', () => {
  const after = execute(64, [0x31, 0xc0], { gpr: { 0: 0xffff_ffff_ffff_ffffn } });
  expect({ rax: after.gpr[0], flags: after.flags }).toEqual({ rax: 0n, flags: 0x46 });
});
