import { describe, expect, test } from 'vitest';
import {
  CR0_CD,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CR4_LA57,
  CR4_PAE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_VMXE,
  EFER_LMA,
  EFER_LME,
  EFER_NXE,
  EFER_SCE,
} from '../../../src/arch/controlRegisters.ts';
import {
  IA32_APIC_BASE,
  IA32_EFER,
  IA32_FMASK,
  IA32_FS_BASE,
  IA32_LSTAR,
  IA32_MTRRCAP,
  IA32_PAT,
  IA32_STAR,
  IA32_TSC,
  PAT_RESET,
} from '../../../src/arch/msr.ts';
import { VECTOR_GP, VECTOR_UD } from '../../../src/arch/vectors.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { cr0, cr3, cr4, ecx, rax, rdx } from '../../../src/asm/register.ts';
import { U64_CR0, U64_CR3, U64_CR4 } from '../../../src/cpu/state.ts';
import { Rig } from '../rig.ts';

const CONTROL = { cr0: [cr0, U64_CR0], cr3: [cr3, U64_CR3], cr4: [cr4, U64_CR4] } as const;

/** A MOV of `value` to a control register, then HLT. `prepare` sets state that code cannot. */
function write(register: keyof typeof CONTROL, value: bigint, prepare?: (rig: Rig) => void): Rig {
  const rig = new Rig((a) => {
    a.mov(rax, value);
    a.mov(CONTROL[register][0], rax);
    a.hlt();
  });
  prepare?.(rig);
  return rig;
}

const DIRECT_CR0 = BigInt((CR0_PG | CR0_PE | CR0_NE | CR0_WP | (1 << 4)) >>> 0);
const DIRECT_CR4 = BigInt(CR4_PAE | CR4_PGE | (1 << 9));

