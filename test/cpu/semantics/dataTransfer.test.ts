import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Width } from '../../../src/cpu/decode/instruction.ts';
import { I32_SEGMENT_SELECTOR, U64_SEGMENT_BASE } from '../../../src/cpu/state.ts';
import { registerValue, statusFlags, width } from '../../arbitraries/operands.ts';
import { FlatCore } from '../flatCore.ts';
import { CODE, DATA, execute, merged, prefixes, registers, sized } from './oneInstruction.ts';
import { CONDITION_HOLDS } from './sdmModel.ts';

const RAX = 0;
const RBX = 3;
const RCX = 1;
const wide = fc.constantFrom<Width>(16, 32, 64);
const low = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);

test('MOV keeps the rest of a register at 8 and 16 bits, and clears the upper half at 32', () => {
  fc.assert(
    fc.property(width, registerValue, registerValue, (w, a, b) => {
      const after = execute(64, sized(w, [0x88], [0x89], registers(RBX, RCX)), { gpr: { [RBX]: a, [RCX]: b } });
      expect(after.gpr[RBX]).toBe(merged(w, a, low(w, b)));
    }),
  );
});

test('AH, CH, DH and BH are bits 15:8 of the first four registers', () => {
  // mov bh, al; then mov cl, dh
  expect(execute(64, [0x88, 0xc7], { gpr: { 0: 0x12n, 3: 0x1111_1111_1111_1111n } }).gpr[3]).toBe(0x1111_1111_1111_1211n);
  expect(execute(64, [0x88, 0xf1], { gpr: { 2: 0xab_cdn, 1: 0n } }).gpr[1]).toBe(0xabn);
  // With a REX prefix the same encoding is DIL.
  expect(execute(64, [0x40, 0x88, 0xc7], { gpr: { 0: 0x12n, 7: 0n } }).gpr[7]).toBe(0x12n);
});

test('MOVZX, MOVSX and MOVSXD extend from the source width', () => {
  fc.assert(
    fc.property(wide, registerValue, registerValue, (w, a, b) => {
      for (const [opcode, from, signed] of [
        [0xb6, 8, false],
        [0xb7, 16, false],
        [0xbe, 8, true],
        [0xbf, 16, true],
      ] as const) {
        const after = execute(64, [...prefixes(w), 0x0f, opcode, registers(RCX, RBX)], { gpr: { [RBX]: a, [RCX]: b } });
        const value = signed ? low(w, BigInt.asIntN(from, b)) : low(w, low(from, b));
        expect(after.gpr[RBX]).toBe(merged(w, a, value));
      }
      expect(execute(64, [0x48, 0x63, registers(RCX, RBX)], { gpr: { [RCX]: b } }).gpr[RBX]).toBe(low(64, BigInt.asIntN(32, b)));
    }),
  );
});

test('CMOVcc and SETcc follow every condition; a 32-bit CMOVcc clears the upper half either way', () => {
  fc.assert(
    fc.property(fc.nat(15), statusFlags, registerValue, registerValue, (condition, flags, a, b) => {
      const holds = CONDITION_HOLDS[condition]!(flags);
      const cmov = execute(64, [0x0f, 0x40 | condition, registers(RCX, RBX)], { gpr: { [RBX]: a, [RCX]: b }, flags });
      expect(cmov.gpr[RBX]).toBe(low(32, holds ? b : a));
      const setcc = execute(64, [0x0f, 0x90 | condition, registers(RBX, 0)], { gpr: { [RBX]: a }, flags });
      expect(setcc.gpr[RBX]).toBe(merged(8, a, holds ? 1n : 0n));
      expect([cmov.flags, setcc.flags]).toEqual([flags, flags]);
    }),
  );
});

test('CMOVcc loads its source even when the condition does not hold', () => {
  const core = new FlatCore();
  core.mmu.map.set(DATA / 4096, 'absent');
  core.loadCode(CODE, [0x0f, 0x44, 0x03, 0xf4]);
  core.state.u64[RBX] = BigInt(DATA);
  core.step();
  expect(core.faults).toEqual([{ vector: 14, errorCode: 0, la: DATA, rip: CODE }]);
});

test('XCHG swaps registers and memory', () => {
  fc.assert(
    fc.property(width, registerValue, registerValue, (w, a, b) => {
      const regs = execute(64, sized(w, [0x86], [0x87], registers(RBX, RCX)), { gpr: { [RBX]: a, [RCX]: b } });
      expect([regs.gpr[RBX], regs.gpr[RCX]]).toEqual([merged(w, a, low(w, b)), merged(w, b, low(w, a))]);
      const data = new Uint8Array(8);
      new DataView(data.buffer).setBigUint64(0, a, true);
      const memory = execute(64, sized(w, [0x86], [0x87], (RCX << 3) | RBX), { gpr: { [RBX]: BigInt(DATA), [RCX]: b }, data });
      expect(memory.gpr[RCX]).toBe(merged(w, b, low(w, a)));
      const stored = new DataView(memory.core.memory.bytes.slice(DATA, DATA + 8).buffer).getBigUint64(0, true);
      expect(stored).toBe(w === 32 ? (a & ~0xffff_ffffn) | low(32, b) : merged(w, a, low(w, b)));
    }),
  );
});

