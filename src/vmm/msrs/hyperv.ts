import { HV_X64_MSR_GUEST_OS_ID, HV_X64_MSR_HYPERCALL, HV_X64_MSR_VP_INDEX } from '../../arch/hyperv.ts';
import type { ParavirtualMsr } from './paravirtualMsr.ts';

/** Hyper-V's MSRs: who the guest is, where its hypercall page lies, and which virtual processor this is. The first two belong to the VM. */
export const hypervMsrs: readonly ParavirtualMsr[] = [
  {
    msr: HV_X64_MSR_GUEST_OS_ID,
    name: 'hyperv-guest-os-id',
    doc: 'identity of the guest; 0 disables hypercalls',
    read: ({ vm }) => vm.hyperv.guestOsId,
    write({ vm }, value) {
      vm.hyperv.writeGuestOsId(value);
      return true;
    },
  },
  {
    msr: HV_X64_MSR_HYPERCALL,
    name: 'hyperv-hypercall',
    doc: 'guest-physical page that the hypervisor fills with the code of hypercalls; bit 0 enables it',
    read: ({ vm }) => vm.hyperv.hypercallPage,
    write: ({ vm }, value, { core }) => vm.hyperv.writeHypercallPage(value, core, vm.base, vm.size),
  },
  {
    msr: HV_X64_MSR_VP_INDEX,
    name: 'hyperv-vp-index',
    doc: 'number of the vCPU',
    read: ({ id }) => BigInt(id),
    write: () => false,
  },
];
