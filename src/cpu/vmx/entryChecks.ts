import { CR0_CD, CR0_NE, CR0_NW, CR0_PE, CR0_PG, CR4_PAE, CR4_PCIDE, CR4_VMXE, EFER_LMA, EFER_LME } from '../../arch/controlRegisters.ts';
import { PENDING_DEBUG_DEFINED } from '../../arch/debugRegisters.ts';
import { EPTP_WALK_4, EPTP_WB } from '../../arch/paging.ts';
import { RFLAGS_DEFINED, RFLAGS_FIXED, RFLAGS_IF, RFLAGS_VM } from '../../arch/rflags.ts';
import { AR_DB, AR_DPL, AR_L, AR_P, AR_S, AR_TYPE, AR_UNUSABLE, TYPE_LDT, TYPE_TSS_BUSY } from '../../arch/segments.ts';
import { VECTOR_NMI, VECTORS_WITH_ERROR_CODE } from '../../arch/vectors.ts';
import {
  VMCS_ENTRY_CONTROLS,
  VMCS_ENTRY_INSTRUCTION_LENGTH,
  VMCS_ENTRY_INTERRUPTION_INFO,
  VMCS_EPTP,
  VMCS_GUEST_ACTIVITY,
  VMCS_GUEST_CR0,
  VMCS_GUEST_CR3,
  VMCS_GUEST_CR4,
  VMCS_GUEST_CS_ACCESS,
  VMCS_GUEST_DR7,
  VMCS_GUEST_EFER,
  VMCS_GUEST_FS_BASE,
  VMCS_GUEST_GDTR_BASE,
  VMCS_GUEST_GDTR_LIMIT,
  VMCS_GUEST_GS_BASE,
  VMCS_GUEST_IDTR_BASE,
  VMCS_GUEST_IDTR_LIMIT,
  VMCS_GUEST_INTERRUPTIBILITY,
  VMCS_GUEST_LDTR_ACCESS,
  VMCS_GUEST_LDTR_BASE,
  VMCS_GUEST_LDTR_SELECTOR,
  VMCS_GUEST_PAT,
  VMCS_GUEST_PENDING_DEBUG,
  VMCS_GUEST_RFLAGS,
  VMCS_GUEST_RIP,
  VMCS_GUEST_SS_ACCESS,
  VMCS_GUEST_SYSENTER_EIP,
  VMCS_GUEST_SYSENTER_ESP,
  VMCS_GUEST_TR_ACCESS,
  VMCS_GUEST_TR_BASE,
  VMCS_GUEST_TR_SELECTOR,
  VMCS_LINK_POINTER,
  VMCS_MSR_BITMAPS,
  VMCS_PIN_BASED_CONTROLS,
  VMCS_PRIMARY_CONTROLS,
  VMCS_SECONDARY_CONTROLS,
  VMCS_VPID,
} from '../../arch/vmcs.ts';
import {
  ENTRY_CONTROL_IA32E_GUEST,
  ENTRY_CONTROL_LOAD_EFER,
  ENTRY_CONTROL_LOAD_PAT,
  INTERRUPTION_ERROR_CODE_VALID,
  INTERRUPTION_EXTERNAL,
  INTERRUPTION_HARDWARE_EXCEPTION,
  INTERRUPTION_NMI,
  INTERRUPTION_SOFTWARE_INTERRUPT,
  INTERRUPTION_TYPE,
  INTERRUPTION_TYPE_SHIFT,
  INTERRUPTION_VALID,
  INTERRUPTION_VECTOR,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PIN_PREEMPTION_TIMER,
  PIN_VIRTUAL_NMIS,
  PRIMARY_ACTIVATE_SECONDARY,
  PRIMARY_NMI_WINDOW_EXITING,
  PRIMARY_USE_MSR_BITMAPS,
  SECONDARY_EPT,
  SECONDARY_INVPCID,
  SECONDARY_PLE,
  SECONDARY_RDTSCP,
  SECONDARY_UNRESTRICTED_GUEST,
  SECONDARY_VPID,
  SECONDARY_WBINVD_EXITING,
} from '../../arch/vmxControls.ts';
import { ACTIVITY_ACTIVE, ACTIVITY_HALTED, BLOCKING_BY_MOV_SS, BLOCKING_BY_STI } from '../state.ts';
import { isDefinedEfer, isDefinedPat, isPagingRoot } from './registerChecks.ts';
import type { Vmcs } from './vmcs.ts';

