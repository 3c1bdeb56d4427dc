import { describe, expect, test } from 'vitest';
import { DR6_BD, DR6_BS, DR7_FIXED, DR7_GD } from '../../../src/arch/debugRegisters.ts';
import { EXIT_CPUID, EXIT_EXCEPTION_OR_NMI } from '../../../src/arch/exitReasons.ts';
import { RFLAGS_FIXED, RFLAGS_TF } from '../../../src/arch/rflags.ts';
import { VECTOR_DB } from '../../../src/arch/vectors.ts';
import * as fields from '../../../src/arch/vmcs.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { mem64 } from '../../../src/asm/operand.ts';
import { ax, dr7, rax } from '../../../src/asm/register.ts';
import { BLOCKING_BY_MOV_SS, U64_DR0, U64_DR6, U64_DR7 } from '../../../src/cpu/state.ts';
import { DATA } from '../rig.ts';
import { VmxRig } from './vmxRig.ts';

/** Breakpoint 0, on accesses of 8 bytes. */
const WATCH_0 = DR7_FIXED | 1 | (3 << 16) | (2 << 18);
const PENDING_B0 = 0x1001;
const FIXED = 0xffff_0ff0n;

/** A guest with breakpoint 0 on DATA. */
function watching(write: (a: Assembler) => void): VmxRig {
  const rig = new VmxRig(write);
  rig.core.state.u64[U64_DR0] = BigInt(DATA);
  rig.core.state.u64[U64_DR6] = FIXED;
  return rig.set(fields.VMCS_GUEST_DR7, WATCH_0);
}

/** The exception bitmap has #DB. */
const wanted = (rig: VmxRig): VmxRig => rig.set(fields.VMCS_EXCEPTION_BITMAP, 1 << VECTOR_DB);

/** Runs the guest until it halts in a handler; the vector. */
function handled(rig: VmxRig): number {
  expect(rig.enter()).toBeUndefined();
  return rig.delivered().vector;
}

const movSsThenCpuid = (a: Assembler): void => {
  a.bytes([0x8e, 0x14, 0x25, DATA & 0xff, (DATA >> 8) & 0xff, DATA >> 16, 0]); // mov ss, [DATA]
  a.label('shadowed');
  a.cpuid();
  a.label('behind');
  a.hlt();
};

describe('a #DB that leaves a guest', () => {
  test('has its causes in the exit qualification, and leaves DR6 and DR7 alone', () => {
    const data = wanted(
      watching((a) => {
        a.mov(rax, mem64(DATA));
        a.hlt();
      }),
    );
    expect(data.exit()).toMatchObject({ reason: EXIT_EXCEPTION_OR_NMI, qualification: 1n });
    const step = wanted(new VmxRig((a) => a.nop())).set(fields.VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
    step.core.state.u64[U64_DR6] = FIXED;
    expect(step.exit()).toMatchObject({ reason: EXIT_EXCEPTION_OR_NMI, qualification: BigInt(DR6_BS) });
    const general = wanted(new VmxRig((a) => a.mov(rax, dr7))).set(fields.VMCS_GUEST_DR7, DR7_FIXED | DR7_GD);
    general.core.state.u64[U64_DR6] = FIXED;
    expect(general.exit()).toMatchObject({ reason: EXIT_EXCEPTION_OR_NMI, qualification: BigInt(DR6_BD) });
    for (const rig of [data, step, general]) expect(rig.core.state.u64[U64_DR6]).toBe(FIXED);
    expect(general.vmcs.readNumber(fields.VMCS_GUEST_DR7)).toBe(DR7_FIXED | DR7_GD);
  });

  test('INT1 has none', () => {
    expect(wanted(new VmxRig((a) => a.bytes([0xf1]))).exit()).toMatchObject({ reason: EXIT_EXCEPTION_OR_NMI, qualification: 0n });
  });
});

test('a #DB that is delivered sets DR6 and clears DR7.GD', () => {
  const rig = new VmxRig((a) => a.mov(rax, dr7)).set(fields.VMCS_GUEST_DR7, DR7_FIXED | DR7_GD);
  rig.core.state.u64[U64_DR6] = FIXED;
  expect(handled(rig)).toBe(VECTOR_DB);
  expect([rig.core.state.u64[U64_DR6], rig.core.state.u64[U64_DR7]]).toEqual([FIXED | BigInt(DR6_BD), BigInt(DR7_FIXED)]);
});

describe('pending debug exceptions', () => {
  test('a breakpoint that MOV SS has put off is saved by a VM exit, with the shadow, and delivered behind the instruction after the next entry', () => {
    const rig = watching(movSsThenCpuid);
    rig.store(DATA, 0x10n);
    expect(rig.exit()).toMatchObject({ reason: EXIT_CPUID, rip: rig.at('shadowed') });
    const { vmcs } = rig;
    expect(vmcs.readNumber(fields.VMCS_GUEST_PENDING_DEBUG)).toBe(PENDING_B0);
    expect(vmcs.readNumber(fields.VMCS_GUEST_INTERRUPTIBILITY) & BLOCKING_BY_MOV_SS).toBe(BLOCKING_BY_MOV_SS);
    expect(rig.core.pendingDebug).toBe(0);
    // The monitor emulates CPUID and leaves the shadow behind.
    vmcs.writeNumber(fields.VMCS_GUEST_RIP, rig.at('behind'));
    vmcs.writeNumber(fields.VMCS_GUEST_INTERRUPTIBILITY, 0);
    expect(rig.enter()).toBeUndefined();
    const { vector, frame } = rig.delivered();
    expect([vector, Number(frame[0])]).toEqual([VECTOR_DB, rig.at('behind')]);
    expect(rig.core.state.u64[U64_DR6]).toBe(FIXED | 1n);
  });

  test('wait for the instruction in the shadow when the entry restores it', () => {
    const rig = new VmxRig((a) => {
      a.mov(ax, 1);
      a.label('behind');
      a.hlt();
    });
    rig.set(fields.VMCS_GUEST_PENDING_DEBUG, PENDING_B0).set(fields.VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_MOV_SS);
    expect(rig.enter()).toBeUndefined();
    const { vector, frame } = rig.delivered();
    expect([vector, Number(frame[0])]).toEqual([VECTOR_DB, rig.at('behind')]);
  });

  test('leave the guest when the exception bitmap wants them', () => {
    const rig = wanted(new VmxRig((a) => a.hlt())).set(fields.VMCS_GUEST_PENDING_DEBUG, PENDING_B0);
    expect(rig.exit()).toMatchObject({ reason: EXIT_EXCEPTION_OR_NMI, qualification: 1n, rip: rig.at('start') });
    expect(rig.vmcs.readNumber(fields.VMCS_GUEST_PENDING_DEBUG)).toBe(0);
  });

  test('with reserved bits the VM entry fails', () => {
    for (const bits of [1 << 4, 1 << 13, 1 << 15]) {
      const rig = new VmxRig((a) => a.hlt()).set(fields.VMCS_GUEST_PENDING_DEBUG, bits);
      expect(rig.enter()).toMatch('pending debug exceptions');
    }
  });

  test('none are there after an ordinary exit', () => {
    const rig = watching((a) => a.cpuid());
    rig.exit();
    expect(rig.vmcs.readNumber(fields.VMCS_GUEST_PENDING_DEBUG)).toBe(0);
  });
});
