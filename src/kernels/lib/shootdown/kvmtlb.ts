/**
 * "KVM: paravirt remote flush tlb" of 2012, which never was merged, and which the Shoot4U paper compares with: every vCPU has a state word that its
 * hypervisor exchanges at each VM entry and exit. A vCPU outside of its guest is asked to flush everything before it enters; one inside gets an IPI.
 *
 * Where the published port counts a target as done when its compare-exchange fails, too, this one sends it an IPI: it has come back and has
 * not flushed.
 */
import { KVM_FEATURE_VCPU_STATE, KVM_SIGNATURE } from '../../../arch/hypervisorCpuid.ts';
import { MSR_KVM_VCPU_STATE, VCPU_STATE_IN_GUEST, VCPU_STATE_SHOULD_FLUSH } from '../../../arch/kvmRecords.ts';
import { eax } from '../../../asm/register.ts';
import { hypervisor, requireBit, requireInterface } from '../hypervisor.ts';
import { type DeferringRecord, deferOrInterrupt, registerRecord } from './deferred.ts';
import type { ShootdownScheme } from './shootdown.ts';

const STATE: DeferringRecord = {
  msr: MSR_KVM_VCPU_STATE,
  offset: 0,
  bit: VCPU_STATE_IN_GUEST,
  awayWhen: 'clear',
  request: VCPU_STATE_SHOULD_FLUSH,
};

export const kvmtlb: ShootdownScheme = {
  name: 'kvmtlb',
  doc: 'vCPUs that are not in guest mode flush at their next VM entry, the others get an IPI (KVM patches of 2012)',
  needs: { hypervisor: true },
  setup(a) {
    requireInterface(a, 'kvmtlb', KVM_SIGNATURE, 1);
    requireBit(a, 'kvmtlb', eax, KVM_FEATURE_VCPU_STATE);
  },
  coreSetup: (a) => registerRecord(a, STATE),
  write(a) {
    a.include(hypervisor);
    deferOrInterrupt(a, STATE);
  },
};
