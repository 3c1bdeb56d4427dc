import { describe, expect, test } from 'vitest';
import { CR0_EM, CR0_MP, CR0_TS } from '../../../src/arch/controlRegisters.ts';
import { BOOT_PML4 } from '../../../src/arch/platform.ts';
import { VECTOR_MF, VECTOR_NM, VECTOR_PF, VECTOR_UD } from '../../../src/arch/vectors.ts';
import { X87_C1, X87_CONTROL_INITIAL, X87_ES, X87_IE, X87_SF, X87_TOP, X87_ZE } from '../../../src/arch/x87.ts';
import { resetCore } from '../../../src/cpu/reset.ts';
import {
  I32_X87_CONTROL,
  I32_X87_IN_USE,
  I32_X87_STATUS,
  U64_CR0,
  U64_RIP,
  U64_X87_DATA,
  U64_X87_INSTRUCTION,
} from '../../../src/cpu/state.ts';
import { CODE, DATA, Rig } from '../rig.ts';

const FNINIT = [0xdb, 0xe3];
const FLD1 = [0xd9, 0xe8];
const FLDZ = [0xd9, 0xee];
const FDIVP = [0xde, 0xf9];
const FPTAN = [0xd9, 0xf2];
const FNSTSW_AX = [0xdf, 0xe0];
const FNCLEX = [0xdb, 0xe2];
const WAIT = [0x9b];
const PADDB = [0x0f, 0xfc, 0xca];
const EMMS = [0x0f, 0x77];
const HLT = [0xf4];
const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const FLDCW = (la: number): number[] => [0xd9, 0x2c, 0x25, ...word(la)];
const FSTP_M64 = (la: number): number[] => [0xdd, 0x1c, 0x25, ...word(la)];
/** Two megabytes that a test takes away, and their entry in the page directory. */
const ABSENT = 0x20_0000;
const ABSENT_ENTRY = BOOT_PML4 + 0x2008;
const INDEFINITE = [0xc000_0000_0000_0000n, 0xffffn];

/** A rig that runs these instructions, then halts, with these bits of CR0 set. */
function rig(code: readonly (readonly number[])[], cr0 = 0): Rig {
  const made = new Rig((a) => {
    a.bytes([...code, HLT].flat());
  });
  made.core.state.u64[U64_CR0]! |= BigInt(cr0);
  return made;
}

/** Everything unmasked. */
function unmasked(code: readonly (readonly number[])[]): Rig {
  const made = rig([FNINIT, FLDCW(DATA), ...code]);
  made.store(DATA, 0x340n);
  return made;
}

