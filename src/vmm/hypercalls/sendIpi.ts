import { DELIVERY_FIXED, DELIVERY_NMI, ICR_DELIVERY, ICR_DELIVERY_SHIFT } from '../../arch/apicRegisters.ts';
import { HYPERCALL_SEND_IPI } from '../../arch/hypercalls.ts';
import type { Hypercall } from './hypercall.ts';

/** KVM_HC_SEND_IPI: one exit for all targets, where each ICR write would be one. */
export const sendIpi: Hypercall = {
  number: HYPERCALL_SEND_IPI,
  name: 'send-ipi',
  doc: 'send an IPI to the vCPUs in a bitmap (RBX and RCX: bitmap, bit 0 is APIC id RDX; RSI: ICR); answers how many got it',
  advance(call, pcpu) {
    const [low, high, first, icr] = call.arguments;
    const { vm, id } = call.vcpu;
    const delivery = (Number(icr & 0xffff_ffffn) & ICR_DELIVERY) >>> ICR_DELIVERY_SHIFT;
    const vector = Number(icr & 0xffn);
    const mask = low | (high << 64n);
    let sent = 0n;
    if (delivery === DELIVERY_FIXED || delivery === DELIVERY_NMI) {
      pcpu.vmm.writing = pcpu;
      for (const target of vm.vcpus) {
        const bit = BigInt(target.id) - first;
        if (bit < 0n || bit > 127n || !(mask & (1n << bit))) continue;
        pcpu.core.charge(pcpu.vmm.costs.icrTarget);
        if (delivery === DELIVERY_NMI) pcpu.vmm.nonMaskable(target);
        else if (target.apic.accept(vector)) pcpu.vmm.posted(target, vector, id);
        sent++;
      }
    }
    call.result = sent;
    return true;
  },
};
