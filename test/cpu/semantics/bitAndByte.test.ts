import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Width } from '../../../src/cpu/decode/instruction.ts';
import { bitsOf, registerValue, statusFlags } from '../../arbitraries/operands.ts';
import { DATA, execute, merged, prefixes, registers } from './oneInstruction.ts';
import { AF, CF, OF, PF, SF, STATUS, ZF } from './sdmModel.ts';

const RAX = 0;
const RBX = 3;
const RCX = 1;
const wide = fc.constantFrom<Width>(16, 32, 64);
const low = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);
/** Set bits of a value, lowest first. */
const setBits = (value: bigint): number[] => Array.from({ length: 64 }, (_, i) => i).filter((i) => ((value >> BigInt(i)) & 1n) === 1n);

const BIT_TESTS: readonly (readonly [string, number, (value: bigint, mask: bigint) => bigint])[] = [
  ['BT', 4, (value) => value],
  ['BTS', 5, (value, mask) => value | mask],
  ['BTR', 6, (value, mask) => value & ~mask],
  ['BTC', 7, (value, mask) => value ^ mask],
];

describe.each(BIT_TESTS)('%s', (_name, extension, change) => {
  test('takes the index modulo the width in a register, and changes CF alone', () => {
    fc.assert(
      fc.property(wide, registerValue, registerValue, statusFlags, (w, a, index, flags) => {
        const bit = index % BigInt(w);
        const byRegister = [...prefixes(w), 0x0f, 0x83 | (extension << 3), registers(RBX, RCX)];
        const byImmediate = [...prefixes(w), 0x0f, 0xba, registers(RBX, extension), Number(low(8, index))];
        for (const code of [byRegister, byImmediate]) {
          const after = execute(64, code, { gpr: { [RBX]: a, [RCX]: index }, flags });
          const wanted = change(low(w, a), 1n << bit);
          expect(after.gpr[RBX]).toBe(extension === 4 ? a : merged(w, a, wanted));
          expect(after.flags).toBe((flags & ~CF) | Number((a >> bit) & 1n));
        }
      }),
    );
  });

  test('with a register index reaches any bit of a string in memory, before and after the operand', () => {
    fc.assert(
      fc.property(wide, fc.integer({ min: -512, max: 511 }), fc.uint8Array({ minLength: 256, maxLength: 256 }), (w, index, data) => {
        const code = [...prefixes(w), 0x0f, 0x83 | (extension << 3), (RCX << 3) | RBX];
        const after = execute(64, code, { gpr: { [RBX]: BigInt(DATA + 128), [RCX]: BigInt.asUintN(64, BigInt(index)) }, data });
        const at = 128 + Math.floor(index / 8);
        const mask = 1 << (((index % 8) + 8) % 8);
        const wanted = data.slice();
        wanted[at] = Number(low(8, change(BigInt(data[at]!), BigInt(mask))));
        expect(after.flags & CF).toBe((data[at]! & mask) !== 0 ? 1 : 0);
        expect(after.core.memory.bytes.slice(DATA, DATA + 256)).toEqual(wanted);
      }),
    );
  });
});

