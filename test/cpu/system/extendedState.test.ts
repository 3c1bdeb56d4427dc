import { describe, expect, test } from 'vitest';
import { CR0_TS, CR4_OSXSAVE } from '../../../src/arch/controlRegisters.ts';
import { CPUID_1_ECX_OSXSAVE, CPUID_1_ECX_XSAVE } from '../../../src/arch/cpuidBits.ts';
import { MXCSR_RESET } from '../../../src/arch/mxcsr.ts';
import { BOOT_PML4 } from '../../../src/arch/platform.ts';
import { RAX, RBX, RCX, RDX } from '../../../src/arch/registers.ts';
import { VECTOR_GP, VECTOR_NM, VECTOR_PF, VECTOR_UD } from '../../../src/arch/vectors.ts';
import { X87_CONTROL_INITIAL } from '../../../src/arch/x87.ts';
import { I32_MXCSR, I32_X87_CONTROL, I32_X87_IN_USE, U64_CR0, U64_CR2, U64_CR4, U64_XCR0 } from '../../../src/cpu/state.ts';
import { DATA, Rig } from '../rig.ts';

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
/** With REX.W, and the area at an absolute address. */
const at = (opcode: readonly number[], area: number): number[] => [0x48, 0x0f, ...opcode, 0x25, ...word(area)];
const xsave = (area = DATA): number[] => at([0xae, 0x24], area);
const xsaveopt = (area = DATA): number[] => at([0xae, 0x34], area);
const xrstor = (area = DATA): number[] => at([0xae, 0x2c], area);
const XGETBV = [0x0f, 0x01, 0xd0];
const XSETBV = [0x0f, 0x01, 0xd1];
const CPUID = [0x0f, 0xa2];

const XSTATE_BV = DATA + 512;
const XMM_AT = 160;

interface Setup {
  readonly eax?: number;
  readonly ecx?: number;
  readonly edx?: number;
  readonly xcr0?: bigint;
  readonly osxsave?: boolean;
}

/** A rig with XSAVE enabled for x87 and SSE, and everything requested, unless told otherwise. */
function rigWith(bytes: readonly number[], { eax = -1, ecx = 0, edx = -1, xcr0 = 3n, osxsave = true }: Setup = {}): Rig {
  const rig = new Rig((a) => {
    a.bytes([...bytes]);
    a.hlt();
    a.label('end');
  });
  const { u64 } = rig.core.state;
  u64[U64_CR4]! |= osxsave ? BigInt(CR4_OSXSAVE) : 0n;
  u64[U64_XCR0] = xcr0;
  u64[RAX] = BigInt(eax >>> 0);
  u64[RCX] = BigInt(ecx >>> 0);
  u64[RDX] = BigInt(edx >>> 0);
  return rig;
}

/** Runs to the HLT behind the code. */
function through(rig: Rig): Rig {
  rig.run();
  expect(rig.core.rip).toBe(rig.at('end'));
  return rig;
}

/** Registers with contents that tell them apart. */
function fill(rig: Rig): void {
  const { xmm, x87, i32 } = rig.core.state;
  for (let half = 0; half < 32; half++) xmm[half] = BigInt(half * 0x1_0001 + 1);
  for (let half = 0; half < 16; half++) x87[half] = BigInt(half % 2 === 0 ? half * 3 + 1 : 0x3fff);
  i32[I32_X87_CONTROL] = 0x27f;
  i32[I32_X87_IN_USE] = 0xff;
  i32[I32_MXCSR] = 0x5f80;
}

const vectorsIn = (rig: Rig): bigint[] => Array.from({ length: 32 }, (_, half) => rig.load(DATA + XMM_AT + 8 * half));
const dirty = (rig: Rig): void => {
  for (let offset = 0; offset < 576; offset += 8) rig.store(DATA + offset, offset < 512 ? 0x5555_5555_5555_5555n : 0n);
};