const PIN_SUPPORTED = PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER;
const SECONDARY_SUPPORTED =
  SECONDARY_EPT |
  SECONDARY_RDTSCP |
  SECONDARY_VPID |
  SECONDARY_WBINVD_EXITING |
  SECONDARY_UNRESTRICTED_GUEST |
  SECONDARY_PLE |
  SECONDARY_INVPCID;

/** Busy 16-bit TSS: allowed outside IA-32e mode. */
const TYPE_TSS_BUSY_16 = 3;

/**
 * What is wrong with the VM-execution and VM-entry controls, or undefined.
 * SDM: Vol. 3, "Checks on VMX Controls".
 */
export function checkControls(vmcs: Vmcs): string | undefined {
  const pin = vmcs.readNumber(VMCS_PIN_BASED_CONTROLS);
  const primary = vmcs.readNumber(VMCS_PRIMARY_CONTROLS);
  const secondary = primary & PRIMARY_ACTIVATE_SECONDARY ? vmcs.readNumber(VMCS_SECONDARY_CONTROLS) : 0;
  if (pin & ~PIN_SUPPORTED) return `pin-based controls 0x${pin.toString(16)} ask for more than this processor has`;
  if (pin & PIN_VIRTUAL_NMIS && !(pin & PIN_NMI_EXITING)) return 'virtual NMIs without NMI exiting';
  if (primary & PRIMARY_NMI_WINDOW_EXITING && !(pin & PIN_VIRTUAL_NMIS)) return 'NMI-window exiting without virtual NMIs';
  if (secondary & ~SECONDARY_SUPPORTED) return `secondary controls 0x${secondary.toString(16)} ask for more than this processor has`;
  if (secondary & SECONDARY_VPID && vmcs.readNumber(VMCS_VPID) === 0) return 'VPID 0 with VPIDs enabled';
  if (primary & PRIMARY_USE_MSR_BITMAPS && vmcs.readNumber(VMCS_MSR_BITMAPS) % 4096 !== 0) return 'MSR-bitmap address is not page-aligned';
  if (secondary & SECONDARY_EPT) {
    const eptp = vmcs.readNumber(VMCS_EPTP);
    if ((eptp & 7) !== EPTP_WB && (eptp & 7) !== 0) return `EPTP memory type ${eptp & 7}`;
    if ((eptp & 0x38) !== EPTP_WALK_4) return 'EPTP walk length is not 4';
    if (eptp & 0xf80 || eptp >= 2 ** 52) return 'EPTP has reserved bits set';
    if (Math.floor(eptp / 4096) === 0) return 'EPT root at page 0 is not supported';
  } else if (secondary & SECONDARY_UNRESTRICTED_GUEST) return 'unrestricted guest without EPT';
  const info = vmcs.readNumber(VMCS_ENTRY_INTERRUPTION_INFO);
  if (info >= INTERRUPTION_VALID) {
    const type = (info & INTERRUPTION_TYPE) >>> INTERRUPTION_TYPE_SHIFT;
    if (type === 1 || type === 7) return `injection of reserved event type ${type}`;
    const vector = info & INTERRUPTION_VECTOR;
    if (type === INTERRUPTION_NMI && vector !== VECTOR_NMI) return `injection of an NMI with vector ${vector}`;
    if (type === INTERRUPTION_HARDWARE_EXCEPTION && vector > 31) return `injection of exception ${vector}`;
    const pushesCode = type === INTERRUPTION_HARDWARE_EXCEPTION && (VECTORS_WITH_ERROR_CODE & (1 << vector)) !== 0;
    if (pushesCode !== ((info & INTERRUPTION_ERROR_CODE_VALID) !== 0))
      return `injection of vector ${vector} with${pushesCode ? 'out' : ''} an error code`;
    if (info & 0x7fff_f000) return 'injection with reserved bits set';
    const length = vmcs.readNumber(VMCS_ENTRY_INSTRUCTION_LENGTH);
    if (type >= INTERRUPTION_SOFTWARE_INTERRUPT && (length === 0 || length > 15))
      return `injection of a software event with instruction length ${length}`;
  }
  return undefined;
}