describe('bit scans and counts', () => {
  const SCANS: readonly (readonly [string, readonly number[], (w: number, bits: number[]) => number | undefined])[] = [
    ['BSF', [0x0f, 0xbc], (_w, bits) => bits[0]],
    ['BSR', [0x0f, 0xbd], (_w, bits) => bits[bits.length - 1]],
  ];
  test.each(SCANS)('%s finds a set bit; a source of 0 sets ZF and leaves the destination', (_name, opcode, find) => {
    fc.assert(
      fc.property(wide, registerValue, registerValue, statusFlags, (w, old, source, flags) => {
        const after = execute(64, [...prefixes(w), ...opcode, registers(RCX, RBX)], { gpr: { [RBX]: old, [RCX]: source }, flags });
        const found = find(w, setBits(low(w, source)));
        expect(after.gpr[RBX]).toBe(found === undefined ? old : merged(w, old, BigInt(found)));
        expect(after.flags & ZF).toBe(found === undefined ? ZF : 0);
      }),
    );
  });

  const COUNTS: readonly (readonly [string, number, (w: number, bits: number[]) => number])[] = [
    ['TZCNT', 0xbc, (w, bits) => bits[0] ?? w],
    ['LZCNT', 0xbd, (w, bits) => (bits.length === 0 ? w : w - 1 - bits[bits.length - 1]!)],
  ];
  test.each(COUNTS)('%s counts zeros; CF tells a source of 0, ZF a count of 0', (_name, opcode, count) => {
    fc.assert(
      fc.property(wide, registerValue, registerValue, (w, old, source) => {
        const rex = w === 64 ? [0x48] : [];
        const operandSize = w === 16 ? [0x66] : [];
        const after = execute(64, [...operandSize, 0xf3, ...rex, 0x0f, opcode, registers(RCX, RBX)], {
          gpr: { [RBX]: old, [RCX]: source },
        });
        const bits = setBits(low(w, source));
        const wanted = count(w, bits);
        expect(after.gpr[RBX]).toBe(merged(w, old, BigInt(wanted)));
        expect(after.flags & (CF | ZF)).toBe((bits.length === 0 ? CF : 0) | (wanted === 0 ? ZF : 0));
      }),
    );
  });

  test('POPCNT counts set bits and clears every flag but ZF', () => {
    fc.assert(
      fc.property(wide, registerValue, statusFlags, (w, source, flags) => {
        const code = [...(w === 16 ? [0x66] : []), 0xf3, ...(w === 64 ? [0x48] : []), 0x0f, 0xb8, registers(RCX, RBX)];
        const after = execute(64, code, { gpr: { [RCX]: source }, flags });
        const wanted = setBits(low(w, source)).length;
        expect(after.gpr[RBX]).toBe(BigInt(wanted));
        expect(after.flags & STATUS).toBe(wanted === 0 ? ZF : 0);
      }),
    );
  });
});

