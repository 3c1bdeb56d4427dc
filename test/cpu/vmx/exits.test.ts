import { describe, expect, test } from 'vitest';
import { APIC_SVR } from '../../../src/arch/apicRegisters.ts';
import { CR0_NE, CR0_TS, CR4_OSXSAVE, CR4_VMXE } from '../../../src/arch/controlRegisters.ts';
import * as reasons from '../../../src/arch/exitReasons.ts';
import { IA32_LSTAR, IA32_TSC } from '../../../src/arch/msr.ts';
import { RFLAGS_IF } from '../../../src/arch/rflags.ts';
import { VECTOR_BP, VECTOR_DB, VECTOR_DF, VECTOR_GP, VECTOR_PF, VECTOR_UD } from '../../../src/arch/vectors.ts';
import * as fields from '../../../src/arch/vmcs.ts';
import * as controls from '../../../src/arch/vmxControls.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { mem, mem64 } from '../../../src/asm/operand.ts';
import { al, ax, cr0, cr3, cr4, dx, eax, ecx, edx, rax, rbx, rcx, rsp } from '../../../src/asm/register.ts';
import { I32_IDTR_LIMIT } from '../../../src/cpu/state.ts';
import { CODE } from '../rig.ts';
import { BITMAP_ADDRESS, VmxRig } from './vmxRig.ts';

const VALID = controls.INTERRUPTION_VALID;
const NONE = { interruption: 0, vectoring: 0 };