describe('MOV to CR0', () => {
  test('takes what is allowed; ET reads 1', () => {
    const rig = write('cr0', (DIRECT_CR0 & ~BigInt(CR0_WP)) | BigInt(CR0_CD));
    rig.run();
    expect(rig.core.state.u64[U64_CR0]).toBe((DIRECT_CR0 & ~BigInt(CR0_WP)) | BigInt(CR0_CD));
    expect(rig.core.mmu.context.writeProtect).toBe(false);
  });

  test.for([
    ['PG without PE', DIRECT_CR0 & ~BigInt(CR0_PE)],
    ['NW without CD', DIRECT_CR0 | BigInt(CR0_NW)],
    ['bits 63:32', DIRECT_CR0 | (1n << 32n)],
    ['paging off in 64-bit mode', DIRECT_CR0 & ~BigInt(CR0_PG)],
  ] as const)('%s is #GP(0)', ([, value]) => {
    expect(write('cr0', value).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });
});

describe('MOV to CR3', () => {
  test('with PCIDs off takes bits 11:0 as they are; reserved bits are #GP(0)', () => {
    const rig = write('cr3', 0x3018n);
    rig.run();
    expect([rig.core.state.u64[U64_CR3], rig.core.mmu.context.pcid, rig.core.mmu.context.root]).toEqual([0x3018n, 0, 0x3000]);
    expect(write('cr3', 0x3000n | (1n << 52n)).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
    expect(write('cr3', 0x3000n | (1n << 63n)).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });

  test('with PCIDs on selects a PCID; bit 63 is not kept', () => {
    const rig = new Rig((a) => {
      a.mov(rax, DIRECT_CR4 | BigInt(CR4_PCIDE));
      a.mov(cr4, rax);
      a.mov(rax, 0x3005n | (1n << 63n));
      a.mov(cr3, rax);
      a.hlt();
    });
    rig.run();
    expect([rig.core.state.u64[U64_CR3], rig.core.mmu.context.pcid]).toEqual([0x3005n, 5]);
  });
});

describe('MOV to CR4', () => {
  test.for([
    ['a bit that is not there', DIRECT_CR4 | BigInt(CR4_LA57)],
    ['VMXE, where there is no VMX', DIRECT_CR4 | BigInt(CR4_VMXE)],
    ['bits 63:32', DIRECT_CR4 | (1n << 40n)],
    ['PAE off in IA-32e mode', DIRECT_CR4 & ~BigInt(CR4_PAE)],
  ] as const)('%s is #GP(0)', ([, value]) => {
    expect(write('cr4', value).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });

  test('PCIDE needs bits 11:0 of CR3 to be 0', () => {
    const rig = write('cr4', DIRECT_CR4 | BigInt(CR4_PCIDE), ({ core }) => {
      core.state.u64[U64_CR3] = 0x3008n;
    });
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });
});

test('control registers are for level 0', () => {
  for (const code of [(a: Assembler) => a.mov(rax, cr0), (a: Assembler) => a.mov(cr3, rax), (a: Assembler) => a.clts()]) {
    const rig = new Rig((a) => {
      a.label('user');
      code(a);
    });
    rig.enterUser('user');
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  }
});

test('CR1 and CR5 do not exist', () => {
  // MOV RAX, CR1; MOV RAX, CR5
  expect(new Rig((a) => a.bytes([0x0f, 0x20, 0xc8])).delivered().vector).toBe(VECTOR_UD);
  expect(new Rig((a) => a.bytes([0x0f, 0x20, 0xe8])).delivered().vector).toBe(VECTOR_UD);
});

describe('MSRs', () => {
  const access = (msr: number, value?: bigint): Rig =>
    new Rig((a) => {
      a.mov(ecx, msr);
      if (value === undefined) a.rdmsr();
      else {
        a.mov(rax, value & 0xffff_ffffn);
        a.mov(rdx, value >> 32n);
        a.wrmsr();
        a.rdmsr();
      }
      a.hlt();
    });
  const readBack = (msr: number, value?: bigint): bigint => {
    const rig = access(msr, value);
    rig.run();
    return (rig.core.state.u64[2]! << 32n) | rig.core.state.u64[0]!;
  };

  test('hold what is written', () => {
    expect(readBack(IA32_STAR, 0x0123_4567_89ab_cdefn)).toBe(0x0123_4567_89ab_cdefn);
    expect(readBack(IA32_LSTAR, 0xffff_8000_0000_1000n)).toBe(0xffff_8000_0000_1000n);
    expect(readBack(IA32_PAT)).toBe(PAT_RESET);
    expect(readBack(IA32_PAT, 0x0706_0504_0100_0106n)).toBe(0x0706_0504_0100_0106n);
  });

  test('EFER keeps LMA, whatever is written', () => {
    const value = BigInt(EFER_LME | EFER_SCE | EFER_NXE);
    expect(readBack(IA32_EFER, value)).toBe(value | BigInt(EFER_LMA));
  });

  test('the TSC goes on from what is written', () => {
    const tsc = readBack(IA32_TSC, 1_000_000n);
    expect(tsc).toBeGreaterThanOrEqual(1_000_000n);
    expect(tsc).toBeLessThan(1_001_000n);
  });

  test.for([
    ['an MSR that does not exist', 0x1234, undefined],
    ['a write of one that does not exist', 0xc001_0000, 0n],
    ['a write of a read-only one', IA32_MTRRCAP, 0n],
    ['LSTAR that is not canonical', IA32_LSTAR, 0x8000_0000_0000n],
    ['FS base that is not canonical', IA32_FS_BASE, 0x8000_0000_0000n],
    ['FMASK beyond 32 bits', IA32_FMASK, 1n << 32n],
    ['a PAT type that does not exist', IA32_PAT, 2n],
    ['LME off while paging', IA32_EFER, BigInt(EFER_LMA)],
    ['a reserved bit of EFER', IA32_EFER, BigInt(EFER_LME | EFER_LMA | 2)],
    ['x2APIC mode with the APIC off', IA32_APIC_BASE, 0xfee0_0000n | (1n << 10n)],
    ['an x2APIC register in xAPIC mode', 0x802, undefined],
  ] as const)('%s is #GP(0)', ([, msr, value]) => {
    expect(access(msr, value).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });

  test('are for level 0', () => {
    const rig = new Rig((a) => {
      a.label('user');
      a.rdmsr();
    });
    rig.enterUser('user');
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });
});
