import { HYPERCALL_SCHED_YIELD } from '../../arch/hypercalls.ts';
import { yieldTo } from '../directedYield.ts';
import type { Hypercall } from './hypercall.ts';

/** KVM_HC_SCHED_YIELD: a guest that has sent an IPI to a vCPU which it knows to be preempted lets it run first. */
export const schedYield: Hypercall = {
  number: HYPERCALL_SCHED_YIELD,
  name: 'sched-yield',
  doc: 'yield to the vCPU with APIC id RBX, if it is preempted',
  advance(call, pcpu) {
    const { vm } = call.vcpu;
    const [apicId] = call.arguments;
    const target = apicId < BigInt(vm.vcpus.length) ? vm.vcpus[Number(apicId)]! : undefined;
    if (target !== undefined && target !== call.vcpu) yieldTo(pcpu, target);
    call.result = 0n;
    return true;
  },
};