describe('instructions that cause VM exits', () => {
  interface Case {
    readonly name: string;
    /** Control field and bits that ask for the exit; none for those that exit always. */
    readonly control?: readonly [field: number, bits: number];
    /** Instructions before it: their length. */
    readonly before?: (a: Assembler) => void;
    readonly code: (a: Assembler) => void;
    readonly reason: number;
    readonly qualification?: bigint;
    readonly length: number;
  }
  const primary = (bits: number): readonly [number, number] => [fields.VMCS_PRIMARY_CONTROLS, bits];
  const cases: readonly Case[] = [
    { name: 'CPUID', code: (a) => a.cpuid(), reason: reasons.EXIT_CPUID, length: 2 },
    { name: 'HLT', control: primary(controls.PRIMARY_HLT_EXITING), code: (a) => a.hlt(), reason: reasons.EXIT_HLT, length: 1 },
    { name: 'VMCALL', code: (a) => a.vmcall(), reason: reasons.EXIT_VMCALL, length: 3 },
    { name: 'RDTSC', control: primary(controls.PRIMARY_RDTSC_EXITING), code: (a) => a.rdtsc(), reason: reasons.EXIT_RDTSC, length: 2 },
    { name: 'PAUSE', control: primary(controls.PRIMARY_PAUSE_EXITING), code: (a) => a.pause(), reason: reasons.EXIT_PAUSE, length: 2 },
    {
      name: 'INVLPG',
      control: primary(controls.PRIMARY_INVLPG_EXITING),
      before: (a) => a.mov(rbx, 0xffff_8000_0000_1000n),
      code: (a) => a.invlpg(mem(rbx)),
      reason: reasons.EXIT_INVLPG,
      qualification: 0xffff_8000_0000_1000n,
      length: 3,
    },
    {
      name: 'WBINVD',
      control: [fields.VMCS_SECONDARY_CONTROLS, controls.SECONDARY_WBINVD_EXITING],
      code: (a) => a.wbinvd(),
      reason: reasons.EXIT_WBINVD,
      length: 2,
    },
    {
      name: 'MOV to CR3',
      control: primary(controls.PRIMARY_CR3_LOAD_EXITING),
      before: (a) => a.mov(rbx, 0x3000),
      code: (a) => a.mov(cr3, rbx),
      reason: reasons.EXIT_CR_ACCESS,
      qualification: 0x303n,
      length: 3,
    },
    {
      name: 'MOV from CR3',
      control: primary(controls.PRIMARY_CR3_STORE_EXITING),
      code: (a) => a.mov(rcx, cr3),
      reason: reasons.EXIT_CR_ACCESS,
      qualification: 0x113n,
      length: 3,
    },
    {
      name: 'OUT to an immediate port',
      control: primary(controls.PRIMARY_UNCONDITIONAL_IO_EXITING),
      code: (a) => a.out(0xf4, eax),
      reason: reasons.EXIT_IO,
      qualification: 0x00f4_0043n,
      length: 2,
    },
    {
      name: 'OUT of 16 bits to the port in DX',
      control: primary(controls.PRIMARY_UNCONDITIONAL_IO_EXITING),
      before: (a) => a.mov(edx, 0x604),
      code: (a) => a.out(dx, ax),
      reason: reasons.EXIT_IO,
      qualification: 0x0604_0001n,
      length: 3 - 1,
    },
    {
      name: 'IN of a byte',
      control: primary(controls.PRIMARY_UNCONDITIONAL_IO_EXITING),
      before: (a) => a.mov(edx, 0x3f8),
      code: (a) => a.in(al, dx),
      reason: reasons.EXIT_IO,
      qualification: 0x03f8_0008n,
      length: 1,
    },
    { name: 'RDMSR without bitmaps', before: (a) => a.mov(ecx, IA32_TSC), code: (a) => a.rdmsr(), reason: reasons.EXIT_RDMSR, length: 2 },
    { name: 'WRMSR without bitmaps', before: (a) => a.mov(ecx, IA32_TSC), code: (a) => a.wrmsr(), reason: reasons.EXIT_WRMSR, length: 2 },
    { name: 'VMXOFF', code: (a) => a.vmxoff(), reason: reasons.EXIT_VMXOFF, length: 3 },
    {
      name: 'XSETBV',
      before: (a) => {
        a.mov(rax, cr4);
        a.or(rax, CR4_OSXSAVE);
        a.mov(cr4, rax);
      },
      code: (a) => a.bytes([0x0f, 0x01, 0xd1]),
      reason: reasons.EXIT_XSETBV,
      length: 3,
    },
    { name: 'VMLAUNCH', code: (a) => a.vmlaunch(), reason: reasons.EXIT_VMLAUNCH, length: 3 },
  ];

  test.for(cases)('$name', ({ control, before, code, reason, qualification = 0n, length }) => {
    const write = (a: Assembler): void => {
      before?.(a);
      a.label('here');
      code(a);
      a.hlt();
    };
    const rig = new VmxRig(write);
    if (control !== undefined) rig.ask(...control);
    expect(rig.exit()).toEqual({ reason, qualification, length, rip: rig.at('here'), ...NONE });
    // Whoever does not ask gets no exit.
    if (control !== undefined) expect(() => new VmxRig(write).exit()).toThrow('no VM exit');
  });

  test('a privilege fault comes before the exit', () => {
    const rig = new VmxRig((a) => {
      a.label('user');
      a.hlt();
    }).ask(fields.VMCS_PRIMARY_CONTROLS, controls.PRIMARY_HLT_EXITING);
    rig.enterUser('user');
    rig.set(fields.VMCS_EXCEPTION_BITMAP, 1 << VECTOR_GP);
    for (const [field, value] of [
      [fields.VMCS_GUEST_CS_ACCESS, 0xa0fb],
      [fields.VMCS_GUEST_SS_ACCESS, 0xc0f3],
      [fields.VMCS_GUEST_CS_SELECTOR, 0x2b],
      [fields.VMCS_GUEST_SS_SELECTOR, 0x23],
    ] as const)
      rig.set(field, value);
    expect(rig.exit()).toMatchObject({ reason: reasons.EXIT_EXCEPTION_OR_NMI, interruption: VALID + 0xb00 + VECTOR_GP });
  });

  test('the MSR bitmaps choose among MSRs, reads and writes', () => {
    const access = (msr: number, write: boolean): VmxRig => {
      const rig = new VmxRig((a) => {
        a.mov(ecx, msr);
        if (write) a.wrmsr();
        else a.rdmsr();
        a.hlt();
      }).ask(fields.VMCS_PRIMARY_CONTROLS, controls.PRIMARY_USE_MSR_BITMAPS);
      rig.set(fields.VMCS_MSR_BITMAPS, BITMAP_ADDRESS);
      // Reads of the TSC, writes of LSTAR.
      rig.machine.memory.bytes[BITMAP_ADDRESS + (IA32_TSC >> 3)] = 1 << (IA32_TSC & 7);
      rig.machine.memory.bytes[BITMAP_ADDRESS + 3072 + ((IA32_LSTAR & 0x1fff) >> 3)] = 1 << (IA32_LSTAR & 7);
      return rig;
    };
    expect(access(IA32_TSC, false).exit().reason).toBe(reasons.EXIT_RDMSR);
    expect(access(IA32_LSTAR, true).exit().reason).toBe(reasons.EXIT_WRMSR);
    expect(() => access(IA32_TSC, true).exit()).toThrow('no VM exit');
    expect(() => access(IA32_LSTAR, false).exit()).toThrow('no VM exit');
    // Outside the ranges of the bitmaps everything exits.
    expect(access(0x4000_0000, false).exit().reason).toBe(reasons.EXIT_RDMSR);
  });

  test('the I/O bitmaps choose among ports; an access that wraps around always exits', () => {
    const io = (port: number): VmxRig => {
      const rig = new VmxRig((a) => {
        a.mov(edx, port);
        a.in(eax, dx);
        a.hlt();
      }).ask(fields.VMCS_PRIMARY_CONTROLS, controls.PRIMARY_USE_IO_BITMAPS);
      rig.set(fields.VMCS_IO_BITMAP_A, BITMAP_ADDRESS).set(fields.VMCS_IO_BITMAP_B, BITMAP_ADDRESS + 0x1000);
      rig.machine.memory.bytes[BITMAP_ADDRESS + (0x83 >> 3)] = 1 << (0x83 & 7);
      return rig;
    };
    expect(io(0x80).exit().reason).toBe(reasons.EXIT_IO);
    expect(() => io(0x84).exit()).toThrow('no VM exit');
    expect(io(0xfffe).exit().reason).toBe(reasons.EXIT_IO);
  });

  test('PAUSE-loop exiting takes a loop that is older than its window, not a PAUSE now and then', () => {
    const loop = (between: (a: Assembler) => void): VmxRig =>
      new VmxRig((a) => {
        a.mov(ecx, 200);
        a.label('again');
        a.pause();
        between(a);
        a.dec(ecx);
        a.jnz('again');
        a.hlt();
      })
        .ask(fields.VMCS_SECONDARY_CONTROLS, controls.SECONDARY_PLE)
        .set(fields.VMCS_PLE_GAP, 50)
        .set(fields.VMCS_PLE_WINDOW, 500);
    expect(loop(() => {}).exit().reason).toBe(reasons.EXIT_PAUSE);
    expect(() => loop((a) => a.wbinvd()).exit()).toThrow('no VM exit');
  });
});

