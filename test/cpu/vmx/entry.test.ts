import { describe, expect, test } from 'vitest';
import { CR0_NE, CR0_PE, CR0_PG, CR4_PAE, CR4_VMXE } from '../../../src/arch/controlRegisters.ts';
import { EXIT_ENTRY_FAILURE, EXIT_INVALID_GUEST_STATE, EXIT_VMCALL } from '../../../src/arch/exitReasons.ts';
import { RFLAGS_IF } from '../../../src/arch/rflags.ts';
import { VECTOR_GP, VECTOR_NMI, VECTOR_UD } from '../../../src/arch/vectors.ts';
import * as fields from '../../../src/arch/vmcs.ts';
import * as controls from '../../../src/arch/vmxControls.ts';
import { mem64 } from '../../../src/asm/operand.ts';
import { rax } from '../../../src/asm/register.ts';
import { COUNTER_VM_ENTRIES, COUNTER_VM_EXITS, COUNTER_WALKS } from '../../../src/trace/counters.ts';
import { CODE, DATA } from '../rig.ts';
import { VmxRig } from './vmxRig.ts';

const VALID = controls.INTERRUPTION_VALID;
const guest = (): VmxRig =>
  new VmxRig((a) => {
    a.vmcall();
    a.hlt();
  });

describe('VM entry', () => {
  test('loads the guest and its tags; an exit loads the host and keeps the guest', () => {
    const rig = guest();
    expect(rig.enter()).toBeUndefined();
    expect({ nonRoot: rig.core.nonRoot, rip: rig.core.rip, vpid: rig.core.mmu.context.vpid }).toEqual({
      nonRoot: true,
      rip: CODE,
      vpid: 1,
    });
    rig.run();
    expect({ nonRoot: rig.core.nonRoot, rip: rig.core.rip, vpid: rig.core.mmu.context.vpid }).toEqual({
      nonRoot: false,
      rip: 0x9000,
      vpid: 0,
    });
    expect(rig.vmcs.readNumber(fields.VMCS_EXIT_REASON)).toBe(EXIT_VMCALL);
    expect([rig.core.state.counters[COUNTER_VM_ENTRIES], rig.core.state.counters[COUNTER_VM_EXITS]]).toEqual([1, 1]);
  });

  test('adds the TSC offset for the guest alone', () => {
    const rig = new VmxRig((a) => {
      a.rdtsc();
      a.vmcall();
    })
      .ask(fields.VMCS_PRIMARY_CONTROLS, controls.PRIMARY_TSC_OFFSETTING)
      .set(fields.VMCS_TSC_OFFSET, 2 ** 40);
    rig.exit();
    const { u64 } = rig.core.state;
    expect(Number((u64[2]! << 32n) | u64[0]!)).toBeGreaterThan(2 ** 40);
    expect(u64[40]).toBe(0n);
  });

  describe('checks on controls', () => {
    test.for<readonly [string, (rig: VmxRig) => void]>([
      ['pin-based', (rig) => rig.ask(fields.VMCS_PIN_BASED_CONTROLS, 1 << 7)],
      ['secondary controls', (rig) => rig.ask(fields.VMCS_SECONDARY_CONTROLS, 1)],
      ['VPID 0', (rig) => rig.set(fields.VMCS_VPID, 0)],
      [
        'not page-aligned',
        (rig) => rig.ask(fields.VMCS_PRIMARY_CONTROLS, controls.PRIMARY_USE_MSR_BITMAPS).set(fields.VMCS_MSR_BITMAPS, 0x123),
      ],
      ['memory type', (rig) => rig.ask(fields.VMCS_SECONDARY_CONTROLS, controls.SECONDARY_EPT).set(fields.VMCS_EPTP, 0x7_201a - 1)],
      ['walk length', (rig) => rig.ask(fields.VMCS_SECONDARY_CONTROLS, controls.SECONDARY_EPT).set(fields.VMCS_EPTP, 0x7_2006)],
      ['reserved bits', (rig) => rig.ask(fields.VMCS_SECONDARY_CONTROLS, controls.SECONDARY_EPT).set(fields.VMCS_EPTP, 0x7_2f9e)],
      ['unrestricted guest without EPT', (rig) => rig.ask(fields.VMCS_SECONDARY_CONTROLS, controls.SECONDARY_UNRESTRICTED_GUEST)],
      ['reserved event type 1', (rig) => rig.inject(VALID + 0x100 + 0x20)],
      ['NMI with vector 3', (rig) => rig.inject(VALID + 0x200 + 3)],
      ['exception 32', (rig) => rig.inject(VALID + 0x300 + 32)],
      ['vector 13 without an error code', (rig) => rig.inject(VALID + 0x300 + VECTOR_GP)],
      ['vector 6 with an error code', (rig) => rig.inject(VALID + 0xb00 + VECTOR_UD)],
      ['reserved bits', (rig) => rig.inject(VALID + 0x300 + VECTOR_UD + 0x1000)],
      ['instruction length 0', (rig) => rig.inject(VALID + 0x400 + 0x80)],
      ['instruction length 16', (rig) => rig.inject(VALID + 0x400 + 0x80).set(fields.VMCS_ENTRY_INSTRUCTION_LENGTH, 16)],
    ])('%s: VM-instruction error 7', ([text, spoil]) => {
      const rig = guest();
      spoil(rig);
      expect(rig.enter()).toContain(text);
      expect([rig.vmcs.readNumber(fields.VMCS_INSTRUCTION_ERROR), rig.core.nonRoot]).toEqual([7, false]);
    });
  });

  describe('switching EFER and PAT', () => {
    const PAT = 0x0007_0406_0007_0401n;
    const [EFER, GUEST_PAT] = [21, 42];

    test('loads EFER and PAT only when the entry controls say so', () => {
      const rig = guest().set(fields.VMCS_ENTRY_CONTROLS, controls.ENTRY_CONTROL_IA32E_GUEST);
      const { u64 } = rig.core.state;
      const before = [u64[EFER], u64[GUEST_PAT]];
      rig.vmcs.write(fields.VMCS_GUEST_EFER, 0x500n);
      rig.vmcs.write(fields.VMCS_GUEST_PAT, PAT);
      expect([rig.enter(), u64[EFER], u64[GUEST_PAT]]).toEqual([undefined, ...before]);
      rig.run();
      rig.ask(fields.VMCS_ENTRY_CONTROLS, controls.ENTRY_CONTROL_LOAD_EFER | controls.ENTRY_CONTROL_LOAD_PAT);
      rig.vmcs.write(fields.VMCS_GUEST_EFER, 0x500n);
      expect([rig.enter(), u64[EFER], u64[GUEST_PAT]]).toEqual([undefined, 0x500n, PAT]);
    });

    test('without an EFER of its own a guest has LMA and LME as its mode', () => {
      const rig = guest().set(fields.VMCS_ENTRY_CONTROLS, controls.ENTRY_CONTROL_IA32E_GUEST);
      rig.core.state.u64[EFER] = 1n;
      expect([rig.enter(), rig.core.state.u64[EFER]]).toEqual([undefined, 0x501n]);
    });

    test('an exit saves and loads them only when the exit controls say so', () => {
      const host = 0x0606_0606_0606_0606n;
      const rig = guest().set(fields.VMCS_EXIT_CONTROLS, controls.EXIT_CONTROL_HOST_64);
      const { u64 } = rig.core.state;
      rig.vmcs.write(fields.VMCS_HOST_PAT, host);
      rig.vmcs.write(fields.VMCS_GUEST_PAT, 0n);
      rig.enter();
      u64[GUEST_PAT] = PAT;
      u64[EFER]! |= 1n;
      const efer = rig.vmcs.read(fields.VMCS_GUEST_EFER);
      rig.run();
      expect([rig.vmcs.read(fields.VMCS_GUEST_PAT), u64[GUEST_PAT], rig.vmcs.read(fields.VMCS_GUEST_EFER)]).toEqual([0n, PAT, efer]);
      rig.ask(fields.VMCS_EXIT_CONTROLS, controls.EXIT_CONTROL_SAVE_PAT | controls.EXIT_CONTROL_LOAD_PAT);
      expect(rig.enter()).toBeUndefined();
      rig.run();
      expect([rig.vmcs.read(fields.VMCS_GUEST_PAT), u64[GUEST_PAT]]).toEqual([PAT, host]);
    });
  });

  describe('checks on host state', () => {
    test.for<readonly [string, (rig: VmxRig) => void]>([
      ['host CR0', (rig) => rig.set(fields.VMCS_HOST_CR0, CR0_PE)],
      ['host CR4', (rig) => rig.set(fields.VMCS_HOST_CR4, CR4_PAE)],
      ['host CR3 beyond', (rig) => rig.vmcs.write(fields.VMCS_HOST_CR3, 1n << 44n)],
      [
        'host PAT',
        (rig) => {
          rig.ask(fields.VMCS_EXIT_CONTROLS, controls.EXIT_CONTROL_LOAD_PAT);
          rig.vmcs.write(fields.VMCS_HOST_PAT, 2n);
        },
      ],
      ['host EFER has reserved', (rig) => rig.set(fields.VMCS_HOST_EFER, 0x502)],
      ['host EFER.LMA', (rig) => rig.set(fields.VMCS_HOST_EFER, 0x100)],
      ['an RPL', (rig) => rig.set(fields.VMCS_HOST_DS_SELECTOR, 0x13)],
      ['CS is null', (rig) => rig.set(fields.VMCS_HOST_CS_SELECTOR, 0)],
      ['TR is null', (rig) => rig.set(fields.VMCS_HOST_TR_SELECTOR, 0)],
      ['host address', (rig) => rig.vmcs.write(fields.VMCS_HOST_GS_BASE, 1n << 50n)],
      ['IA-32e mode guest of a 32-bit host', (rig) => rig.set(fields.VMCS_EXIT_CONTROLS, 0)],
      ['without PAE', (rig) => rig.set(fields.VMCS_HOST_CR4, CR4_VMXE)],
      ['host RIP', (rig) => rig.vmcs.write(fields.VMCS_HOST_RIP, 1n << 47n)],
    ])('%s: VM-instruction error 8', ([text, spoil]) => {
      const rig = guest();
      spoil(rig);
      expect(rig.enter()).toContain(text);
      expect([rig.vmcs.readNumber(fields.VMCS_INSTRUCTION_ERROR), rig.core.nonRoot]).toEqual([8, false]);
    });
  });

  describe('checks on guest state', () => {
    const cr0 = (CR0_PG | CR0_PE | CR0_NE) >>> 0;
    test.for<readonly [string, (rig: VmxRig) => void]>([
      ['CR0 without PE or PG', (rig) => rig.set(fields.VMCS_GUEST_CR0, CR0_NE)],
      ['CR0 without NE', (rig) => rig.set(fields.VMCS_GUEST_CR0, cr0 - CR0_NE)],
      ['CR4 without VMXE', (rig) => rig.set(fields.VMCS_GUEST_CR4, CR4_PAE)],
      ['without paging or PAE', (rig) => rig.set(fields.VMCS_GUEST_CR4, CR4_VMXE)],
      ['EFER.LMA differs', (rig) => rig.set(fields.VMCS_GUEST_EFER, 0)],
      ['EFER.LME differs', (rig) => rig.set(fields.VMCS_GUEST_EFER, 1 << 10)],
      ['CR3 beyond', (rig) => rig.vmcs.write(fields.VMCS_GUEST_CR3, 1n << 52n)],
      ['CR3 beyond', (rig) => rig.vmcs.write(fields.VMCS_GUEST_CR3, 1n << 44n)],
      ['EFER has reserved', (rig) => rig.set(fields.VMCS_GUEST_EFER, 0x502)],
      [
        'PAT',
        (rig) => {
          rig.ask(fields.VMCS_ENTRY_CONTROLS, controls.ENTRY_CONTROL_LOAD_PAT);
          rig.vmcs.write(fields.VMCS_GUEST_PAT, 3n << 56n);
        },
      ],
      ['NW without CD', (rig) => rig.set(fields.VMCS_GUEST_CR0, cr0 + 2 ** 29)],
      ['CR0 beyond 32 bits', (rig) => rig.vmcs.write(fields.VMCS_GUEST_CR0, (1n << 32n) | BigInt(cr0))],
      ['DR7', (rig) => rig.vmcs.write(fields.VMCS_GUEST_DR7, 1n << 32n)],
      ['TR is in a local', (rig) => rig.set(fields.VMCS_GUEST_TR_SELECTOR, 0x1c)],
      ['TR is not present', (rig) => rig.set(fields.VMCS_GUEST_TR_ACCESS, 0x0b)],
      ['LDTR is in a local', (rig) => rig.set(fields.VMCS_GUEST_LDTR_ACCESS, 0x82).set(fields.VMCS_GUEST_LDTR_SELECTOR, 4)],
      ['no present local', (rig) => rig.set(fields.VMCS_GUEST_LDTR_ACCESS, 0x83)],
      ['limit beyond', (rig) => rig.set(fields.VMCS_GUEST_GDTR_LIMIT, 0x1_0000)],
      ['base address', (rig) => rig.vmcs.write(fields.VMCS_GUEST_SYSENTER_EIP, 1n << 63n)],
      ['interruptibility state', (rig) => rig.set(fields.VMCS_GUEST_INTERRUPTIBILITY, 0x20)],
      ['by STI and by MOV SS', (rig) => rig.set(fields.VMCS_GUEST_RFLAGS, 2 | RFLAGS_IF).set(fields.VMCS_GUEST_INTERRUPTIBILITY, 3)],
      ['CS is unusable', (rig) => rig.ask(fields.VMCS_GUEST_CS_ACCESS, 1 << 16)],
      ['CS has L and D', (rig) => rig.ask(fields.VMCS_GUEST_CS_ACCESS, 1 << 14)],
      ['TR is unusable', (rig) => rig.ask(fields.VMCS_GUEST_TR_ACCESS, 1 << 16)],
      ['TR is no busy TSS', (rig) => rig.set(fields.VMCS_GUEST_TR_ACCESS, 0x89)],
      ['base address', (rig) => rig.vmcs.write(fields.VMCS_GUEST_GS_BASE, 1n << 63n)],
      ['RIP is not canonical', (rig) => rig.vmcs.write(fields.VMCS_GUEST_RIP, 0x8000_0000_0000n)],
      ['RFLAGS', (rig) => rig.set(fields.VMCS_GUEST_RFLAGS, 0)],
      ['RFLAGS', (rig) => rig.set(fields.VMCS_GUEST_RFLAGS, 2 | (1 << 3))],
      ['while RFLAGS.IF = 0', (rig) => rig.inject(VALID + 0x30)],
      [
        'interrupt shadow',
        (rig) =>
          rig
            .set(fields.VMCS_GUEST_RFLAGS, 2 | RFLAGS_IF)
            .set(fields.VMCS_GUEST_INTERRUPTIBILITY, 1)
            .inject(VALID + 0x30),
      ],
      ['blocking by STI', (rig) => rig.set(fields.VMCS_GUEST_INTERRUPTIBILITY, 1)],
      ['activity state is reserved', (rig) => rig.set(fields.VMCS_GUEST_ACTIVITY, 4)],
      ['inactive in an interrupt shadow', (rig) => rig.set(fields.VMCS_GUEST_ACTIVITY, 1).set(fields.VMCS_GUEST_INTERRUPTIBILITY, 2)],
      ['halted outside ring 0', (rig) => rig.set(fields.VMCS_GUEST_ACTIVITY, 1).set(fields.VMCS_GUEST_SS_ACCESS, 0xf3)],
      ['link pointer', (rig) => rig.set(fields.VMCS_LINK_POINTER, 0)],
    ])('%s: a failed entry by invalid guest state', ([text, spoil]) => {
      const rig = guest();
      spoil(rig);
      expect(rig.enter()).toContain(text);
      expect([rig.vmcs.readNumber(fields.VMCS_EXIT_REASON), rig.core.nonRoot, rig.core.rip]).toEqual([
        EXIT_ENTRY_FAILURE + EXIT_INVALID_GUEST_STATE,
        false,
        CODE,
      ]);
    });
  });

  test('an injected NMI blocks the next', () => {
    const rig = guest().inject(VALID + 0x200 + VECTOR_NMI);
    expect(rig.enter()).toBeUndefined();
    expect(rig.delivered(1).vector).toBe(VECTOR_NMI);
  });
});