describe('x87 instructions', () => {
  test('raise #NM while CR0.EM or CR0.TS = 1; WAIT while CR0.MP and CR0.TS = 1', () => {
    for (const bit of [CR0_EM, CR0_TS])
      for (const code of [FNINIT, FLD1, FNSTSW_AX]) expect(rig([code], bit).delivered().vector).toBe(VECTOR_NM);
    expect(rig([WAIT], CR0_MP | CR0_TS).delivered().vector).toBe(VECTOR_NM);
    const made = rig([WAIT], CR0_TS);
    made.core.state.u64[U64_CR0]! &= ~BigInt(CR0_MP);
    expect(made.run()?.kind).toBe('idle');
    expect(made.core.rip).toBe(CODE + 2);
  });

  test('report an unmasked exception at the next waiting instruction: it, not the cause, raises #MF', () => {
    for (const next of [WAIT, FLD1, PADDB, EMMS]) {
      const made = unmasked([FLD1, FLDZ, FDIVP, FNSTSW_AX, next]);
      const { vector, frame } = made.delivered();
      expect([vector, frame[0]]).toEqual([VECTOR_MF, BigInt(CODE + 2 + 7 + 6 + 2)]);
      expect(made.core.state.u64[0]! & 0xffffn).toBe(BigInt(made.core.state.i32[I32_X87_STATUS]!));
      expect(made.core.state.i32[I32_X87_STATUS]! & (X87_ES | X87_ZE)).toBe(X87_ES | X87_ZE);
      expect([made.core.state.u64[U64_X87_INSTRUCTION]]).toEqual([BigInt(CODE + 2 + 7 + 4)]);
    }
  });

  test('raise nothing once FNCLEX has cleared the exception, and its operands are what they were', () => {
    const made = unmasked([FLD1, FLDZ, FDIVP, FNCLEX, WAIT]);
    made.run();
    const { i32, x87 } = made.core.state;
    expect([i32[I32_X87_STATUS], i32[I32_X87_IN_USE]]).toEqual([6 << 11, 0xc0]);
    expect([...x87.subarray(12)]).toEqual([0n, 0n, 1n << 63n, 0x3fffn]);
  });

  test('answer a masked stack fault with the indefinite value; C1 tells overflow from underflow', () => {
    const over = rig([FNINIT, ...Array<number[]>(9).fill(FLD1)]);
    over.run();
    expect(over.core.state.i32[I32_X87_STATUS]! & ~X87_TOP).toBe(X87_IE | X87_SF | X87_C1);
    expect([...over.core.state.x87.subarray(14)].map((half) => BigInt.asUintN(64, half))).toEqual(INDEFINITE);
    const under = rig([FNINIT, [0xd9, 0xe1]]);
    under.run();
    expect(under.core.state.i32[I32_X87_STATUS]).toBe(X87_IE | X87_SF);
    expect([...under.core.state.x87.subarray(0, 2)]).toEqual(INDEFINITE);
  });

  test('have a tangent with 1 on top, and of an infinity the indefinite value twice', () => {
    const one = [0x8000_0000_0000_0000n, 0x3fffn];
    for (const [angle, tangent, top] of [
      [[FLDZ], [0n, 0n], one],
      [[FLD1, FLDZ, FDIVP], INDEFINITE, INDEFINITE],
    ] as const) {
      const made = rig([FNINIT, ...angle, FPTAN]);
      made.run();
      const halves = [...made.core.state.x87.subarray(12)].map((half) => BigInt.asUintN(64, half));
      expect([halves.slice(2), halves.slice(0, 2)]).toEqual([tangent, top]);
    }
  });

  test('leave the stack alone when a store cannot be done', () => {
    const made = rig([FNINIT, FLD1, FSTP_M64(ABSENT)]);
    made.store(ABSENT_ENTRY, 0n);
    expect(made.delivered().vector).toBe(VECTOR_PF);
    const { i32, u64 } = made.core.state;
    expect([i32[I32_X87_STATUS], i32[I32_X87_IN_USE]]).toEqual([7 << 11, 0x80]);
    expect([u64[U64_X87_INSTRUCTION], u64[U64_X87_DATA]]).toEqual([BigInt(CODE + 2), 0n]);
  });

  test('keep the address of the last instruction and of its operand', () => {
    const made = rig([FNINIT, FLD1, FSTP_M64(DATA + 8), FNSTSW_AX]);
    made.run();
    const { u64 } = made.core.state;
    expect([u64[U64_X87_INSTRUCTION], u64[U64_X87_DATA]]).toEqual([BigInt(CODE + 4), BigInt(DATA + 8)]);
    expect(made.load(DATA + 8)).toBe(0x3ff0_0000_0000_0000n);
  });
});

describe('MMX instructions', () => {
  test('raise #UD while CR0.EM = 1, and #NM while CR0.TS = 1', () => {
    expect(rig([PADDB], CR0_EM | CR0_TS).delivered().vector).toBe(VECTOR_UD);
    expect(rig([EMMS], CR0_TS).delivered().vector).toBe(VECTOR_NM);
  });

  test('set TOP to 0 and all registers in use, and the upper bits of what they write to ones; EMMS empties', () => {
    const made = rig([FNINIT, FLD1, PADDB]);
    made.core.state.x87.set([0x7f01n, 5n], 2);
    made.core.state.x87.set([0x01ffn, 7n], 4);
    made.run();
    const { i32, x87 } = made.core.state;
    expect([i32[I32_X87_STATUS], i32[I32_X87_IN_USE]]).toEqual([0, 0xff]);
    expect([...x87.subarray(2, 6)]).toEqual([0x8000n, 0xffffn, 0x01ffn, 7n]);
    const after = rig([FNINIT, FLD1, EMMS]);
    after.run();
    expect([after.core.state.i32[I32_X87_STATUS], after.core.state.i32[I32_X87_IN_USE]]).toEqual([0, 0]);
  });
});

test('FNINIT masks everything; after a reset all registers hold 0 and are in use', () => {
  const made = rig([FNINIT]);
  const { i32 } = made.core.state;
  const reset = rig([FNINIT]).core;
  resetCore(reset);
  for (const field of [I32_X87_CONTROL, I32_X87_STATUS, I32_X87_IN_USE]) i32[field] = reset.state.i32[field]!;
  expect([i32[I32_X87_CONTROL], i32[I32_X87_STATUS], i32[I32_X87_IN_USE]]).toEqual([0x40, 0, 0xff]);
  made.run();
  expect([i32[I32_X87_CONTROL], i32[I32_X87_STATUS], i32[I32_X87_IN_USE], made.core.state.u64[U64_RIP]]).toEqual([
    X87_CONTROL_INITIAL,
    0,
    0,
    BigInt(CODE + 3),
  ]);
});
