import { expect, test } from 'vitest';
import { CR0_TS } from '../../../src/arch/controlRegisters.ts';
import { CS, RAX, RSP, TR } from '../../../src/arch/registers.ts';
import { RFLAGS_NT } from '../../../src/arch/rflags.ts';
import { I32_RFLAGS, I32_SEGMENT_SELECTOR, U64_CR0 } from '../../../src/cpu/state.ts';
import {
  CODE,
  FREE_SELECTOR,
  GDT,
  gate,
  IDT,
  KERNEL_CS,
  KERNEL_DS,
  LegacyRig,
  OTHER_TSS,
  OTHER_TSS_SELECTOR,
  TSS,
  TSS_SELECTOR,
  USER_CS,
  USER_DS,
  USER_STACK,
} from './legacyRig.ts';

const TARGET = 0x6_0000;

/** The other task runs `code` at level 0. */
function otherTask(rig: LegacyRig, code: readonly number[]): void {
  rig.machine.memory.bytes.set(code, TARGET);
  const words: readonly (readonly [number, number])[] = [
    [32, TARGET],
    [36, 2],
    [40, 0x1234_5678],
    [56, 0x7_0000],
    [72, KERNEL_DS],
    [76, KERNEL_CS],
    [80, KERNEL_DS],
    [84, KERNEL_DS],
  ];
  for (const [offset, value] of words) rig.store32(OTHER_TSS + offset, value);
}

const far = (opcode: number, selector: number): number[] => [opcode, 0, 0, 0, 0, selector, 0];

test('JMP to a TSS saves this task and runs the other one', () => {
  const rig = new LegacyRig([0x40, ...far(0xea, OTHER_TSS_SELECTOR)]);
  otherTask(rig, [0xf4]);
  rig.run();
  const { u64, i32 } = rig.core.state;
  expect([rig.core.rip, u64[RAX], u64[RSP], i32[I32_SEGMENT_SELECTOR + CS]]).toEqual([TARGET + 1, 0x1234_5678n, 0x7_0000n, KERNEL_CS]);
  expect(i32[I32_SEGMENT_SELECTOR + TR]).toBe(OTHER_TSS_SELECTOR);
  expect(Number(u64[U64_CR0]!) & CR0_TS).toBe(CR0_TS);
  // EIP and EAX of the old task; its TSS is available, the new one busy.
  expect([rig.load32(TSS + 32), rig.load32(TSS + 40)]).toEqual([CODE + 8, 1]);
  expect(rig.machine.memory.bytes[GDT + TSS_SELECTOR + 5]).toBe(0x89);
  expect(rig.machine.memory.bytes[GDT + OTHER_TSS_SELECTOR + 5]).toBe(0x8b);
});

test('CALL to a TSS nests; IRET goes back along the link', () => {
  const rig = new LegacyRig([...far(0x9a, OTHER_TSS_SELECTOR), 0x40]);
  otherTask(rig, [0xcf]);
  rig.run();
  const { u64, i32 } = rig.core.state;
  expect([rig.core.rip, u64[RAX], i32[I32_SEGMENT_SELECTOR + TR]]).toEqual([CODE + 9, 1n, TSS_SELECTOR]);
  expect(i32[I32_RFLAGS]! & RFLAGS_NT).toBe(0);
  expect(rig.load32(OTHER_TSS) & 0xffff).toBe(TSS_SELECTOR);
  expect(rig.load32(OTHER_TSS + 36) & RFLAGS_NT).toBe(0);
});

test('an exception through a task gate gives the other task its error code', () => {
  // MOV to SS of a null selector is #GP(0).
  const rig = new LegacyRig([0x31, 0xc0, 0x8e, 0xd0]);
  rig.store64(IDT + 13 * 8, gate(OTHER_TSS_SELECTOR, 0, 0x85));
  otherTask(rig, [0xf4]);
  rig.run();
  expect([rig.core.rip, rig.core.state.u64[RSP]]).toEqual([TARGET + 1, 0x7_0000n - 4n]);
  expect(rig.load32(TSS + 32)).toBe(CODE + 2);
});

test('a busy TSS is #GP of its selector', () => {
  const rig = new LegacyRig(far(0xea, TSS_SELECTOR));
  expect(rig.delivered(2)).toMatchObject({ vector: 13, frame: [TSS_SELECTOR, CODE] });
});

test('a fault before the switch leaves EIP at the instruction: IRET along a null link, JMP through a task gate to a busy TSS', () => {
  // PUSHF; OR dword [ESP], NT; POPF; IRET.
  const nested = new LegacyRig([0x9c, 0x81, 0x0c, 0x24, 0, 0x40, 0, 0, 0x9d, 0xcf]);
  expect(nested.delivered(2)).toMatchObject({ vector: 10, frame: [0, CODE + 9] });
  const gated = new LegacyRig(far(0xea, FREE_SELECTOR));
  gated.store64(GDT + FREE_SELECTOR, gate(TSS_SELECTOR, 0, 0x85));
  expect(gated.delivered(2)).toMatchObject({ vector: 13, frame: [TSS_SELECTOR, CODE] });
});

test('CALL through a call gate changes the level and copies the parameters; RET releases them', () => {
  const rig = new LegacyRig([0x6a, 0x11, 0x6a, 0x22, ...far(0x9a, FREE_SELECTOR | 3), 0xcd, 0x30]);
  rig.store64(GDT + FREE_SELECTOR, gate(KERNEL_CS, TARGET, 0xec, 2));
  rig.machine.memory.bytes.set([0x8b, 0x44, 0x24, 0x08, 0xca, 0x08, 0x00], TARGET);
  rig.enter(USER_CS, USER_DS, USER_STACK);
  const { vector, frame } = rig.delivered(5);
  expect(vector).toBe(0x30);
  expect(frame).toEqual([CODE + 13, USER_CS, 2, USER_STACK, USER_DS]);
  expect(rig.core.state.u64[RAX]).toBe(0x22n);
});