test('BSWAP and MOVBE reverse bytes', () => {
  expect(execute(64, [0x48, 0x0f, 0xcb], { gpr: { 3: 0x0102_0304_0506_0708n } }).gpr[3]).toBe(0x0807_0605_0403_0201n);
  expect(execute(64, [0x0f, 0xcb], { gpr: { 3: 0xffff_ffff_0506_0708n } }).gpr[3]).toBe(0x0807_0605n);
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const load = (code: number[]) => execute(64, code, { gpr: { 3: BigInt(DATA), 1: 0n }, data }).gpr[1];
  expect(load([0x66, 0x0f, 0x38, 0xf0, 0x0b])).toBe(0x0102n);
  expect(load([0x0f, 0x38, 0xf0, 0x0b])).toBe(0x0102_0304n);
  expect(load([0x48, 0x0f, 0x38, 0xf0, 0x0b])).toBe(0x0102_0304_0506_0708n);
});

test('CBW to CQO sign-extend the accumulator', () => {
  fc.assert(
    fc.property(wide, registerValue, registerValue, (w, a, d) => {
      const half = w / 2;
      const extended = execute(64, [...prefixes(w), 0x98], { gpr: { [RAX]: a } });
      expect(extended.gpr[RAX]).toBe(merged(w, a, low(w, BigInt.asIntN(half, a))));
      const sign = execute(64, [...prefixes(w), 0x99], { gpr: { [RAX]: a, 2: d } });
      expect(sign.gpr[2]).toBe(merged(w, d, BigInt.asIntN(w, a) < 0n ? low(w, -1n) : 0n));
    }),
  );
});

describe('effective addresses', () => {
  test('LEA computes base + index × scale + displacement at the address width', () => {
    fc.assert(
      fc.property(
        registerValue,
        registerValue,
        fc.nat(3),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        (base, index, scale, displacement) => {
          const bytes = [displacement, displacement >> 8, displacement >> 16, displacement >> 24].map((byte) => byte & 0xff);
          const sib = (scale << 6) | (RCX << 3) | RBX;
          const gpr = { [RBX]: base, [RCX]: index };
          const sum = base + (index << BigInt(scale)) + BigInt(displacement);
          expect(execute(64, [0x48, 0x8d, 0x84, sib, ...bytes], { gpr }).gpr[RAX]).toBe(low(64, sum));
          expect(execute(64, [0x67, 0x48, 0x8d, 0x84, sib, ...bytes], { gpr }).gpr[RAX]).toBe(low(32, sum));
          expect(execute(64, [0x8d, 0x84, sib, ...bytes], { gpr }).gpr[RAX]).toBe(low(32, sum));
        },
      ),
    );
  });

  test('a RIP-relative operand counts from the next instruction', () => {
    const after = execute(64, [0x48, 0x8d, 0x05, 0x10, 0, 0, 0]);
    expect(after.gpr[RAX]).toBe(BigInt(CODE + 7 + 0x10));
    expect(execute(64, [0x48, 0x8d, 0x05, 0xf0, 0xff, 0xff, 0xff]).gpr[RAX]).toBe(BigInt(CODE + 7 - 0x10));
  });

  test('64-bit mode adds the bases of FS and GS, and of no other segment', () => {
    const core = new FlatCore();
    const { u64 } = core.state;
    for (let segment = 0; segment < 6; segment++) u64[U64_SEGMENT_BASE + segment] = BigInt(0x100 * (segment + 1));
    u64[RBX] = BigInt(DATA);
    for (let i = 0; i < 0x800; i++) core.memory.bytes[DATA + i] = i >> 8;
    const seen = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65].map((prefix) => {
      core.loadCode(CODE, [prefix, 0x0f, 0xb6, 0x03, 0xf4]);
      core.step();
      return u64[RAX];
    });
    expect(seen).toEqual([0n, 0n, 0n, 0n, 5n, 6n]);
  });

  test('16-bit addresses wrap at 64 KiB and real-mode segments add their base', () => {
    const core = new FlatCore(16);
    const { u64 } = core.state;
    u64[U64_SEGMENT_BASE + 3] = 0x2_0000n;
    u64[RBX] = 0xfff0n;
    u64[6] = 0x20n;
    core.memory.bytes[0x2_0010] = 0x5a;
    // mov al, [bx + si]
    core.loadCode(CODE, [0x8a, 0x00, 0xf4]);
    core.step();
    expect(u64[RAX]).toBe(0x5an);
  });

  test('a non-canonical address raises #GP(0), or #SS(0) through the stack segment', () => {
    const bad = 1n << 47n;
    expect(execute(64, [0x8b, 0x03], { gpr: { [RBX]: bad } }).fault).toMatchObject({ vector: 13, errorCode: 0 });
    expect(execute(64, [0x8b, 0x45, 0x00], { gpr: { 5: bad } }).fault).toMatchObject({ vector: 12, errorCode: 0 });
  });
});

test('MOV from a segment register zero-extends to a register and stores 16 bits to memory', () => {
  const core = new FlatCore();
  core.state.i32[I32_SEGMENT_SELECTOR + 3] = 0x10;
  core.state.u64[RBX] = BigInt(DATA);
  core.memory.bytes.fill(0xee, DATA, DATA + 8);
  core.state.u64[RAX] = ~0n;
  core.loadCode(CODE, [0x8c, 0xd8, 0x8c, 0x1b, 0xf4]);
  core.run();
  expect(core.state.u64[RAX]).toBe(0x10n);
  expect([...core.memory.bytes.subarray(DATA, DATA + 4)]).toEqual([0x10, 0, 0xee, 0xee]);
});

test('XLATB replaces AL by the byte it indexes', () => {
  const data = Uint8Array.from({ length: 256 }, (_, i) => 255 - i);
  expect(execute(64, [0xd7], { gpr: { [RAX]: 0x1_2310n, [RBX]: BigInt(DATA) }, data }).gpr[RAX]).toBe(0x1_23efn);
});