describe('control registers that the VMM shares', () => {
  const shared = (write: (a: Assembler) => void): VmxRig =>
    new VmxRig(write)
      .set(fields.VMCS_CR0_GUEST_HOST_MASK, CR0_NE)
      .set(fields.VMCS_CR0_READ_SHADOW, CR0_NE)
      .set(fields.VMCS_CR4_GUEST_HOST_MASK, CR4_VMXE);

  test('reads show the shadow where the VMM owns the bit', () => {
    const rig = shared((a) => {
      a.mov(rax, cr4);
      a.vmcall();
    });
    rig.exit();
    expect(rig.core.state.u64[0]! & BigInt(CR4_VMXE)).toBe(0n);
    expect(rig.vmcs.read(fields.VMCS_GUEST_CR4) & BigInt(CR4_VMXE)).toBe(BigInt(CR4_VMXE));
  });

  test('a write that agrees with the shadow does not exit, and leaves the owned bit as it is', () => {
    const rig = shared((a) => {
      a.mov(rax, cr4);
      a.mov(cr4, rax);
      a.mov(rax, cr0);
      a.or(rax, CR0_TS);
      a.mov(cr0, rax);
      a.vmcall();
    });
    expect(rig.exit().reason).toBe(reasons.EXIT_VMCALL);
    expect(rig.vmcs.read(fields.VMCS_GUEST_CR4) & BigInt(CR4_VMXE)).toBe(BigInt(CR4_VMXE));
    expect(rig.vmcs.read(fields.VMCS_GUEST_CR0) & BigInt(CR0_TS)).toBe(BigInt(CR0_TS));
  });

  test('CLTS exits when the VMM owns TS and shows it set, else an owned TS stays', () => {
    const clts = (shadow: number): VmxRig =>
      new VmxRig((a) => {
        a.clts();
        a.vmcall();
      })
        .ask(fields.VMCS_GUEST_CR0, CR0_TS)
        .set(fields.VMCS_CR0_GUEST_HOST_MASK, CR0_TS)
        .set(fields.VMCS_CR0_READ_SHADOW, shadow);
    expect(clts(CR0_TS).exit()).toMatchObject({ reason: reasons.EXIT_CR_ACCESS, qualification: 0x20n, length: 2 });
    const rig = clts(0);
    expect(rig.exit().reason).toBe(reasons.EXIT_VMCALL);
    expect(rig.vmcs.read(fields.VMCS_GUEST_CR0) & BigInt(CR0_TS)).toBe(BigInt(CR0_TS));
  });

  test('a write that differs from the shadow exits, with the register in the qualification', () => {
    const rig = shared((a) => {
      a.mov(rax, cr4);
      a.or(rax, CR4_VMXE);
      a.label('here');
      a.mov(cr4, rax);
    });
    expect(rig.exit()).toEqual({ reason: reasons.EXIT_CR_ACCESS, qualification: 4n, length: 3, rip: rig.at('here'), ...NONE });
  });
});

