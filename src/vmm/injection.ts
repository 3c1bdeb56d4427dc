import { RFLAGS_IF } from '../arch/rflags.ts';
import { VECTOR_NMI } from '../arch/vectors.ts';
import {
  VMCS_ENTRY_EXCEPTION_ERROR_CODE,
  VMCS_ENTRY_INSTRUCTION_LENGTH,
  VMCS_ENTRY_INTERRUPTION_INFO,
  VMCS_EXIT_INSTRUCTION_LENGTH,
  VMCS_GUEST_INTERRUPTIBILITY,
  VMCS_GUEST_RFLAGS,
  VMCS_IDT_VECTORING_ERROR_CODE,
  VMCS_IDT_VECTORING_INFO,
  VMCS_PRIMARY_CONTROLS,
} from '../arch/vmcs.ts';
import {
  INTERRUPTION_EXTERNAL,
  INTERRUPTION_NMI,
  INTERRUPTION_TYPE_SHIFT,
  INTERRUPTION_VALID,
  PRIMARY_INTERRUPT_WINDOW_EXITING,
  PRIMARY_NMI_WINDOW_EXITING,
} from '../arch/vmxControls.ts';
import { BLOCKING_BY_MOV_SS, BLOCKING_BY_NMI, BLOCKING_BY_STI } from '../cpu/state.ts';
import type { Vcpu } from './vcpu.ts';

/**
 * The next VM entry delivers what the vCPU must see: an event that an exit cut off, else the highest virtual interrupt if the guest can
 * take it now, else the guest exits as soon as it can.
 */
export function prepareInjection(vcpu: Vcpu): void {
  const { vmcs } = vcpu;
  let window = 0;
  if (vcpu.reinject !== 0) {
    vmcs.writeNumber(VMCS_ENTRY_INTERRUPTION_INFO, vcpu.reinject);
    vmcs.writeNumber(VMCS_ENTRY_EXCEPTION_ERROR_CODE, vcpu.reinjectErrorCode);
    vmcs.writeNumber(VMCS_ENTRY_INSTRUCTION_LENGTH, vcpu.reinjectLength);
    vcpu.reinject = 0;
    if (vcpu.apic.pending() >= 0) window = PRIMARY_INTERRUPT_WINDOW_EXITING;
  } else if (vcpu.pendingNmi && canTakeNmi(vcpu) && vmcs.readNumber(VMCS_ENTRY_INTERRUPTION_INFO) < INTERRUPTION_VALID) {
    vmcs.writeNumber(VMCS_ENTRY_INTERRUPTION_INFO, INTERRUPTION_VALID + (INTERRUPTION_NMI << INTERRUPTION_TYPE_SHIFT) + VECTOR_NMI);
    vcpu.pendingNmi = false;
    if (vcpu.apic.pending() >= 0) window = PRIMARY_INTERRUPT_WINDOW_EXITING;
  } else if (vmcs.readNumber(VMCS_ENTRY_INTERRUPTION_INFO) < INTERRUPTION_VALID && vcpu.apic.pending() >= 0) {
    const open = (vmcs.readNumber(VMCS_GUEST_RFLAGS) & RFLAGS_IF) !== 0 && (vmcs.readNumber(VMCS_GUEST_INTERRUPTIBILITY) & 3) === 0;
    if (open) {
      const info = INTERRUPTION_VALID + (INTERRUPTION_EXTERNAL << INTERRUPTION_TYPE_SHIFT) + vcpu.apic.acknowledge();
      vmcs.writeNumber(VMCS_ENTRY_INTERRUPTION_INFO, info);
    }
    if (!open || vcpu.apic.pending() >= 0) window = PRIMARY_INTERRUPT_WINDOW_EXITING;
  }
  if (vcpu.pendingNmi) window |= PRIMARY_NMI_WINDOW_EXITING;
  const controls = vmcs.readNumber(VMCS_PRIMARY_CONTROLS);
  vmcs.writeNumber(VMCS_PRIMARY_CONTROLS, ((controls & ~(PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING)) | window) >>> 0);
}

/** No interrupt shadow, and no NMI handler is running. */
const canTakeNmi = (vcpu: Vcpu): boolean =>
  (vcpu.vmcs.readNumber(VMCS_GUEST_INTERRUPTIBILITY) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS | BLOCKING_BY_NMI)) === 0;

/** True iff a virtual interrupt is pending that the halted guest would take: HLT with IF = 0 ends by an NMI or INIT only. */
export function isInterruptible(vcpu: Vcpu): boolean {
  if (vcpu.pendingNmi) return true;
  return vcpu.apic.pending() >= 0 && (vcpu.vmcs.readNumber(VMCS_GUEST_RFLAGS) & RFLAGS_IF) !== 0;
}

/** Raises an exception in the guest at the next VM entry. `errorCode` is -1 for vectors that push none. */
export function injectException(vcpu: Vcpu, vector: number, errorCode: number): void {
  const { vmcs } = vcpu;
  const withCode = errorCode >= 0 ? 1 << 11 : 0;
  vmcs.writeNumber(VMCS_ENTRY_INTERRUPTION_INFO, INTERRUPTION_VALID + (3 << INTERRUPTION_TYPE_SHIFT) + withCode + vector);
  vmcs.writeNumber(VMCS_ENTRY_EXCEPTION_ERROR_CODE, Math.max(errorCode, 0));
}

/** Remembers the event whose delivery the last VM exit cut off. SDM: Vol. 3, "Information for VM Exits That Occur During Event Delivery". */
export function keepVectoredEvent(vcpu: Vcpu): void {
  const { vmcs } = vcpu;
  const info = vmcs.readNumber(VMCS_IDT_VECTORING_INFO);
  if (info < INTERRUPTION_VALID) return;
  vcpu.reinject = info;
  vcpu.reinjectErrorCode = vmcs.readNumber(VMCS_IDT_VECTORING_ERROR_CODE);
  vcpu.reinjectLength = vmcs.readNumber(VMCS_EXIT_INSTRUCTION_LENGTH);
}
