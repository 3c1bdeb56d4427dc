import { CR0_ET, CR0_NE, CR4_VMXE } from '../arch/controlRegisters.ts';
import { IA32_APIC_BASE, IA32_TSC, IA32_TSC_DEADLINE, PAT_RESET, X2APIC_MSR_FIRST, X2APIC_MSR_LAST } from '../arch/msr.ts';
import { RAX, RBX, RDI } from '../arch/registers.ts';
import { IA32_CORE_CAPABILITIES, IA32_RAR_ACT_VEC, IA32_RAR_CTRL, IA32_RAR_INFO, IA32_RAR_PAYLOAD_BASE } from '../arch/remoteActions.ts';
import { RFLAGS_FIXED } from '../arch/rflags.ts';
import { AR_P, AR_S, AR_UNUSABLE, TYPE_ACCESSED, TYPE_CODE, TYPE_TSS_BUSY, TYPE_WRITABLE_OR_READABLE } from '../arch/segments.ts';
import {
  VMCS_CR0_GUEST_HOST_MASK,
  VMCS_CR0_READ_SHADOW,
  VMCS_CR4_GUEST_HOST_MASK,
  VMCS_CR4_READ_SHADOW,
  VMCS_ENTRY_CONTROLS,
  VMCS_ENTRY_INTERRUPTION_INFO,
  VMCS_EPTP,
  VMCS_EXIT_CONTROLS,
  VMCS_GUEST_ACTIVITY,
  VMCS_GUEST_CR0,
  VMCS_GUEST_CR3,
  VMCS_GUEST_CR4,
  VMCS_GUEST_DR7,
  VMCS_GUEST_EFER,
  VMCS_GUEST_ES_ACCESS,
  VMCS_GUEST_ES_BASE,
  VMCS_GUEST_ES_LIMIT,
  VMCS_GUEST_ES_SELECTOR,
  VMCS_GUEST_GDTR_BASE,
  VMCS_GUEST_GDTR_LIMIT,
  VMCS_GUEST_IDTR_BASE,
  VMCS_GUEST_IDTR_LIMIT,
  VMCS_GUEST_INTERRUPTIBILITY,
  VMCS_GUEST_PAT,
  VMCS_GUEST_RFLAGS,
  VMCS_GUEST_RIP,
  VMCS_GUEST_RSP,
  VMCS_HOST_CR0,
  VMCS_HOST_CR3,
  VMCS_HOST_CR4,
  VMCS_HOST_CS_SELECTOR,
  VMCS_HOST_DS_SELECTOR,
  VMCS_HOST_EFER,
  VMCS_HOST_SS_SELECTOR,
  VMCS_HOST_TR_SELECTOR,
  VMCS_LINK_POINTER,
  VMCS_MSR_BITMAPS,
  VMCS_PIN_BASED_CONTROLS,
  VMCS_PLE_GAP,
  VMCS_PLE_WINDOW,
  VMCS_PRIMARY_CONTROLS,
  VMCS_SECONDARY_CONTROLS,
  VMCS_VPID,
} from '../arch/vmcs.ts';
import {
  ENTRY_CONTROL_IA32E_GUEST,
  ENTRY_CONTROL_LOAD_EFER,
  ENTRY_CONTROL_LOAD_PAT,
  EXIT_CONTROL_ACKNOWLEDGE_INTERRUPT,
  EXIT_CONTROL_HOST_64,
  EXIT_CONTROL_LOAD_EFER,
  EXIT_CONTROL_SAVE_EFER,
  EXIT_CONTROL_SAVE_PAT,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PIN_VIRTUAL_NMIS,
  PRIMARY_ACTIVATE_SECONDARY,
  PRIMARY_HLT_EXITING,
  PRIMARY_TSC_OFFSETTING,
  PRIMARY_UNCONDITIONAL_IO_EXITING,
  PRIMARY_USE_MSR_BITMAPS,
  SECONDARY_EPT,
  SECONDARY_INVPCID,
  SECONDARY_PLE,
  SECONDARY_RDTSCP,
  SECONDARY_UNRESTRICTED_GUEST,
  SECONDARY_VPID,
} from '../arch/vmxControls.ts';
import { U64_XCR0 } from '../cpu/state.ts';
import type { Vmcs } from '../cpu/vmx/vmcs.ts';
import { DIRECT_ENTRY } from '../machine/directEntry.ts';
import { MULTIBOOT_ENTRY } from '../machine/enterMultiboot.ts';
import type { MultibootMemory } from '../machine/multibootInformation.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import type { PauseLoopExiting } from './pauseLoop.ts';
import type { Vcpu } from './vcpu.ts';

