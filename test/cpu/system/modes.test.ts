/** Modes and their edges: unreal mode, 16-bit protected mode, 32-bit programs under a 64-bit kernel, what user mode may not see, supervisor pages. */
import { describe, expect, test } from 'vitest';
import { CR4_OSXSAVE, CR4_SMAP, CR4_UMIP } from '../../../src/arch/controlRegisters.ts';
import { IA32_SYSENTER_CS, IA32_SYSENTER_EIP, IA32_SYSENTER_ESP, IA32_TSC_AUX } from '../../../src/arch/msr.ts';
import { PTE_US } from '../../../src/arch/paging.ts';
import { BOOT_PML4 } from '../../../src/arch/platform.ts';
import { CS, SS } from '../../../src/arch/registers.ts';
import { RFLAGS_AC, RFLAGS_IF, RFLAGS_NT, RFLAGS_RF, RFLAGS_TF } from '../../../src/arch/rflags.ts';
import { VECTOR_DB, VECTOR_GP, VECTOR_PF, VECTOR_SS } from '../../../src/arch/vectors.ts';
import { ENGINES } from '../../../src/cpu/engines/registry.ts';
import { updateMode } from '../../../src/cpu/mode.ts';
import { initCore, startCore } from '../../../src/cpu/reset.ts';
import { setSegment } from '../../../src/cpu/segmentation.ts';
import { I32_CPL, I32_RFLAGS, I32_SEGMENT_SELECTOR, U64_CR4, U64_RIP } from '../../../src/cpu/state.ts';
import { writeMsr } from '../../../src/cpu/system/msr.ts';
import { DATA, descriptor, FREE_SELECTOR, GDT, KERNEL_CS, Rig, USER_CS32, USER_DS, USER_STACK } from '../rig.ts';

const HLT = 0xf4;
const address = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];

test('unreal mode: a data segment keeps the limit that protected mode gave it, and reaches beyond 64 KB', () => {
  const rig = new Rig((a) => a.hlt());
  const { core, machine } = rig;
  initCore(core);
  startCore(core, 0x10);
  rig.store(0x9008, descriptor(0x93, 0xc));
  machine.memory.write(0x8f00, Uint8Array.from([0x0f, 0, ...address(0x9000)]));
  const code = [
    ...[0x0f, 0x01, 0x16, 0x00, 0x8f], // lgdt [0x8f00]
    ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], // mov eax, cr0; or al, 1; mov cr0, eax
    ...[0xbb, 0x08, 0x00, 0x8e, 0xdb], // mov bx, 8; mov ds, bx
    ...[0x24, 0xfe, 0x0f, 0x22, 0xc0], // and al, 0xfe; mov cr0, eax
    ...[0x66, 0xbf, ...address(0x30_0000)], // mov edi, 3 MB
    ...[0x67, 0x66, 0xc7, 0x07, ...address(0x1234_5678)], // mov dword [edi], …
    ...[0x31, 0xc0, 0x8e, 0xd8], // xor ax, ax; mov ds, ax
    ...[0x67, 0x66, 0x8b, 0x0f, HLT], // mov ecx, [edi]: the limit is still there
  ];
  machine.memory.write(0x1_0000, Uint8Array.from(code));
  expect(rig.run()).toEqual({ kind: 'idle' });
  expect(machine.memory.view.getUint32(0x30_0000, true)).toBe(0x1234_5678);
  expect(Number(core.state.u64[1]! & 0xffff_ffffn)).toBe(0x1234_5678);
});

describe('16-bit protected code under a 64-bit kernel', () => {
  function run(bytes: readonly number[]): Rig {
    const rig = new Rig((a) => a.hlt());
    rig.store(GDT + FREE_SELECTOR, descriptor(0xfb, 0, DATA, 0xffff));
    rig.store(GDT + FREE_SELECTOR + 8, descriptor(0xf3, 0, DATA, 0xffff));
    rig.machine.memory.write(DATA, Uint8Array.from([...bytes, HLT]));
    const { core } = rig;
    setSegment(core, CS, FREE_SELECTOR | 3, BigInt(DATA), 0xffff, 0xfb);
    for (const segment of [0, SS, 3]) setSegment(core, segment, FREE_SELECTOR + 11, BigInt(DATA), 0xffff, 0xf3);
    core.state.i32[I32_CPL] = 3;
    core.state.u64[4] = 0x800n;
    core.state.u64[U64_RIP] = 0n;
    updateMode(core);
    // HLT is #GP at level 3: the end of the code.
    expect(rig.delivered().vector).toBe(VECTOR_GP);
    return rig;
  }

  test('pushes words, addresses [BX + SI], and wraps offsets at 64 KB', () => {
    // push 0x1234; mov bx, 0xff00; mov si, 0x400; pop word [bx + si]; push esp (32 bits)
    const rig = run([0x68, 0x34, 0x12, 0xbb, 0x00, 0xff, 0xbe, 0x00, 0x04, 0x8f, 0x00, 0x66, 0x54]);
    expect(rig.machine.memory.view.getUint16(DATA + 0x300, true)).toBe(0x1234);
    expect(rig.machine.memory.view.getUint32(DATA + 0x7fc, true)).toBe(0x800);
  });

  test('an operand beyond the limit by one byte is #GP(0)', () => {
    // mov dword [0xfffd], eax
    const rig = run([0x66, 0xa3, 0xfd, 0xff, 0x90]);
    expect(rig.load(Number(rig.core.state.u64[4]!) + 8)).toBe(0n);
  });
});

