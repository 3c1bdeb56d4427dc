import { HYPERCALL_KICK_CPU } from '../../arch/hypercalls.ts';
import type { Hypercall } from './hypercall.ts';

/** KVM_HC_KICK_CPU: a halted vCPU runs again though no interrupt is pending, so that a lock holder can wake the waiter it hands over to. One that is about to halt does not. */
export const kickCpu: Hypercall = {
  number: HYPERCALL_KICK_CPU,
  name: 'kick-cpu',
  doc: 'wake the halted vCPU with APIC id RCX (RBX = flags, 0)',
  advance(call, pcpu) {
    const target = call.vcpu.vm.vcpus[Number(call.arguments[1])];
    if (target !== undefined) pcpu.vmm.kick(target, pcpu);
    call.result = 0n;
    return true;
  },
};
