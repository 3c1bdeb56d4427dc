/**
 * KVM's paravirtual flush as Linux has it since 4.16: the steal-time record says that a vCPU has been taken off its core. Such a one is asked to flush
 * before it runs again; the others get an IPI, even when they are in the hypervisor for a moment. With KVM's hypercall for IPIs (4.19) it is
 * one exit for all of them.
 */

import { HYPERCALL_SEND_IPI } from '../../../arch/hypercalls.ts';
import { KVM_FEATURE_PV_SEND_IPI, KVM_FEATURE_PV_TLB_FLUSH, KVM_SIGNATURE } from '../../../arch/hypervisorCpuid.ts';
import { MSR_KVM_STEAL_TIME, PREEMPTED_BIT, PREEMPTED_FLUSH_BIT, STEAL_TIME_PREEMPTED } from '../../../arch/kvmRecords.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { mem64 } from '../../../asm/operand.ts';
import { eax, ecx, edx, esi, rbx, rdi } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { hypervisor, requireBit, requireInterface } from '../hypervisor.ts';
import { type DeferringRecord, deferOrInterrupt, registerRecord } from './deferred.ts';
import type { ShootdownScheme } from './shootdown.ts';

const STEAL_TIME: DeferringRecord = {
  msr: MSR_KVM_STEAL_TIME,
  offset: STEAL_TIME_PREEMPTED,
  bit: PREEMPTED_BIT,
  awayWhen: 'set',
  request: PREEMPTED_FLUSH_BIT,
};

export const kvmPv: ShootdownScheme = {
  name: 'kvm-pv',
  doc: 'preempted vCPUs flush before they run again, the others get an IPI (KVM since Linux 4.16)',
  needs: { hypervisor: true },
  setup: (a) => requireFeature(a, 'kvm-pv', KVM_FEATURE_PV_TLB_FLUSH),
  coreSetup: (a) => registerRecord(a, STEAL_TIME),
  write,
};

export const kvmPvIpi: ShootdownScheme = {
  ...kvmPv,
  name: 'kvm-pv-ipi',
  doc: 'kvm-pv with one hypercall for all IPIs (KVM since Linux 4.19)',
  setup(a) {
    requireFeature(a, 'kvm-pv-ipi', KVM_FEATURE_PV_TLB_FLUSH);
    requireBit(a, 'kvm-pv-ipi', eax, KVM_FEATURE_PV_SEND_IPI);
    a.mov(mem64('ipi_multicast'), addr('kvm_send_ipi'));
  },
  write(a) {
    write(a);
    a.comment('RDI = mask of cores, ESI = low half of the ICR; APIC ids are core numbers');
    a.proc('kvm_send_ipi', { saves: [rbx] }, () => {
      a.mov(eax, HYPERCALL_SEND_IPI);
      a.mov(rbx, rdi);
      a.xor(ecx, ecx);
      a.xor(edx, edx);
      a.mov(esi, esi);
      a.vmcall();
    });
  },
};

function requireFeature(a: Assembler, who: string, bit: number): void {
  requireInterface(a, who, KVM_SIGNATURE, 1);
  requireBit(a, who, eax, bit);
}

function write(a: Assembler): void {
  a.include(hypervisor);
  deferOrInterrupt(a, STEAL_TIME);
}