describe('XSAVE', () => {
  test('stores the requested components and nothing else, and leaves the bits of the others in XSTATE_BV', () => {
    for (const requested of [0, 1, 2, 3]) {
      const rig = rigWith(xsave(), { eax: requested });
      fill(rig);
      dirty(rig);
      rig.store(XSTATE_BV, 1n << 9n);
      through(rig);
      const old = 0x5555_5555_5555_5555n;
      expect(rig.load(DATA) === old).toBe((requested & 1) === 0);
      expect(rig.load(DATA + 32)).toBe(requested & 1 ? rig.core.state.x87[0] : old);
      expect(rig.load(DATA + 24)).toBe(requested & 2 ? 0xffff_0000_5f80n : old);
      expect(vectorsIn(rig)).toEqual(requested & 2 ? [...rig.core.state.xmm] : Array(32).fill(old));
      expect(rig.load(XSTATE_BV)).toBe(BigInt(requested) | (1n << 9n));
    }
  });

  test('stores no more than XCR0 enables', () => {
    const rig = rigWith(xsave(), { xcr0: 1n });
    fill(rig);
    dirty(rig);
    through(rig);
    expect(rig.load(XSTATE_BV)).toBe(1n);
    expect(rig.load(DATA + XMM_AT)).toBe(0x5555_5555_5555_5555n);
  });

  test('stores components in their initial configuration, and clears their bits', () => {
    const rig = rigWith(xsave());
    rig.core.state.i32[I32_X87_CONTROL] = X87_CONTROL_INITIAL;
    rig.core.state.i32[I32_X87_IN_USE] = 0;
    dirty(rig);
    rig.store(XSTATE_BV, 3n);
    through(rig);
    expect([rig.load(DATA), rig.load(DATA + XMM_AT), rig.load(XSTATE_BV)]).toEqual([0x37fn, 0n, 0n]);
  });
});

test('XSAVEOPT leaves the memory of components in their initial configuration alone, but for MXCSR', () => {
  const rig = rigWith(xsaveopt());
  rig.core.state.i32[I32_X87_CONTROL] = X87_CONTROL_INITIAL;
  rig.core.state.i32[I32_X87_IN_USE] = 0;
  dirty(rig);
  through(rig);
  expect([rig.load(DATA), rig.load(DATA + 24), rig.load(DATA + XMM_AT), rig.load(XSTATE_BV)]).toEqual([
    0x5555_5555_5555_5555n,
    0xffff_0000_0000n | BigInt(MXCSR_RESET),
    0x5555_5555_5555_5555n,
    0n,
  ]);
});

describe('XRSTOR', () => {
  test('loads what XSAVE stored', () => {
    const saved = rigWith(xsave());
    fill(saved);
    through(saved);
    const rig = rigWith(xrstor());
    for (let offset = 0; offset < 576; offset += 8) rig.store(DATA + offset, saved.load(DATA + offset));
    through(rig);
    for (const field of ['xmm', 'x87'] as const) expect([...rig.core.state[field]]).toEqual([...saved.core.state[field]]);
    for (const field of [I32_MXCSR, I32_X87_CONTROL, I32_X87_IN_USE]) expect(rig.core.state.i32[field]).toBe(saved.core.state.i32[field]);
  });

  test('gives components whose bit is clear their initial configuration; MXCSR comes from memory all the same', () => {
    const rig = rigWith(xrstor());
    fill(rig);
    dirty(rig);
    rig.store(DATA + 24, 0x3f80n);
    through(rig);
    const { xmm, x87, i32 } = rig.core.state;
    expect([...xmm, ...x87].every((half) => half === 0n)).toBe(true);
    expect([i32[I32_MXCSR], i32[I32_X87_CONTROL], i32[I32_X87_IN_USE]]).toEqual([0x3f80, X87_CONTROL_INITIAL, 0]);
  });

  test('leaves components alone that are not requested, MXCSR too', () => {
    const rig = rigWith(xrstor(), { eax: 0 });
    fill(rig);
    dirty(rig);
    const before = [...rig.core.state.xmm, ...rig.core.state.x87, rig.core.state.i32[I32_MXCSR]];
    through(rig);
    expect([...rig.core.state.xmm, ...rig.core.state.x87, rig.core.state.i32[I32_MXCSR]]).toEqual(before);
  });

  test.for([
    ['a component that XCR0 does not enable', XSTATE_BV, 4n],
    ['a compacted area', XSTATE_BV + 8, 1n << 63n],
    ['reserved bits of the header', XSTATE_BV + 16, 1n],
    ['reserved bits of MXCSR', DATA + 24, 0x1_0000n],
  ] as const)('raises #GP(0) for %s, and loads nothing', ([, address, value]) => {
    const rig = rigWith(xrstor());
    fill(rig);
    rig.store(address, value);
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
    expect(rig.core.state.xmm[0]).toBe(1n);
  });
});