const SELECTOR_TI = 4;
const GUEST_ADDRESSES = [
  VMCS_GUEST_FS_BASE,
  VMCS_GUEST_GS_BASE,
  VMCS_GUEST_TR_BASE,
  VMCS_GUEST_GDTR_BASE,
  VMCS_GUEST_IDTR_BASE,
  VMCS_GUEST_SYSENTER_ESP,
  VMCS_GUEST_SYSENTER_EIP,
];
const INTERRUPTIBILITY_RESERVED = ~0x1f;

/**
 * What is wrong with the guest state, or undefined.
 * SDM: Vol. 3, "Checking and Loading Guest State".
 */
export function checkGuestState(vmcs: Vmcs): string | undefined {
  const cr0 = vmcs.readNumber(VMCS_GUEST_CR0);
  const cr4 = vmcs.readNumber(VMCS_GUEST_CR4);
  const primary = vmcs.readNumber(VMCS_PRIMARY_CONTROLS);
  const secondary = primary & PRIMARY_ACTIVATE_SECONDARY ? vmcs.readNumber(VMCS_SECONDARY_CONTROLS) : 0;
  const unrestricted = (secondary & SECONDARY_UNRESTRICTED_GUEST) !== 0;
  const entry = vmcs.readNumber(VMCS_ENTRY_CONTROLS);
  const longMode = (entry & ENTRY_CONTROL_IA32E_GUEST) !== 0;
  if (!unrestricted && (!(cr0 & CR0_PE) || !(cr0 & CR0_PG))) return 'guest CR0 without PE or PG needs an unrestricted guest';
  if (!(cr0 & CR0_NE)) return 'guest CR0 without NE';
  if (!(cr4 & CR4_VMXE)) return 'guest CR4 without VMXE';
  if (cr0 & CR0_PG && !(cr0 & CR0_PE)) return 'guest CR0 has PG without PE';
  if (longMode && !(cr0 & CR0_PG && cr4 & CR4_PAE)) return 'IA-32e mode guest without paging or PAE';
  if (!longMode && cr4 & CR4_PCIDE) return 'guest CR4.PCIDE outside IA-32e mode';
  if (entry & ENTRY_CONTROL_LOAD_EFER) {
    const bits = vmcs.readNumber(VMCS_GUEST_EFER);
    if (!isDefinedEfer(vmcs, VMCS_GUEST_EFER)) return 'guest EFER has reserved bits set';
    if (longMode !== ((bits & EFER_LMA) !== 0)) return 'guest EFER.LMA differs from the IA-32e mode entry control';
    if (cr0 & CR0_PG && longMode !== ((bits & EFER_LME) !== 0)) return 'guest EFER.LME differs from EFER.LMA';
  }
  if (entry & ENTRY_CONTROL_LOAD_PAT && !isDefinedPat(vmcs, VMCS_GUEST_PAT)) return 'guest PAT has a reserved memory type';
  if (!isPagingRoot(vmcs, VMCS_GUEST_CR3)) return 'guest CR3 beyond the physical-address width';
  if (cr0 & CR0_NW && !(cr0 & CR0_CD)) return 'guest CR0 has NW without CD';
  if (vmcs.isWide(VMCS_GUEST_CR0)) return 'guest CR0 beyond 32 bits';
  if (vmcs.isWide(VMCS_GUEST_DR7)) return 'guest DR7 beyond 32 bits';
  const cs = vmcs.readNumber(VMCS_GUEST_CS_ACCESS);
  if (cs & AR_UNUSABLE) return 'guest CS is unusable';
  if (longMode && cs & AR_L && cs & AR_DB) return 'guest CS has L and D';
  const tr = vmcs.readNumber(VMCS_GUEST_TR_ACCESS);
  if (tr & AR_UNUSABLE) return 'guest TR is unusable';
  if ((tr & AR_TYPE) !== TYPE_TSS_BUSY && (longMode || (tr & AR_TYPE) !== TYPE_TSS_BUSY_16)) return 'guest TR is no busy TSS';
  if (vmcs.readNumber(VMCS_GUEST_TR_SELECTOR) & SELECTOR_TI) return 'guest TR is in a local descriptor table';
  if (!(tr & AR_P) || tr & AR_S) return 'guest TR is not present, or no system segment';
  const ldtr = vmcs.readNumber(VMCS_GUEST_LDTR_ACCESS);
  if (!(ldtr & AR_UNUSABLE)) {
    if (vmcs.readNumber(VMCS_GUEST_LDTR_SELECTOR) & SELECTOR_TI) return 'guest LDTR is in a local descriptor table';
    if ((ldtr & (AR_TYPE | AR_S | AR_P)) !== (TYPE_LDT | AR_P)) return 'guest LDTR is no present local descriptor table';
    if (!vmcs.isCanonical(VMCS_GUEST_LDTR_BASE)) return 'guest LDTR base is not canonical';
  }
  for (const field of [VMCS_GUEST_GDTR_LIMIT, VMCS_GUEST_IDTR_LIMIT]) {
    if (vmcs.readNumber(field) > 0xffff) return 'a guest descriptor table has a limit beyond 16 bits';
  }
  for (const field of GUEST_ADDRESSES) {
    if (!vmcs.isCanonical(field)) return 'a guest base address is not canonical';
  }
  if (longMode && cs & AR_L ? !vmcs.isCanonical(VMCS_GUEST_RIP) : vmcs.isWide(VMCS_GUEST_RIP)) return 'guest RIP is not canonical';
  const flags = vmcs.readNumber(VMCS_GUEST_RFLAGS);
  if (!(flags & RFLAGS_FIXED) || flags & ~(RFLAGS_DEFINED | RFLAGS_FIXED)) return 'guest RFLAGS has reserved bits wrong';
  const info = vmcs.readNumber(VMCS_ENTRY_INTERRUPTION_INFO);
  const external = info >= INTERRUPTION_VALID && (info & INTERRUPTION_TYPE) >>> INTERRUPTION_TYPE_SHIFT === INTERRUPTION_EXTERNAL;
  const blocking = vmcs.readNumber(VMCS_GUEST_INTERRUPTIBILITY);
  if (external && !(flags & RFLAGS_IF)) return 'an external interrupt is injected while RFLAGS.IF = 0';
  if (external && blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) return 'an external interrupt is injected in an interrupt shadow';
  if (blocking & INTERRUPTIBILITY_RESERVED) return 'guest interruptibility state has reserved bits set';
  if (blocking & BLOCKING_BY_STI && blocking & BLOCKING_BY_MOV_SS) return 'blocking by STI and by MOV SS';
  if (blocking & BLOCKING_BY_STI && !(flags & RFLAGS_IF)) return 'blocking by STI with RFLAGS.IF = 0';
  if (vmcs.read(VMCS_GUEST_PENDING_DEBUG) & ~BigInt(PENDING_DEBUG_DEFINED)) return 'guest pending debug exceptions have reserved bits set';
  const activity = vmcs.readNumber(VMCS_GUEST_ACTIVITY);
  if (activity > 3) return 'guest activity state is reserved';
  if (activity === ACTIVITY_HALTED && vmcs.readNumber(VMCS_GUEST_SS_ACCESS) & AR_DPL) return 'guest halted outside ring 0';
  if (activity !== ACTIVITY_ACTIVE && blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) return 'guest inactive in an interrupt shadow';
  if (longMode && flags & RFLAGS_VM) return 'virtual-8086 mode in an IA-32e mode guest';
  if (vmcs.read(VMCS_LINK_POINTER) !== 0xffff_ffff_ffff_ffffn) return 'VMCS link pointer: shadow VMCSs are not there';
  return undefined;
}