describe('events that cause VM exits', () => {
  test('an exception whose bit is set, with information and error code, before it has any effect', () => {
    const rig = new VmxRig((a) => {
      a.mov(rbx, 0x12_3456_7890);
      a.label('here');
      a.mov(rax, mem64(rbx));
    }).set(fields.VMCS_EXCEPTION_BITMAP, 1 << VECTOR_PF);
    const info = VALID + controls.INTERRUPTION_ERROR_CODE_VALID + (3 << 8) + VECTOR_PF;
    expect(rig.exit()).toEqual({
      reason: reasons.EXIT_EXCEPTION_OR_NMI,
      qualification: 0x12_3456_7890n,
      length: 0,
      interruption: info,
      vectoring: 0,
      rip: rig.at('here'),
    });
    expect([rig.vmcs.read(fields.VMCS_EXIT_INTERRUPTION_ERROR_CODE), rig.core.state.u64[18]]).toEqual([0n, 0n]);
  });

  test('page faults are chosen by error code, too', () => {
    const rig = (mask: number, match: number, bitmap: number): VmxRig =>
      new VmxRig((a) => {
        a.mov(rbx, 0x12_3456_7890);
        a.mov(mem64(rbx), rax);
      })
        .set(fields.VMCS_EXCEPTION_BITMAP, bitmap)
        .set(fields.VMCS_PAGE_FAULT_MASK, mask)
        .set(fields.VMCS_PAGE_FAULT_MATCH, match);
    expect(rig(2, 2, 1 << VECTOR_PF).exit().reason).toBe(reasons.EXIT_EXCEPTION_OR_NMI);
    expect(() => rig(2, 0, 1 << VECTOR_PF).exit()).toThrow('no VM exit');
    expect(rig(2, 0, 0).exit().reason).toBe(reasons.EXIT_EXCEPTION_OR_NMI);
    expect(() => rig(2, 2, 0).exit()).toThrow('no VM exit');
  });

  test.for([
    ['INT3', (a: Assembler) => a.int3(), VECTOR_BP, 6],
    ['INT1', (a: Assembler) => a.bytes([0xf1]), VECTOR_DB, 5],
  ] as const)('%s exits with its length, RIP at the instruction', ([, code, vector, type]) => {
    const rig = new VmxRig((a) => {
      a.nop();
      a.label('here');
      code(a);
    }).set(fields.VMCS_EXCEPTION_BITMAP, 1 << vector);
    expect(rig.exit()).toMatchObject({ length: 1, interruption: VALID + (type << 8) + vector, rip: rig.at('here') });
  });

  test('INT n is no exception: the bitmap does not concern it', () => {
    const rig = new VmxRig((a) => a.int(VECTOR_UD)).set(fields.VMCS_EXCEPTION_BITMAP, -1 >>> 0);
    expect(() => rig.exit()).toThrow('no VM exit');
  });

  test('an external interrupt exits whatever IF says; the vector is acknowledged', () => {
    const rig = new VmxRig((a) => {
      a.label('loop');
      a.nop();
      a.jmp('loop');
    });
    rig.core.apic.write(APIC_SVR, 0x1ff);
    rig.core.apic.accept(0x71);
    expect(rig.exit()).toEqual({
      reason: reasons.EXIT_EXTERNAL_INTERRUPT,
      qualification: 0n,
      length: 0,
      interruption: VALID + 0x71,
      vectoring: 0,
      rip: rig.at('loop'),
    });
    expect(rig.core.apic.pending()).toBe(-1);
  });

  test('an NMI exits', () => {
    const rig = new VmxRig((a) => a.hlt());
    rig.core.pendingNmi = true;
    expect(rig.exit()).toMatchObject({ reason: reasons.EXIT_EXCEPTION_OR_NMI, interruption: VALID + (2 << 8) + 2 });
    expect(rig.core.pendingNmi).toBe(false);
  });

  test('interrupt-window exiting waits for IF, and for the shadow of STI to end', () => {
    const rig = new VmxRig((a) => {
      a.nop();
      a.sti();
      a.nop();
      a.label('open');
      a.nop();
      a.hlt();
    }).ask(fields.VMCS_PRIMARY_CONTROLS, controls.PRIMARY_INTERRUPT_WINDOW_EXITING);
    expect(rig.exit()).toMatchObject({ reason: reasons.EXIT_INTERRUPT_WINDOW, rip: rig.at('open') });
  });

  test('a triple fault exits, not as an exit during event delivery', () => {
    const rig = new VmxRig((a) => a.ud2());
    rig.set(fields.VMCS_GUEST_IDTR_LIMIT, 0);
    expect(rig.exit()).toMatchObject({ reason: reasons.EXIT_TRIPLE_FAULT, vectoring: 0, rip: CODE });
    expect(rig.core.state.i32[I32_IDTR_LIMIT]).toBe(0xffff);
  });

  test('an exit during the delivery of an event tells the event', () => {
    const rig = new VmxRig((a) => {
      a.mov(rsp, 0x12_3456_7890);
      a.label('here');
      a.int(0x40);
    }).set(fields.VMCS_EXCEPTION_BITMAP, 1 << VECTOR_PF);
    expect(rig.exit()).toMatchObject({
      reason: reasons.EXIT_EXCEPTION_OR_NMI,
      vectoring: VALID + (4 << 8) + 0x40,
      length: 2,
      rip: rig.at('here'),
    });
  });

  test('a double fault that exits is no exit during event delivery', () => {
    const rig = new VmxRig((a) => a.ud2()).set(fields.VMCS_EXCEPTION_BITMAP, 1 << VECTOR_DF);
    // #UD has no gate, #GP of that has none either.
    rig.set(fields.VMCS_GUEST_IDTR_LIMIT, 5 * 16);
    expect(rig.exit()).toMatchObject({ interruption: VALID + 0xb00 + VECTOR_DF, vectoring: 0 });
  });

  test('the VMX-preemption timer counts down in units of 32 cycles; its rest is saved when asked for', () => {
    const rig = new VmxRig((a) => {
      a.label('loop');
      a.jmp('loop');
    })
      .ask(fields.VMCS_PIN_BASED_CONTROLS, controls.PIN_PREEMPTION_TIMER)
      .set(fields.VMCS_PREEMPTION_TIMER, 100);
    const before = rig.core.clock;
    expect(rig.exit().reason).toBe(reasons.EXIT_PREEMPTION_TIMER);
    const passed = rig.core.clock - before - rig.core.costs.vmEntry - rig.core.costs.vmExit;
    expect(passed).toBeGreaterThanOrEqual(3200);
    expect(passed).toBeLessThan(3200 + 64);
    expect(rig.vmcs.readNumber(fields.VMCS_PREEMPTION_TIMER)).toBe(100);
    const saved = new VmxRig((a) => a.cpuid())
      .ask(fields.VMCS_PIN_BASED_CONTROLS, controls.PIN_PREEMPTION_TIMER)
      .ask(fields.VMCS_EXIT_CONTROLS, controls.EXIT_CONTROL_SAVE_PREEMPTION_TIMER)
      .set(fields.VMCS_PREEMPTION_TIMER, 100);
    saved.exit();
    expect(saved.vmcs.readNumber(fields.VMCS_PREEMPTION_TIMER)).toBeLessThanOrEqual(100);
    expect(saved.vmcs.readNumber(fields.VMCS_PREEMPTION_TIMER)).toBeGreaterThan(90);
  });
});

