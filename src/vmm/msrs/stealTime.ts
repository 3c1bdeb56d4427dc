import { MSR_KVM_STEAL_TIME } from '../../arch/kvmRecords.ts';
import type { ParavirtualMsr } from './paravirtualMsr.ts';

/** MSR_KVM_STEAL_TIME: where the vCPU wants to be told how long it was kept waiting, and others whether it is on a core (vmm/guestEntry). */
export const stealTime: ParavirtualMsr = {
  msr: MSR_KVM_STEAL_TIME,
  name: 'steal-time',
  doc: 'registers the steal-time record of the vCPU',
  read: (vcpu) => vcpu.stealTime.msr,
  write(vcpu, value) {
    if (!vcpu.stealTime.register(vcpu, value)) return false;
    vcpu.stealDue = vcpu.stealTime.isShared;
    return true;
  },
};