const SEGMENT_CS = 1;
const SEGMENT_LDTR = 6;
const SEGMENT_TR = 7;
const REAL_MODE_DATA = AR_P | AR_S | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED;

/** MSRs that a guest's accesses leave it for: the virtual APIC, its base and its deadline timer, writes of the TSC, and remote actions. */
export function fillMsrBitmap(memory: PhysicalMemory, page: number): void {
  const intercept = (msr: number, read: boolean, write: boolean): void => {
    if (read) memory.bytes[page + (msr >> 3)]! |= 1 << (msr & 7);
    if (write) memory.bytes[page + 2048 + (msr >> 3)]! |= 1 << (msr & 7);
  };
  for (let msr = X2APIC_MSR_FIRST; msr <= X2APIC_MSR_LAST; msr++) intercept(msr, true, true);
  intercept(IA32_APIC_BASE, true, true);
  intercept(IA32_TSC_DEADLINE, true, true);
  intercept(IA32_TSC, false, true);
  for (const msr of [IA32_CORE_CAPABILITIES, IA32_RAR_CTRL, IA32_RAR_ACT_VEC, IA32_RAR_PAYLOAD_BASE, IA32_RAR_INFO])
    intercept(msr, true, true);
}

/** A vCPU that halts stays in its guest and keeps its core until its slice ends, as one that computes would (KVM: KVM_X86_DISABLE_EXITS_HLT). */
export function keepHalted({ vmcs }: Vcpu): void {
  vmcs.writeNumber(VMCS_PRIMARY_CONTROLS, (vmcs.readNumber(VMCS_PRIMARY_CONTROLS) & ~PRIMARY_HLT_EXITING) >>> 0);
}

/** PAUSE loops of the vCPU leave the guest. */
export function setupPauseLoopExiting({ vmcs }: Vcpu, { gap, window }: PauseLoopExiting): void {
  vmcs.writeNumber(VMCS_SECONDARY_CONTROLS, vmcs.readNumber(VMCS_SECONDARY_CONTROLS) | SECONDARY_PLE);
  vmcs.writeNumber(VMCS_PLE_GAP, gap);
  vmcs.writeNumber(VMCS_PLE_WINDOW, window);
}

/** Controls and host state that every vCPU starts with. */
export function setupControls(vcpu: Vcpu, msrBitmap: number): void {
  const { vmcs } = vcpu;
  vmcs.writeNumber(VMCS_VPID, vcpu.vpid);
  vmcs.writeNumber(VMCS_EPTP, vcpu.vm.eptp);
  vmcs.writeNumber(VMCS_MSR_BITMAPS, msrBitmap);
  vmcs.write(VMCS_LINK_POINTER, 0xffff_ffff_ffff_ffffn);
  vmcs.writeNumber(VMCS_PIN_BASED_CONTROLS, PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS);
  const primary =
    PRIMARY_HLT_EXITING + PRIMARY_TSC_OFFSETTING + PRIMARY_UNCONDITIONAL_IO_EXITING + PRIMARY_USE_MSR_BITMAPS + PRIMARY_ACTIVATE_SECONDARY;
  vmcs.writeNumber(VMCS_PRIMARY_CONTROLS, primary);
  vmcs.writeNumber(
    VMCS_SECONDARY_CONTROLS,
    SECONDARY_EPT | SECONDARY_VPID | SECONDARY_UNRESTRICTED_GUEST | SECONDARY_RDTSCP | SECONDARY_INVPCID,
  );
  vmcs.writeNumber(
    VMCS_EXIT_CONTROLS,
    EXIT_CONTROL_HOST_64 | EXIT_CONTROL_ACKNOWLEDGE_INTERRUPT | EXIT_CONTROL_SAVE_PAT | EXIT_CONTROL_SAVE_EFER | EXIT_CONTROL_LOAD_EFER,
  );
  // The guest may not see that VMX is on, nor touch CR0.NE.
  vmcs.writeNumber(VMCS_CR0_GUEST_HOST_MASK, CR0_NE);
  vmcs.writeNumber(VMCS_CR0_READ_SHADOW, CR0_NE);
  vmcs.writeNumber(VMCS_CR4_GUEST_HOST_MASK, CR4_VMXE);
  vmcs.writeNumber(VMCS_CR4_READ_SHADOW, 0);
  // The monitor is host software: it uses no linear addresses, so its tables stay empty.
  vmcs.writeNumber(VMCS_HOST_CR0, DIRECT_ENTRY.cr0);
  vmcs.writeNumber(VMCS_HOST_CR3, 0);
  vmcs.writeNumber(VMCS_HOST_CR4, DIRECT_ENTRY.cr4 | CR4_VMXE);
  vmcs.writeNumber(VMCS_HOST_EFER, DIRECT_ENTRY.efer);
  vmcs.writeNumber(VMCS_HOST_CS_SELECTOR, DIRECT_ENTRY.codeSelector);
  vmcs.writeNumber(VMCS_HOST_SS_SELECTOR, DIRECT_ENTRY.dataSelector);
  vmcs.writeNumber(VMCS_HOST_DS_SELECTOR, DIRECT_ENTRY.dataSelector);
  vmcs.writeNumber(VMCS_HOST_TR_SELECTOR, 0x18);
}

