import { describe, expect, test } from 'vitest';
import { I32_RFLAGS } from '../../../src/cpu/state.ts';
import { FlatCore } from '../flatCore.ts';
import { CODE, execute, STACK } from './oneInstruction.ts';

const RSP = 4;
const word = (core: FlatCore, address: number): bigint => core.memory.view.getBigUint64(address, true);

describe('PUSH and POP', () => {
  test('PUSH RSP stores the old pointer, POP RSP keeps what it loads', () => {
    const pushed = execute(64, [0x54]);
    expect([pushed.gpr[RSP], word(pushed.core, STACK - 8)]).toEqual([BigInt(STACK - 8), BigInt(STACK)]);
    pushed.core.memory.view.setBigUint64(STACK, 0x1234n, true);
    expect(execute(64, [0x5c]).gpr[RSP]).toBe(0x1234n);
  });

  test('PUSH [RSP + x] reads with the old pointer, POP [RSP + x] stores with the new one', () => {
    const core = new FlatCore();
    core.state.u64[RSP] = BigInt(STACK);
    core.memory.view.setBigUint64(STACK + 8, 0xaaan, true);
    core.loadCode(CODE, [0xff, 0x74, 0x24, 0x08, 0x8f, 0x44, 0x24, 0x10, 0xf4]);
    core.run();
    // Pushed [STACK + 8] at STACK - 8; popped it to (STACK - 8 + 8) + 16.
    expect([word(core, STACK - 8), word(core, STACK + 16), core.state.u64[RSP]]).toEqual([0xaaan, 0xaaan, BigInt(STACK)]);
  });

  test('an immediate is sign-extended to the operand size', () => {
    const byte = execute(64, [0x6a, 0xff]);
    expect(word(byte.core, STACK - 8)).toBe(0xffff_ffff_ffff_ffffn);
    const short = execute(64, [0x66, 0x68, 0x34, 0x12]);
    expect([short.gpr[RSP], short.core.memory.view.getUint16(STACK - 2, true)]).toEqual([BigInt(STACK - 2), 0x1234]);
  });

  test('a store that faults leaves the stack pointer', () => {
    const core = new FlatCore();
    core.mmu.map.set(Math.floor((STACK - 8) / 4096), 'read-only');
    core.state.u64[RSP] = BigInt(STACK);
    core.loadCode(CODE, [0x50, 0xf4]);
    core.run();
    expect(core.faults).toEqual([{ vector: 14, errorCode: 3, la: STACK - 8, rip: CODE }]);
    expect(core.state.u64[RSP]).toBe(BigInt(STACK));
  });

  test('a 16-bit stack pointer wraps and keeps the upper bits of ESP', () => {
    const after = execute(16, [0x50], { gpr: { 0: 0xbeefn, [RSP]: 0x7_0000n } });
    expect([after.gpr[RSP], after.core.memory.view.getUint16(0xfffe, true)]).toEqual([0x7_fffen, 0xbeef]);
  });

  test('32-bit code pushes four bytes', () => {
    const after = execute(32, [0x53], { gpr: { 3: 0x1122_3344n, [RSP]: BigInt(STACK) } });
    expect([after.gpr[RSP], after.core.memory.view.getUint32(STACK - 4, true)]).toEqual([BigInt(STACK - 4), 0x1122_3344]);
  });
});

test('PUSHAD and POPAD are inverse, but for the stored ESP', () => {
  const gpr = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [i, i === RSP ? BigInt(STACK) : BigInt(0x1111_1111 * (i + 1))]));
  const pushed = execute(32, [0x60], { gpr });
  const image = Array.from({ length: 8 }, (_, i) => pushed.core.memory.view.getUint32(STACK - 4 - 4 * i, true));
  expect(image).toEqual(Array.from({ length: 8 }, (_, i) => Number(gpr[i])));
  expect(pushed.gpr[RSP]).toBe(BigInt(STACK - 32));
  const popped = execute(32, [0x61], { gpr: { [RSP]: BigInt(STACK - 32) } });
  expect(popped.gpr.slice(0, 8)).toEqual(Array.from({ length: 8 }, (_, i) => gpr[i]));
});

test('PUSHAD that faults on its last word keeps its registers; what it has pushed lies below the stack pointer', () => {
  const core = new FlatCore(32);
  const top = STACK + 16;
  core.mmu.map.set(STACK / 4096 - 1, 'absent');
  core.memory.bytes.fill(0xee, STACK, top);
  core.state.u64[RSP] = BigInt(top);
  core.loadCode(CODE, [0x60, 0xf4]);
  core.run();
  expect(core.faults).toHaveLength(1);
  expect(core.state.u64[RSP]).toBe(BigInt(top));
  expect(core.rip).toBe(CODE);
});

describe('frames', () => {
  test('ENTER makes a frame that LEAVE undoes', () => {
    const core = new FlatCore();
    core.state.u64[RSP] = BigInt(STACK);
    core.state.u64[5] = 0x5555n;
    core.loadCode(CODE, [0xc8, 0x20, 0x00, 0x00, 0xf4]);
    core.run();
    expect([core.state.u64[RSP], core.state.u64[5], word(core, STACK - 8)]).toEqual([BigInt(STACK - 40), BigInt(STACK - 8), 0x5555n]);
    core.loadCode(CODE, [0xc9, 0xf4]);
    core.run();
    expect([core.state.u64[RSP], core.state.u64[5]]).toEqual([BigInt(STACK), 0x5555n]);
  });

  test('ENTER copies the frame pointers of enclosing levels', () => {
    const core = new FlatCore();
    const frame = STACK + 0x100;
    core.state.u64[RSP] = BigInt(STACK);
    core.state.u64[5] = BigInt(frame);
    core.memory.view.setBigUint64(frame - 8, 0x1111n, true);
    core.memory.view.setBigUint64(frame - 16, 0x2222n, true);
    core.loadCode(CODE, [0xc8, 0x10, 0x00, 0x03, 0xf4]);
    core.run();
    const pushed = [1, 2, 3, 4].map((n) => word(core, STACK - 8 * n));
    expect(pushed).toEqual([BigInt(frame), 0x1111n, 0x2222n, BigInt(STACK - 8)]);
    expect([core.state.u64[RSP], core.state.u64[5]]).toEqual([BigInt(STACK - 32 - 16), BigInt(STACK - 8)]);
  });
});

test('PUSHF stores the flags without RF and VM', () => {
  const core = new FlatCore();
  core.state.u64[RSP] = BigInt(STACK);
  core.state.i32[I32_RFLAGS] = 0x3_0ad7;
  core.loadCode(CODE, [0x9c, 0xf4]);
  core.run();
  expect(word(core, STACK - 8)).toBe(0xad7n);
});