describe('32-bit programs under a 64-bit kernel', () => {
  function user32(bytes: readonly number[]): Rig {
    const rig = new Rig((a) => {
      a.label('code');
      a.bytes(bytes);
      a.hlt();
      a.label('kernel');
      a.hlt();
      a.label('kernel end');
    });
    rig.enterUser('code');
    setSegment(rig.core, CS, USER_CS32, 0n, -1, 0xc0fb);
    updateMode(rig.core);
    return rig;
  }

  test('INT 0x80 through a 64-bit gate pushes 64-bit words and the 32-bit selector', () => {
    const rig = user32([0xb8, 4, 0, 0, 0, 0xcd, 0x80]);
    rig.gate(0x80, { access: 0xee });
    const { vector, frame, cpl } = rig.delivered();
    expect([vector, Number(frame[0]), Number(frame[1]), Number(frame[3]), Number(frame[4]), cpl]).toEqual([
      0x80,
      rig.at('code') + 7,
      USER_CS32,
      USER_STACK,
      USER_DS,
      0,
    ]);
  });

  test('SYSENTER goes to 64-bit code with the stack of its MSR', () => {
    const rig = user32([0x0f, 0x34]);
    writeMsr(rig.core, IA32_SYSENTER_CS, BigInt(KERNEL_CS));
    writeMsr(rig.core, IA32_SYSENTER_EIP, BigInt(rig.at('kernel')));
    writeMsr(rig.core, IA32_SYSENTER_ESP, 0x4_0800n);
    rig.core.state.i32[I32_RFLAGS]! |= RFLAGS_IF;
    expect(rig.run()).toEqual({ kind: 'idle' });
    const { core } = rig;
    expect([core.rip, core.state.u64[4], core.codeSize, core.cpl, core.state.i32[I32_SEGMENT_SELECTOR + SS]]).toEqual([
      rig.at('kernel end'),
      0x4_0800n,
      64,
      0,
      KERNEL_CS + 8,
    ]);
    expect(core.interruptsEnabled).toBe(false);
  });

  test('addresses wrap at 4 GB', () => {
    // mov edi, 0xffffffff; mov eax, [edi + DATA + 1]
    const rig = user32([0xbf, 0xff, 0xff, 0xff, 0xff, 0x8b, 0x87, ...address(DATA + 1)]);
    rig.store(DATA, 0x1122_3344n);
    expect(rig.delivered().vector).toBe(VECTOR_GP);
    expect(rig.core.state.u64[0]).toBe(0x1122_3344n);
  });
});

describe('UMIP', () => {
  test.each([
    ['SGDT', [0x0f, 0x01, 0x04, 0x25, ...address(DATA)]],
    ['SIDT', [0x0f, 0x01, 0x0c, 0x25, ...address(DATA)]],
    ['SLDT', [0x0f, 0x00, 0xc0]],
    ['STR', [0x0f, 0x00, 0xc8]],
    ['SMSW', [0x0f, 0x01, 0xe0]],
  ] as const)('%s is #GP(0) at level 3 with it, and answers without', (_name, bytes) => {
    for (const on of [true, false]) {
      const rig = new Rig((a) => {
        a.bytes([...bytes, HLT]);
        a.label('end');
      });
      rig.enterUser('start');
      if (on) rig.core.state.u64[U64_CR4]! |= BigInt(CR4_UMIP);
      const { vector, frame } = rig.delivered();
      expect([vector, Number(frame[1])]).toEqual([VECTOR_GP, on ? rig.at('start') : rig.at('end') - 1]);
    }
  });
});

describe.each(ENGINES)('SMAP (%s engine)', (engine) => {
  const USER_PAGE = 0x40_0000;
  const load = [0x8b, 0x04, 0x25, ...address(USER_PAGE)];
  const run = (before: readonly number[]): Rig => {
    const rig = new Rig(
      (a) => {
        a.bytes([...before, ...load, HLT]);
        a.label('end');
      },
      { engine },
    );
    rig.core.state.u64[U64_CR4]! |= BigInt(CR4_SMAP);
    // The first 2 MB are the kernel's own: the processor reads the IDT there.
    const pointers = Number(rig.load(BOOT_PML4) & ~0xfffn);
    const directory = Number(rig.load(pointers) & ~0xfffn);
    rig.store(directory, rig.load(directory) & ~BigInt(PTE_US));
    rig.core.mmu.invalidate.movCr4(0, CR4_SMAP);
    updateMode(rig.core);
    return rig;
  };

  test('keeps the kernel from user pages while AC = 0, with error code 1', () => {
    expect(run([]).fault()).toEqual({ vector: VECTOR_PF, error: 1 });
  });

  test('lets it in between STAC and CLAC', () => {
    const rig = run([0x0f, 0x01, 0xcb]);
    rig.run();
    expect(rig.core.rip).toBe(rig.at('end'));
    expect(run([0x0f, 0x01, 0xcb, 0x0f, 0x01, 0xca]).fault()).toEqual({ vector: VECTOR_PF, error: 1 });
  });
});

