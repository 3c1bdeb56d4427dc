import { VMCS_GUEST_RIP } from '../../arch/vmcs.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';

/** A triple fault ends the VM. */
export function handleTripleFault(pcpu: Pcpu, vcpu: Vcpu): void {
  const rip = vcpu.vmcs.read(VMCS_GUEST_RIP).toString(16);
  pcpu.vmm.endByFault(
    vcpu,
    { kind: 'triple-fault', core: pcpu.id, detail: `VM ${vcpu.vm.id} vCPU ${vcpu.id}: triple fault at RIP 0x${rip}` },
    pcpu,
  );
}