describe('translations across VM entries and exits', () => {
  /** Reads DATA and leaves, again and again. */
  const reader = (): VmxRig =>
    new VmxRig((a) => {
      a.label('again');
      a.mov(rax, mem64(DATA));
      a.vmcall();
      a.jmp('again');
    });
  const skip = (rig: VmxRig): void => {
    rig.vmcs.write(fields.VMCS_GUEST_RIP, rig.vmcs.read(fields.VMCS_GUEST_RIP) + 3n);
  };
  /** Walks of the second visit to the guest. */
  function secondVisit(rig: VmxRig, between: () => void): number {
    rig.exit();
    skip(rig);
    between();
    const before = rig.core.state.counters[COUNTER_WALKS]!;
    rig.exit();
    return rig.core.state.counters[COUNTER_WALKS]! - before;
  }

  test('with VPID they stay', () => {
    expect(secondVisit(reader(), () => {})).toBe(0);
  });

  test('without VPID every entry and exit drops them', () => {
    const rig = reader().set(fields.VMCS_SECONDARY_CONTROLS, 0).set(fields.VMCS_VPID, 0);
    expect(secondVisit(rig, () => {})).toBeGreaterThan(0);
  });

  test('they stay while a guest with another VPID runs, and do not serve it', () => {
    const rig = reader();
    const own = secondVisit(rig, () => {});
    skip(rig);
    rig.set(fields.VMCS_VPID, 2);
    const before = rig.core.state.counters[COUNTER_WALKS]!;
    rig.exit();
    const other = rig.core.state.counters[COUNTER_WALKS]! - before;
    skip(rig);
    rig.set(fields.VMCS_VPID, 1);
    const again = rig.core.state.counters[COUNTER_WALKS]!;
    rig.exit();
    expect({ own, other: other > 0, back: rig.core.state.counters[COUNTER_WALKS]! - again }).toEqual({ own: 0, other: true, back: 0 });
  });
});