describe('BMI', () => {
  const size = fc.constantFrom<32 | 64>(32, 64);
  /** VEX prefix of three bytes for rbx, rcx-like registers: map 2, `vvvv` = first source or destination. */
  const vex = (w: 32 | 64, map: number, prefix: number, vvvv: number, opcode: number, modrm: number): number[] => [
    0xc4,
    0xe0 | map,
    (w === 64 ? 0x80 : 0) | ((~vvvv & 15) << 3) | prefix,
    opcode,
    modrm,
  ];

  test.each([
    ['BLSR', 1, (w: number, a: bigint) => low(w, a & (a - 1n)), (a: bigint) => a === 0n],
    ['BLSMSK', 2, (w: number, a: bigint) => low(w, a ^ (a - 1n)), (a: bigint) => a === 0n],
    ['BLSI', 3, (w: number, a: bigint) => low(w, a & -a), (a: bigint) => a !== 0n],
  ] as const)('%s works on the lowest set bit', (_name, extension, compute, carry) => {
    fc.assert(
      fc.property(size, registerValue, (w, value) => {
        const a = low(w, value);
        const after = execute(64, vex(w, 2, 0, RBX, 0xf3, registers(RCX, extension)), { gpr: { [RCX]: value } });
        const r = compute(w, a);
        expect(after.gpr[RBX]).toBe(r);
        const wanted = (carry(a) ? CF : 0) | (r === 0n ? ZF : 0) | (((r >> BigInt(w - 1)) & 1n) === 1n ? SF : 0);
        expect(after.flags & (CF | OF | ZF | SF)).toBe(wanted);
      }),
    );
  });

  test('BEXTR extracts a field, BZHI clears from an index on', () => {
    fc.assert(
      fc.property(size, registerValue, fc.nat(255), fc.nat(255), (w, value, start, length) => {
        const a = low(w, value);
        const control = BigInt(start | (length << 8));
        const field = execute(64, vex(w, 2, 0, RAX, 0xf7, registers(RCX, RBX)), { gpr: { [RCX]: value, [RAX]: control } });
        expect(field.gpr[RBX]).toBe((a >> BigInt(start)) & ((1n << BigInt(length)) - 1n));
        const zeroed = execute(64, vex(w, 2, 0, RAX, 0xf5, registers(RCX, RBX)), { gpr: { [RCX]: value, [RAX]: BigInt(start) } });
        expect(zeroed.gpr[RBX]).toBe(start < w ? low(start, a) : a);
        expect(zeroed.flags & CF).toBe(start > w - 1 ? CF : 0);
      }),
    );
  });

  test('PDEP and PEXT are inverse on the bits under the mask', () => {
    fc.assert(
      fc.property(size, registerValue, registerValue, (w, value, mask) => {
        const positions = setBits(low(w, mask));
        let deposited = 0n;
        let extracted = 0n;
        positions.forEach((position, i) => {
          deposited |= ((low(w, value) >> BigInt(i)) & 1n) << BigInt(position);
          extracted |= ((low(w, value) >> BigInt(position)) & 1n) << BigInt(i);
        });
        const gpr = { [RCX]: mask, [RAX]: value };
        expect(execute(64, vex(w, 2, 3, RAX, 0xf5, registers(RCX, RBX)), { gpr }).gpr[RBX]).toBe(deposited);
        expect(execute(64, vex(w, 2, 2, RAX, 0xf5, registers(RCX, RBX)), { gpr }).gpr[RBX]).toBe(extracted);
      }),
    );
  });

  test('ANDN, MULX and RORX compute without touching what they must not', () => {
    fc.assert(
      fc.property(size, registerValue, registerValue, statusFlags, fc.nat(255), (w, a, b, flags, count) => {
        const andn = execute(64, vex(w, 2, 0, RAX, 0xf2, registers(RCX, RBX)), { gpr: { [RAX]: a, [RCX]: b }, flags });
        expect(andn.gpr[RBX]).toBe(low(w, ~a & b));
        const mulx = execute(64, vex(w, 2, 3, RAX, 0xf6, registers(RCX, RBX)), { gpr: { 2: a, [RCX]: b }, flags });
        const product = low(w, a) * low(w, b);
        expect([mulx.gpr[RAX], mulx.gpr[RBX], mulx.flags]).toEqual([low(w, product), product >> BigInt(w), flags]);
        const rorx = execute(64, [...vex(w, 3, 3, 0, 0xf0, registers(RCX, RBX)), count], { gpr: { [RCX]: b }, flags });
        const by = BigInt(count % w);
        expect([rorx.gpr[RBX], rorx.flags]).toEqual([low(w, (low(w, b) >> by) | (low(w, b) << (BigInt(w) - by))), flags]);
      }),
    );
  });
});

test('CRC32 divides by the polynomial 11EDC6F41H', () => {
  /** The remainder as the manual defines it, on reflected polynomials of arbitrary length. */
  const reflect = (value: bigint, bits: number): bigint =>
    Array.from({ length: bits }, (_, i) => ((value >> BigInt(i)) & 1n) << BigInt(bits - 1 - i)).reduce((a, b) => a | b, 0n);
  const crc = (seed: bigint, data: bigint, bits: number): bigint => {
    let dividend = (reflect(data, bits) << 32n) ^ (reflect(seed, 32) << BigInt(bits));
    for (let i = bits + 31; i >= 32; i--) {
      if ((dividend >> BigInt(i)) & 1n) dividend ^= 0x1_1edc_6f41n << BigInt(i - 32);
    }
    return reflect(dividend, 32);
  };
  fc.assert(
    fc.property(fc.constantFrom<Width>(8, 16, 32, 64), registerValue, bitsOf(64), (w, seed, data) => {
      const opcode = w === 8 ? 0xf0 : 0xf1;
      const code = [...(w === 16 ? [0x66] : []), 0xf2, ...(w === 64 ? [0x48] : []), 0x0f, 0x38, opcode, registers(RCX, RBX)];
      const after = execute(64, code, { gpr: { [RBX]: seed, [RCX]: data } });
      expect(after.gpr[RBX]).toBe(crc(low(32, seed), low(w, data), w));
    }),
  );
});

test('flags that bit tests leave undefined keep their values here', () => {
  const flags = 2 | OF | SF | AF | PF | ZF;
  expect(execute(64, [0x0f, 0xa3, registers(RBX, RCX)], { flags }).flags).toBe(flags);
});