describe('the XSAVE feature set', () => {
  test.for([
    ['XSAVE', xsave()],
    ['XRSTOR', xrstor()],
    ['XGETBV', XGETBV],
    ['XSETBV', XSETBV],
  ] as const)('%s raises #UD while CR4.OSXSAVE = 0', ([, code]) => {
    expect(rigWith(code, { osxsave: false }).delivered().vector).toBe(VECTOR_UD);
  });

  test.for([xsave, xsaveopt, xrstor])(
    'raises #NM while CR0.TS = 1, #GP(0) for an area that is not aligned, #PF for its last byte',
    (make) => {
      const switched = rigWith(make());
      switched.core.state.u64[U64_CR0]! |= BigInt(CR0_TS);
      expect(switched.delivered().vector).toBe(VECTOR_NM);
      expect(rigWith(make(DATA + 16)).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
      // Only the header lies in the second gigabyte, which is not mapped.
      const end = 0x4000_0000;
      const rig = rigWith(make(end - 512));
      rig.store(Number(rig.load(BOOT_PML4) & ~0xfffn) + 8, 0n);
      expect(rig.delivered().vector).toBe(VECTOR_PF);
      expect(rig.core.state.u64[U64_CR2]).toBe(BigInt(end + 63));
    },
  );

  test('CPUID leaf 1 shows CR4.OSXSAVE; leaf 0xD tells components and sizes', () => {
    const ask = (eax: number, ecx: number, osxsave: boolean): number[] => {
      const { u64 } = through(rigWith(CPUID, { eax, ecx, osxsave })).core.state;
      return [RAX, RBX, RCX, RDX].map((register) => Number(u64[register]));
    };
    const both = CPUID_1_ECX_XSAVE | CPUID_1_ECX_OSXSAVE;
    expect(ask(1, 0, true)[2]! & both).toBe(both);
    expect(ask(1, 0, false)[2]! & both).toBe(CPUID_1_ECX_XSAVE);
    expect(ask(0xd, 0, true)).toEqual([3, 576, 576, 0]);
    expect(ask(0xd, 1, true)).toEqual([1, 0, 0, 0]);
    expect(ask(0xd, 2, true)).toEqual([0, 0, 0, 0]);
  });
});

describe('XCR0', () => {
  test('is 1 after a reset, what XSETBV wrote afterwards, and XGETBV reads it at any level', () => {
    expect(new Rig((a) => a.hlt()).core.state.u64[U64_XCR0]).toBe(1n);
    expect(through(rigWith(XSETBV, { eax: 3, edx: 0, xcr0: 1n })).core.state.u64[U64_XCR0]).toBe(3n);
    const { u64 } = through(rigWith(XGETBV)).core.state;
    expect([u64[RAX], u64[RDX]]).toEqual([3n, 0n]);
  });

  test.for([
    ['without x87', { eax: 2, edx: 0 }],
    ['with a component that is not there', { eax: 7, edx: 0 }],
    ['with a component above 31', { eax: 3, edx: 1 }],
    ['of another number', { eax: 3, edx: 0, ecx: 1 }],
  ] as const)('XSETBV %s raises #GP(0)', ([, setup]) => {
    const rig = rigWith(XSETBV, { ...setup, xcr0: 1n });
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
    expect(rig.core.state.u64[U64_XCR0]).toBe(1n);
  });

  test('XSETBV raises #GP(0) outside level 0; XGETBV of another number does, too', () => {
    const rig = new Rig((a) => {
      a.label('user');
      a.bytes(XSETBV);
    });
    rig.core.state.u64[U64_CR4]! |= BigInt(CR4_OSXSAVE);
    rig.enterUser('user');
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
    expect(rigWith(XGETBV, { ecx: 1 }).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });
});