/** The vCPU is at a direct entry: the same state as a bare core gets (machine/enterDirect). */
export function setupDirectEntry(vcpu: Vcpu, entry: number): void {
  const { vmcs } = vcpu;
  clearGuestState(vcpu);
  vmcs.writeNumber(VMCS_ENTRY_CONTROLS, ENTRY_CONTROL_IA32E_GUEST | ENTRY_CONTROL_LOAD_EFER | ENTRY_CONTROL_LOAD_PAT);
  vmcs.writeNumber(VMCS_GUEST_CR0, DIRECT_ENTRY.cr0);
  vmcs.writeNumber(VMCS_GUEST_CR3, DIRECT_ENTRY.cr3);
  vmcs.writeNumber(VMCS_GUEST_CR4, DIRECT_ENTRY.cr4 | CR4_VMXE);
  vmcs.writeNumber(VMCS_GUEST_EFER, DIRECT_ENTRY.efer);
  vmcs.writeNumber(VMCS_GUEST_GDTR_BASE, DIRECT_ENTRY.gdtBase);
  vmcs.writeNumber(VMCS_GUEST_GDTR_LIMIT, DIRECT_ENTRY.gdtLimit);
  vmcs.writeNumber(VMCS_GUEST_IDTR_LIMIT, 0);
  for (let segment = 0; segment < SEGMENT_LDTR; segment++) {
    const code = segment === SEGMENT_CS;
    const selector = code ? DIRECT_ENTRY.codeSelector : DIRECT_ENTRY.dataSelector;
    setSegment(vmcs, segment, selector, 0, 0xffff_ffff, code ? DIRECT_ENTRY.codeAccess : DIRECT_ENTRY.dataAccess);
  }
  vmcs.writeNumber(VMCS_GUEST_RSP, DIRECT_ENTRY.stackPointer);
  vmcs.writeNumber(VMCS_GUEST_RIP, entry);
  vcpu.registers[RDI] = BigInt(DIRECT_ENTRY.bootRecord);
  vcpu.initializeX87();
}

