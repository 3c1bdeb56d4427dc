import { describe, expect, test } from 'vitest';
import { CR0_ET } from '../../../src/arch/controlRegisters.ts';
import { CS, DS, RSP, SS } from '../../../src/arch/registers.ts';
import { RFLAGS_FIXED, RFLAGS_IF, RFLAGS_IOPL, RFLAGS_VM } from '../../../src/arch/rflags.ts';
import { updateMode } from '../../../src/cpu/mode.ts';
import { setSegment } from '../../../src/cpu/segmentation.ts';
import { I32_CPL, I32_IDTR_LIMIT, I32_RFLAGS, I32_SEGMENT_SELECTOR, U64_CR0, U64_IDTR_BASE, U64_RIP } from '../../../src/cpu/state.ts';
import {
  CODE,
  FREE_SELECTOR,
  GDT,
  gate,
  IDT,
  KERNEL_CS,
  KERNEL_DS,
  KERNEL_STACK,
  LegacyRig,
  USER_CS,
  USER_DS,
  USER_STACK,
} from '../system/legacyRig.ts';

const SOFTWARE = 0x30;

describe('protected mode', () => {
  test('INT n at the same level pushes EFLAGS, CS and EIP', () => {
    const rig = new LegacyRig([0xcd, SOFTWARE]);
    expect(rig.delivered(3)).toEqual({ vector: SOFTWARE, frame: [CODE + 2, KERNEL_CS, RFLAGS_FIXED], esp: KERNEL_STACK - 12 });
  });

  test('INT n from level 3 goes to the stack that the TSS names and pushes the old one', () => {
    const rig = new LegacyRig([0xcd, SOFTWARE]);
    rig.enter(USER_CS, USER_DS, USER_STACK);
    const { frame, esp } = rig.delivered(5);
    expect(frame).toEqual([CODE + 2, USER_CS, RFLAGS_FIXED, USER_STACK, USER_DS]);
    expect(esp).toBe(KERNEL_STACK - 20);
    expect(rig.core.cpl).toBe(0);
    expect(rig.core.state.i32[I32_SEGMENT_SELECTOR + SS]).toBe(KERNEL_DS);
  });

  test('INT n to a gate of level 0 from level 3 is #GP of the gate', () => {
    const rig = new LegacyRig([0xcd, SOFTWARE]);
    rig.store64(IDT + SOFTWARE * 8, gate(KERNEL_CS, 0x1234, 0x8e));
    rig.enter(USER_CS, USER_DS, USER_STACK);
    const { vector, frame } = rig.delivered(2);
    expect([vector, ...frame]).toEqual([13, SOFTWARE * 8 + 2, CODE]);
  });

  test('a 16-bit gate pushes words, and a trap gate leaves IF', () => {
    const rig = new LegacyRig([0xcd, SOFTWARE]);
    rig.store64(IDT + SOFTWARE * 8, gate(KERNEL_CS, 0x8000, 0xe7));
    rig.machine.memory.bytes[0x8000] = 0xf4;
    rig.enter(KERNEL_CS, KERNEL_DS, KERNEL_STACK, RFLAGS_IF);
    rig.run();
    expect(Number(rig.core.state.u64[RSP]!)).toBe(KERNEL_STACK - 6);
    expect(rig.load32(KERNEL_STACK - 6)).toBe((CODE & 0xffff) + 2 + KERNEL_CS * 0x1_0000);
    expect(rig.core.state.i32[I32_RFLAGS]! & RFLAGS_IF).toBe(RFLAGS_IF);
  });

  test('a gate to an absent code segment is #NP of the segment', () => {
    const rig = new LegacyRig([0xcd, SOFTWARE]);
    rig.store64(GDT + FREE_SELECTOR, 0x00cf_1b00_0000_ffffn);
    rig.store64(IDT + SOFTWARE * 8, gate(FREE_SELECTOR, 0, 0xee));
    const { vector, frame } = rig.delivered(2);
    expect([vector, ...frame]).toEqual([11, FREE_SELECTOR, CODE]);
  });

  test('IRET to level 3 takes the stack from the frame, and drops the data segments of level 0', () => {
    // Pushes SS, ESP, EFLAGS, CS, EIP and returns to an INT.
    const push = (value: number): number[] => [0x68, value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
    const rig = new LegacyRig([
      ...push(USER_DS),
      ...push(USER_STACK),
      ...push(0x202),
      ...push(USER_CS),
      ...push(CODE + 26),
      0xcf,
      0xcd,
      SOFTWARE,
    ]);
    const { frame } = rig.delivered(5);
    expect(frame).toEqual([CODE + 28, USER_CS, 0x202, USER_STACK, USER_DS]);
    expect(rig.core.state.i32[I32_SEGMENT_SELECTOR + DS]).toBe(0);
  });
});

describe('real mode', () => {
  const realRig = (code: readonly number[]): LegacyRig => {
    const rig = new LegacyRig(code);
    const { u64, i32 } = rig.core.state;
    u64[U64_CR0] = BigInt(CR0_ET);
    u64[U64_IDTR_BASE] = 0n;
    i32[I32_IDTR_LIMIT] = 0x3ff;
    setSegment(rig.core, CS, CODE >> 4, BigInt(CODE), 0xffff, 0x9b);
    setSegment(rig.core, SS, 0x1000, 0x1_0000n, 0xffff, 0x93);
    u64[U64_RIP] = 0n;
    u64[RSP] = 0x100n;
    updateMode(rig.core);
    return rig;
  };

  test('INT n goes through the vector table; IRET comes back', () => {
    const rig = realRig([0xcd, 0x21, 0xf4]);
    rig.store32(0x21 * 4, 0x2000_0010);
    rig.machine.memory.bytes.set([0x40, 0xcf], 0x2_0010);
    rig.run();
    const { u64, i32 } = rig.core.state;
    expect([u64[0], u64[U64_RIP], u64[RSP], i32[I32_SEGMENT_SELECTOR + CS]]).toEqual([1n, 3n, 0x100n, CODE >> 4]);
    expect(rig.load32(0x1_0000 + 0x100 - 6)).toBe(2 + (CODE >> 4) * 0x1_0000);
  });

  test('an exception pushes no error code; SLDT and ARPL do not exist', () => {
    for (const code of [
      [0x0f, 0x00, 0xc0],
      [0x63, 0xc0],
    ]) {
      const rig = realRig(code);
      rig.store32(6 * 4, 0x2000_0000);
      rig.machine.memory.bytes[0x2_0000] = 0xf4;
      rig.run();
      expect([rig.core.state.u64[U64_RIP], rig.core.state.u64[RSP]]).toEqual([1n, 0x100n - 6n]);
    }
  });
});

describe('virtual-8086 mode', () => {
  /** The code runs at 3000:0000 with the flags; the kernel has level 0. */
  const virtualRig = (code: readonly number[], flags = 0): LegacyRig => {
    const rig = new LegacyRig(code);
    const { u64, i32 } = rig.core.state;
    i32[I32_RFLAGS] = RFLAGS_FIXED | RFLAGS_VM | flags;
    i32[I32_CPL] = 3;
    for (let segment = 0; segment < 6; segment++)
      setSegment(rig.core, segment, 0x1000 + segment, BigInt((0x1000 + segment) << 4), 0xffff, 0xf3);
    setSegment(rig.core, CS, CODE >> 4, BigInt(CODE), 0xffff, 0xf3);
    u64[U64_RIP] = 0n;
    u64[RSP] = 0x100n;
    updateMode(rig.core);
    return rig;
  };

  test('an exception pushes the segment registers, too, and leaves the mode', () => {
    const rig = virtualRig([0x0f, 0x0b]);
    const { vector, frame } = rig.delivered(9);
    expect(vector).toBe(6);
    expect(frame).toEqual([0, CODE >> 4, RFLAGS_FIXED | RFLAGS_VM | (1 << 16), 0x100, 0x1002, 0x1000, 0x1003, 0x1004, 0x1005]);
    expect(rig.core.state.i32[I32_RFLAGS]! & RFLAGS_VM).toBe(0);
  });

  test.for([
    ['CLI', [0xfa]],
    ['PUSHF', [0x9c]],
    ['POPF', [0x9d]],
    ['IRET', [0xcf]],
    ['INT n', [0xcd, SOFTWARE]],
  ] as const)('%s is #GP(0) while IOPL is below 3', ([, code]) => {
    expect(virtualRig(code).delivered(2)).toMatchObject({ vector: 13, frame: [0, 0] });
    const allowed = virtualRig(code, RFLAGS_IOPL);
    // For IRET and POPF: to the HLT behind, which is #GP there.
    allowed.store64(0x1_0020 + 0x100, BigInt(code.length) | (BigInt(CODE >> 4) << 16n) | (BigInt(RFLAGS_FIXED | RFLAGS_IOPL) << 32n));
    const { vector, frame } = allowed.delivered(2);
    expect([vector, vector === SOFTWARE ? frame[0] : frame[1]]).toEqual([code[0] === 0xcd ? SOFTWARE : 13, code.length]);
  });

  test('IRETD at level 0 with VM in the image enters it', () => {
    const push = (value: number): number[] => [0x68, value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
    const image = [0x1005, 0x1004, 0x1003, 0x1000, 0x1002, 0x100, RFLAGS_FIXED | RFLAGS_VM, CODE >> 4, 0x100];
    const rig = new LegacyRig([...image.flatMap(push), 0xcf]);
    rig.machine.memory.bytes.set([0x0f, 0x0b], CODE + 0x100);
    const { vector, frame } = rig.delivered(9);
    expect(vector).toBe(6);
    expect(frame).toEqual([0x100, CODE >> 4, RFLAGS_FIXED | RFLAGS_VM | (1 << 16), 0x100, 0x1002, 0x1000, 0x1003, 0x1004, 0x1005]);
  });
});