describe('event injection', () => {
  const loop = (a: Assembler): void => {
    a.label('loop');
    a.nop();
    a.jmp('loop');
  };
  /** The rig ends in the handler, which halts. */
  const injected = (rig: VmxRig): ReturnType<VmxRig['delivered']> => {
    expect(rig.enter()).toBeUndefined();
    return rig.delivered(3);
  };

  test('an external interrupt goes through the IDT of the guest', () => {
    const rig = new VmxRig(loop).set(fields.VMCS_GUEST_RFLAGS, 2 | RFLAGS_IF).inject(VALID + 0x55);
    expect(injected(rig)).toMatchObject({ vector: 0x55, frame: [BigInt(CODE), 8n, BigInt(2 | RFLAGS_IF)] });
  });

  test('an exception pushes the error code of the VMCS', () => {
    const rig = new VmxRig(loop).inject(VALID + 0xb00 + VECTOR_GP).set(fields.VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0x1230);
    expect(injected(rig)).toMatchObject({ vector: VECTOR_GP, frame: [0x1230n, BigInt(CODE), 8n] });
  });

  test('a software interrupt pushes the RIP behind the instruction', () => {
    const rig = new VmxRig(loop).inject(VALID + 0x400 + 0x80).set(fields.VMCS_ENTRY_INSTRUCTION_LENGTH, 2);
    expect(injected(rig)).toMatchObject({ vector: 0x80, frame: [BigInt(CODE + 2), 8n, 2n] });
  });

  test('every exit clears the valid bit', () => {
    const rig = new VmxRig((a) => a.cpuid()).inject(VALID + 0x300 + VECTOR_UD);
    rig.machine.memory.bytes.set([0x0f, 0xa2], 0x2_8000 + VECTOR_UD * 16);
    expect(rig.exit().reason).toBe(reasons.EXIT_CPUID);
    expect(rig.vmcs.readNumber(fields.VMCS_ENTRY_INTERRUPTION_INFO)).toBe(0x300 + VECTOR_UD);
  });
});
