import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { statusFlags } from '../../arbitraries/operands.ts';
import { FlatCore } from '../flatCore.ts';
import { CODE, DATA, execute, STACK } from './oneInstruction.ts';
import { CONDITION_HOLDS, ZF } from './sdmModel.ts';

const RSP = 4;

test('Jcc goes to its target when the condition holds, else to the next instruction', () => {
  fc.assert(
    fc.property(fc.nat(15), statusFlags, fc.integer({ min: -128, max: 127 }), (condition, flags, delta) => {
      const after = execute(64, [0x70 | condition, delta & 0xff], { flags });
      expect(after.moved).toBe(2 + (CONDITION_HOLDS[condition]!(flags) ? delta : 0));
      const near = execute(64, [0x0f, 0x80 | condition, delta & 0xff, ...Array(3).fill(delta < 0 ? 0xff : 0)], { flags });
      expect(near.moved).toBe(6 + (CONDITION_HOLDS[condition]!(flags) ? delta : 0));
    }),
  );
});

describe('LOOP', () => {
  test.each([
    ['LOOP', 0xe2, () => true],
    ['LOOPE', 0xe1, (flags: number) => (flags & ZF) !== 0],
    ['LOOPNE', 0xe0, (flags: number) => (flags & ZF) === 0],
  ] as const)('%s counts down without flags', (_name, opcode, condition) => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 3n }), statusFlags, fc.boolean(), (count, flags, narrow) => {
        const after = execute(64, [...(narrow ? [0x67] : []), opcode, 0x10], { gpr: { 1: count }, flags });
        const left = BigInt.asUintN(narrow ? 32 : 64, count - 1n);
        expect({ rcx: after.gpr[1], flags: after.flags, moved: after.moved - (narrow ? 1 : 0) }).toEqual({
          rcx: left,
          flags,
          moved: left !== 0n && condition(flags) ? 0x12 : 2,
        });
      }),
    );
  });

  test('JRCXZ and JECXZ look at the count of the address size', () => {
    const rcx = 0x1_0000_0000n;
    expect(execute(64, [0xe3, 0x10], { gpr: { 1: rcx } }).moved).toBe(2);
    expect(execute(64, [0x67, 0xe3, 0x10], { gpr: { 1: rcx } }).moved).toBe(0x13);
  });
});

describe('CALL and RET', () => {
  test('CALL pushes the next RIP, RET returns to it and releases bytes', () => {
    const core = new FlatCore();
    core.state.u64[RSP] = BigInt(STACK);
    core.loadCode(CODE, [0xe8, 0x0b, 0, 0, 0, 0xf4]);
    core.memory.write(CODE + 0x10, Uint8Array.of(0xc2, 0x10, 0x00));
    core.run();
    expect([core.rip, core.state.u64[RSP]]).toEqual([CODE + 6, BigInt(STACK + 16)]);
    expect(core.memory.view.getBigUint64(STACK - 8, true)).toBe(BigInt(CODE + 5));
  });

  test('indirect targets come from registers and memory', () => {
    expect(execute(64, [0xff, 0xe3], { gpr: { 3: 0x4000n } }).moved).toBe(0x4000 - CODE);
    const data = Uint8Array.of(0x00, 0x50, 0, 0, 0, 0, 0, 0);
    const called = execute(64, [0xff, 0x13], { gpr: { 3: BigInt(DATA) }, data });
    expect([called.moved, called.core.memory.view.getBigUint64(STACK - 8, true)]).toEqual([0x5000 - CODE, BigInt(CODE + 2)]);
  });

  test('a non-canonical target raises #GP(0) before anything is pushed', () => {
    const fresh = new FlatCore();
    fresh.state.u64[RSP] = BigInt(STACK);
    fresh.state.u64[3] = 1n << 47n;
    fresh.memory.bytes.fill(0xee, STACK - 8, STACK);
    fresh.loadCode(CODE, [0xff, 0xd3, 0xf4]);
    fresh.run();
    expect(fresh.faults).toEqual([{ vector: 13, errorCode: 0, la: 0, rip: CODE }]);
    expect([fresh.state.u64[RSP], [...fresh.memory.bytes.subarray(STACK - 8, STACK)]]).toEqual([BigInt(STACK), Array(8).fill(0xee)]);
    fresh.memory.view.setBigUint64(STACK, 0x8000_0000_0000_0000n, true);
    fresh.loadCode(CODE, [0xc3, 0xf4]);
    fresh.faults.length = 0;
    fresh.run();
    expect(fresh.faults).toEqual([{ vector: 13, errorCode: 0, la: 0, rip: CODE }]);
    expect(fresh.state.u64[RSP]).toBe(BigInt(STACK));
  });

  test('a canonical kernel address is reached', () => {
    const core = new FlatCore();
    core.mmu.map.set(-0x80000, 3);
    core.memory.write(0x3000, Uint8Array.of(0xf4));
    core.state.u64[3] = 0xffff_ffff_8000_0000n;
    core.loadCode(CODE, [0xff, 0xe3]);
    core.run();
    expect(core.rip).toBe(-0x8000_0000 + 1);
    expect(core.state.u64[16]).toBe(0xffff_ffff_8000_0001n);
  });

  test('16-bit operands truncate the target', () => {
    // 32-bit code, 66 E9: jmp rel16 clears the upper half of EIP.
    const core = new FlatCore(32);
    core.loadCode(0x1_2000, [0x66, 0xe9, 0x00, 0x10, 0xf4]);
    core.memory.write(0x3004, Uint8Array.of(0xf4));
    core.run();
    expect(core.rip).toBe(0x3005);
  });

  test('a target beyond the code-segment limit raises #GP(0) at the branch', () => {
    const core = new FlatCore(16);
    core.loadCode(0xff00, [0xe9, 0x00, 0x02, 0xf4]);
    core.memory.write(0x103, Uint8Array.of(0xf4));
    core.run();
    // A 16-bit IP wraps inside the segment: 0xff03 + 0x200 = 0x10103.
    expect([core.faults, core.rip]).toEqual([[], 0x104]);
    const wide = new FlatCore(16);
    wide.loadCode(0xff00, [0x66, 0xe9, 0x00, 0x01, 0x00, 0x00, 0xf4]);
    wide.run();
    expect(wide.faults).toEqual([{ vector: 13, errorCode: 0, la: 0, rip: 0xff00 }]);
  });
});

test('BOUND raises #BR outside the bounds', () => {
  const data = Uint8Array.from([0xfe, 0xff, 0xff, 0xff, 0x05, 0, 0, 0]);
  const bound = (index: bigint) => execute(32, [0x62, 0x03], { gpr: { 0: index, 3: BigInt(DATA) }, data }).fault?.vector;
  expect([bound(0xffff_fffdn), bound(0xffff_fffen), bound(5n), bound(6n)]).toEqual([5, undefined, undefined, 5]);
});
