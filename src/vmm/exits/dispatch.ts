import {
  EXIT_CPUID,
  EXIT_ENTRY_FAILURE,
  EXIT_EPT_MISCONFIGURATION,
  EXIT_EPT_VIOLATION,
  EXIT_HLT,
  EXIT_INTERRUPT_WINDOW,
  EXIT_IO,
  EXIT_MONITOR,
  EXIT_MWAIT,
  EXIT_NMI_WINDOW,
  EXIT_PAUSE,
  EXIT_RDMSR,
  EXIT_TRIPLE_FAULT,
  EXIT_VMCALL,
  EXIT_VMCLEAR,
  EXIT_VMXON,
  EXIT_WRMSR,
  EXIT_XSETBV,
  formatExitReason,
} from '../../arch/exitReasons.ts';
import { VECTOR_UD } from '../../arch/vectors.ts';
import { VMCS_EXIT_QUALIFICATION, VMCS_GUEST_RIP } from '../../arch/vmcs.ts';
import { injectException, keepVectoredEvent } from '../injection.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { handleCpuid } from './cpuid.ts';
import { handleEptViolation } from './eptViolation.ts';
import { handleHlt } from './hlt.ts';
import { handleIo } from './io.ts';
import { handleRdmsr, handleWrmsr } from './msr.ts';
import { handlePause } from './pause.ts';
import { handleTripleFault } from './tripleFault.ts';
import { handleVmcall } from './vmcall.ts';
import { handleXsetbv } from './xsetbv.ts';

/** Handles one kind of VM exit; charges its cost; moves the guest's RIP when the instruction is done (exits/skip). */
export type ExitHandler = (pcpu: Pcpu, vcpu: Vcpu) => void;

/** Handlers by basic exit reason. External interrupts are the host's own and never come here. */
const HANDLERS: ReadonlyMap<number, ExitHandler> = new Map<number, ExitHandler>([
  [EXIT_TRIPLE_FAULT, handleTripleFault],
  // The entry that follows injects what was waiting for the window.
  [EXIT_INTERRUPT_WINDOW, () => {}],
  [EXIT_NMI_WINDOW, () => {}],
  [EXIT_CPUID, handleCpuid],
  [EXIT_HLT, handleHlt],
  [EXIT_PAUSE, handlePause],
  [EXIT_VMCALL, handleVmcall],
  [EXIT_IO, handleIo],
  [EXIT_RDMSR, handleRdmsr],
  [EXIT_WRMSR, handleWrmsr],
  [EXIT_XSETBV, handleXsetbv],
  [EXIT_EPT_VIOLATION, handleEptViolation],
  [EXIT_EPT_MISCONFIGURATION, handleEptViolation],
]);

/** The exit is handled, or its VM comes to an end saying why. */
export function handleExit(pcpu: Pcpu, vcpu: Vcpu, reason: number): void {
  keepVectoredEvent(vcpu);
  const handler = HANDLERS.get(reason);
  if (handler !== undefined) return handler(pcpu, vcpu);
  // VMX instructions, MONITOR and MWAIT: guests have none of them.
  if ((reason >= EXIT_VMCLEAR && reason <= EXIT_VMXON) || reason === EXIT_MONITOR || reason === EXIT_MWAIT)
    return injectException(vcpu, VECTOR_UD, -1);
  const what = reason >= EXIT_ENTRY_FAILURE ? 'failed VM entry' : formatExitReason(reason);
  const qualification = vcpu.vmcs.read(VMCS_EXIT_QUALIFICATION).toString(16);
  const rip = vcpu.vmcs.read(VMCS_GUEST_RIP).toString(16);
  const detail = `VM ${vcpu.vm.id} vCPU ${vcpu.id}: no handler for VM exit ${what} (qualification 0x${qualification}, RIP 0x${rip})`;
  pcpu.vmm.endByFault(vcpu, { kind: 'entry-failure', core: pcpu.id, detail }, pcpu);
}
