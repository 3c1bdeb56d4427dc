import { describe, expect, test } from 'vitest';
import { CR0_EM, CR0_TS, CR4_OSFXSR, CR4_OSXMMEXCPT } from '../../../src/arch/controlRegisters.ts';
import { MXCSR_IE, MXCSR_MASKS, MXCSR_RESET } from '../../../src/arch/mxcsr.ts';
import { VECTOR_GP, VECTOR_NM, VECTOR_UD, VECTOR_XM } from '../../../src/arch/vectors.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { I32_MXCSR, U64_CR0, U64_CR4 } from '../../../src/cpu/state.ts';
import { DATA, Rig } from '../rig.ts';

const FXSAVE = [0x48, 0x0f, 0xae, 0x04, 0x25];
const FXRSTOR = [0x48, 0x0f, 0xae, 0x0c, 0x25];
const ADDSD = [0xf2, 0x0f, 0x58, 0xc1];
const SQRTSD_OF_MINUS_ONE = [0xf2, 0x0f, 0x51, 0xc1];
const MINUS_ONE = 0xbff0_0000_0000_0000n;
const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** A rig with these control bits changed. */
function rigWith(bytes: readonly number[], clear: { cr0?: number; cr4?: number }, set: { cr0?: number; cr4?: number }): Rig {
  const rig = new Rig((a: Assembler) => {
    a.bytes([...bytes]);
    a.hlt();
  });
  const { u64 } = rig.core.state;
  u64[U64_CR0] = (u64[U64_CR0]! & ~BigInt(clear.cr0 ?? 0)) | BigInt(set.cr0 ?? 0);
  u64[U64_CR4] = (u64[U64_CR4]! & ~BigInt(clear.cr4 ?? 0)) | BigInt(set.cr4 ?? 0);
  return rig;
}

describe('SSE instructions', () => {
  test('raise #UD while CR0.EM = 1 or CR4.OSFXSR = 0, and that before #NM', () => {
    expect(rigWith(ADDSD, {}, { cr0: CR0_EM | CR0_TS }).delivered().vector).toBe(VECTOR_UD);
    expect(rigWith(ADDSD, { cr4: CR4_OSFXSR }, { cr0: CR0_TS }).delivered().vector).toBe(VECTOR_UD);
  });

  test('raise #NM while CR0.TS = 1', () => {
    expect(rigWith(ADDSD, {}, { cr0: CR0_TS }).delivered().vector).toBe(VECTOR_NM);
  });

  test('raise #XM for an unmasked exception, or #UD while CR4.OSXMMEXCPT = 0; the flag is set, the destination is not', () => {
    for (const [cr4, vector] of [
      [CR4_OSXMMEXCPT, VECTOR_XM],
      [0, VECTOR_UD],
    ] as const) {
      const rig = rigWith(SQRTSD_OF_MINUS_ONE, { cr4: CR4_OSXMMEXCPT }, { cr4 });
      const { xmm, i32 } = rig.core.state;
      xmm[0] = 5n;
      xmm[2] = MINUS_ONE;
      i32[I32_MXCSR] = 0;
      expect(rig.delivered().vector).toBe(vector);
      expect([xmm[0], i32[I32_MXCSR]]).toEqual([5n, MXCSR_IE]);
    }
  });
});

describe('FXSAVE and FXRSTOR', () => {
  test('keep XMM registers and MXCSR, and leave what is behind them', () => {
    const rig = rigWith([...FXSAVE, ...word(DATA)], {}, {});
    const { xmm, i32 } = rig.core.state;
    for (let half = 0; half < 32; half++) xmm[half] = BigInt(half * 0x1_0001 + 1);
    i32[I32_MXCSR] = MXCSR_MASKS | 0x6000;
    rig.store(DATA + 416, 77n);
    rig.run();
    expect(Array.from({ length: 32 }, (_, half) => rig.load(DATA + 160 + 8 * half))).toEqual([...xmm]);
    expect([rig.load(DATA), rig.load(DATA + 24), rig.load(DATA + 416)]).toEqual([0x37fn, 0xffff_0000_7f80n, 77n]);
    const other = rigWith([...FXRSTOR, ...word(DATA)], {}, {});
    for (let at = 0; at < 512; at += 8) other.store(DATA + at, rig.load(DATA + at));
    other.run();
    expect([...other.core.state.xmm]).toEqual([...xmm]);
    expect(other.core.state.i32[I32_MXCSR]).toBe(MXCSR_MASKS | 0x6000);
  });

  test('raise #GP(0) for an area that is not aligned, and for reserved bits of MXCSR', () => {
    expect(rigWith([...FXSAVE, ...word(DATA + 8)], {}, {}).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
    const rig = rigWith([...FXRSTOR, ...word(DATA)], {}, {});
    rig.store(DATA + 24, 0x1_0000n);
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
    expect(rig.core.state.i32[I32_MXCSR]).toBe(MXCSR_RESET);
  });

  test('raise #NM while CR0.TS = 1 or CR0.EM = 1', () => {
    expect(rigWith([...FXSAVE, ...word(DATA)], {}, { cr0: CR0_TS }).delivered().vector).toBe(VECTOR_NM);
    expect(rigWith([...FXRSTOR, ...word(DATA)], {}, { cr0: CR0_EM }).delivered().vector).toBe(VECTOR_NM);
  });
});
