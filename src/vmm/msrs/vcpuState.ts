import { MSR_KVM_VCPU_STATE } from '../../arch/kvmRecords.ts';
import type { ParavirtualMsr } from './paravirtualMsr.ts';

/** MSR_KVM_VCPU_STATE of the 2012 series: where others see whether the vCPU is in its guest (vmm/guestEntry). */
export const vcpuState: ParavirtualMsr = {
  msr: MSR_KVM_VCPU_STATE,
  name: 'vcpu-state',
  doc: 'registers the state record of the vCPU that scheme kvmtlb uses',
  read: (vcpu) => vcpu.vcpuState.msr,
  write: (vcpu, value) => vcpu.vcpuState.register(vcpu, value),
};