describe('addresses that are not canonical', () => {
  const HOLE = 0x8000_0000_0000n;
  test.each([
    ['JMP', [0xff, 0xe0], VECTOR_GP],
    ['CALL', [0xff, 0xd0], VECTOR_GP],
    ['a load', [0x8b, 0x08], VECTOR_GP],
    ['a store by a string instruction', [0x48, 0x89, 0xc7, 0xaa], VECTOR_GP],
    ['a load by RBP', [0x48, 0x89, 0xc5, 0x8b, 0x4d, 0x00], VECTOR_SS],
    ['PUSH', [0x48, 0x89, 0xc4, 0x48, 0x83, 0xc4, 0x10, 0x50], VECTOR_SS],
    ['POP', [0x48, 0x89, 0xc4, 0x58], VECTOR_SS],
    ['a vector load', [0x0f, 0x10, 0x00], VECTOR_GP],
    ['FLD', [0xdb, 0x28], VECTOR_GP],
    ['FXSAVE', [0x0f, 0xae, 0x00], VECTOR_GP],
    ['XSAVE', [0x0f, 0xae, 0x20], VECTOR_GP],
    ['CLFLUSH', [0x0f, 0xae, 0x38], VECTOR_GP],
    ['WRFSBASE', [0xf3, 0x48, 0x0f, 0xae, 0xd0], VECTOR_GP],
    ['INVPCID', [0x31, 0xc9, 0x66, 0x0f, 0x38, 0x82, 0x08], VECTOR_GP],
    ['LGDT from there', [0x0f, 0x01, 0x10], VECTOR_GP],
    ['a bit far away', [0x48, 0x0f, 0xa3, 0x00], VECTOR_GP],
  ] as const)('raise what they must: %s', (_name, bytes, vector) => {
    for (const engine of ENGINES) {
      const rig = new Rig((a) => a.bytes([...bytes, HLT]), { engine });
      rig.core.state.u64[U64_CR4]! |= BigInt(CR4_OSXSAVE | (1 << 16));
      rig.core.state.u64[0] = HOLE;
      rig.gate(VECTOR_SS, { ist: 1 });
      expect(rig.fault()).toEqual({ vector, error: 0 });
    }
  });

  test('INVLPG of one does nothing', () => {
    const rig = new Rig((a) => {
      a.bytes([0x0f, 0x01, 0x38, HLT]);
      a.label('end');
    });
    rig.core.state.u64[0] = HOLE;
    rig.run();
    expect(rig.core.rip).toBe(rig.at('end'));
  });
});

describe('flags', () => {
  test('IRETQ with NT set is #GP(0)', () => {
    const rig = new Rig((a) => a.iretq());
    rig.core.state.i32[I32_RFLAGS]! |= RFLAGS_NT;
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });

  test('POPF clears RF, and PUSHF pushes none', () => {
    const rig = new Rig((a) => {
      a.bytes([0x68, ...address(RFLAGS_RF | RFLAGS_AC | 2), 0x9d, 0x9c, 0x58, HLT]);
    });
    rig.run();
    expect(Number(rig.core.state.u64[0]) & (RFLAGS_RF | RFLAGS_AC)).toBe(RFLAGS_AC);
  });

  test('TF traps after every element of a repeated string instruction', () => {
    const rig = new Rig((a) => {
      a.bytes([0xf3, 0xa4, HLT]);
    });
    const { u64, i32 } = rig.core.state;
    u64[1] = 3n;
    u64[6] = BigInt(DATA);
    u64[7] = BigInt(DATA + 0x100);
    i32[I32_RFLAGS]! |= RFLAGS_TF;
    const { vector, frame } = rig.delivered();
    expect([vector, Number(frame[0]), u64[1], u64[7]]).toEqual([VECTOR_DB, rig.at('start'), 2n, BigInt(DATA + 0x101)]);
  });
});

test('RDPID reads IA32_TSC_AUX; CLWB and CLFLUSHOPT need their page', () => {
  const rig = new Rig((a) => {
    a.bytes([0xf3, 0x0f, 0xc7, 0xf8, 0x66, 0x0f, 0xae, 0x34, 0x25, ...address(DATA), 0x66, 0x0f, 0xae, 0x3c, 0x25, ...address(DATA)]);
    a.bytes([0x66, 0x0f, 0xae, 0x33]);
  });
  writeMsr(rig.core, IA32_TSC_AUX, 0x1234n);
  rig.core.state.u64[3] = 0x40_0000_0000n;
  expect(rig.delivered().vector).toBe(VECTOR_PF);
  expect(rig.core.state.u64[0]).toBe(0x1234n);
});
