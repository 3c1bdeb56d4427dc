import { EXIT_EPT_VIOLATION } from '../../arch/exitReasons.ts';
import { VMCS_EXIT_QUALIFICATION, VMCS_EXIT_REASON, VMCS_GUEST_PHYSICAL_ADDRESS, VMCS_GUEST_RIP } from '../../arch/vmcs.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';

/**
 * The VM's memory is mapped whole from the start, so an EPT violation is an access to something it does not have: the VM ends and says so.
 *
 * Deviation: memory-mapped devices, the xAPIC page among them, are not emulated for guests; they use x2APIC mode.
 */
export function handleEptViolation(pcpu: Pcpu, vcpu: Vcpu): void {
  const { vmcs, vm } = vcpu;
  pcpu.core.charge(pcpu.vmm.costs.eptViolation);
  const kind = vmcs.readNumber(VMCS_EXIT_REASON) === EXIT_EPT_VIOLATION ? 'EPT violation' : 'EPT misconfiguration';
  const gpa = vmcs.read(VMCS_GUEST_PHYSICAL_ADDRESS).toString(16);
  const qualification = vmcs.read(VMCS_EXIT_QUALIFICATION).toString(16);
  const rip = vmcs.read(VMCS_GUEST_RIP).toString(16);
  const detail = `VM ${vm.id} vCPU ${vcpu.id}: ${kind} at guest-physical 0x${gpa} (qualification 0x${qualification}, RIP 0x${rip})`;
  pcpu.vmm.endByFault(vcpu, { kind: 'entry-failure', core: pcpu.id, detail }, pcpu);
}