/** The vCPU is at a Multiboot entry: the same state as a bare core gets (machine/enterMultiboot). */
export function setupMultibootEntry(vcpu: Vcpu, entry: number, { information, gdt }: Pick<MultibootMemory, 'information' | 'gdt'>): void {
  const { vmcs } = vcpu;
  clearGuestState(vcpu);
  vmcs.writeNumber(VMCS_ENTRY_CONTROLS, ENTRY_CONTROL_LOAD_EFER | ENTRY_CONTROL_LOAD_PAT);
  vmcs.writeNumber(VMCS_GUEST_CR0, MULTIBOOT_ENTRY.cr0);
  vmcs.writeNumber(VMCS_GUEST_CR4, CR4_VMXE);
  vmcs.writeNumber(VMCS_GUEST_GDTR_BASE, gdt);
  vmcs.writeNumber(VMCS_GUEST_GDTR_LIMIT, MULTIBOOT_ENTRY.gdtLimit);
  vmcs.writeNumber(VMCS_GUEST_IDTR_LIMIT, 0);
  for (let segment = 0; segment < SEGMENT_LDTR; segment++) {
    const code = segment === SEGMENT_CS;
    const selector = code ? MULTIBOOT_ENTRY.codeSelector : MULTIBOOT_ENTRY.dataSelector;
    setSegment(vmcs, segment, selector, 0, 0xffff_ffff, code ? MULTIBOOT_ENTRY.codeAccess : MULTIBOOT_ENTRY.dataAccess);
  }
  vmcs.writeNumber(VMCS_GUEST_RIP, entry);
  vcpu.registers[RAX] = BigInt(MULTIBOOT_ENTRY.eax);
  vcpu.registers[RBX] = BigInt(information);
  vcpu.initializeX87();
}

/** The vCPU is in real mode at `vector` << 12, as a processor that received STARTUP. */
export function setupStartup(vcpu: Vcpu, vector: number): void {
  const { vmcs } = vcpu;
  clearGuestState(vcpu);
  vmcs.writeNumber(VMCS_ENTRY_CONTROLS, ENTRY_CONTROL_LOAD_EFER | ENTRY_CONTROL_LOAD_PAT);
  vmcs.writeNumber(VMCS_GUEST_CR0, CR0_ET | CR0_NE);
  vmcs.writeNumber(VMCS_GUEST_CR4, CR4_VMXE);
  vmcs.writeNumber(VMCS_GUEST_GDTR_LIMIT, 0xffff);
  vmcs.writeNumber(VMCS_GUEST_IDTR_LIMIT, 0xffff);
  for (let segment = 0; segment < SEGMENT_LDTR; segment++) setSegment(vmcs, segment, 0, 0, 0xffff, REAL_MODE_DATA);
  setSegment(vmcs, SEGMENT_CS, vector << 8, vector << 12, 0xffff, REAL_MODE_DATA | TYPE_CODE);
  vmcs.writeNumber(VMCS_GUEST_RIP, 0);
}

/** Fields that are 0 at every start; an earlier life of the vCPU may have left something in them. */
const CLEARED = [
  VMCS_GUEST_CR3,
  VMCS_GUEST_EFER,
  VMCS_GUEST_GDTR_BASE,
  VMCS_GUEST_IDTR_BASE,
  VMCS_GUEST_RSP,
  VMCS_GUEST_INTERRUPTIBILITY,
  VMCS_GUEST_ACTIVITY,
  VMCS_ENTRY_INTERRUPTION_INFO,
];

function clearGuestState(vcpu: Vcpu): void {
  const { vmcs } = vcpu;
  // INIT leaves XCR0 as it is.
  const xcr0 = vcpu.registers[U64_XCR0]!;
  vcpu.registers.fill(0n);
  vcpu.registers[U64_XCR0] = xcr0;
  for (const field of CLEARED) vmcs.writeNumber(field, 0);
  vmcs.write(VMCS_GUEST_PAT, PAT_RESET);
  vmcs.writeNumber(VMCS_GUEST_DR7, 0x400);
  vmcs.writeNumber(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
  setSegment(vmcs, SEGMENT_LDTR, 0, 0, 0, AR_UNUSABLE);
  setSegment(vmcs, SEGMENT_TR, 0, 0, 0xffff, AR_P | TYPE_TSS_BUSY);
}

function setSegment(vmcs: Vmcs, segment: number, selector: number, base: number, limit: number, access: number): void {
  vmcs.writeNumber(VMCS_GUEST_ES_SELECTOR + 2 * segment, selector);
  vmcs.writeNumber(VMCS_GUEST_ES_BASE + 2 * segment, base);
  vmcs.writeNumber(VMCS_GUEST_ES_LIMIT + 2 * segment, limit);
  vmcs.writeNumber(VMCS_GUEST_ES_ACCESS + 2 * segment, access);
}
