import { HYPERCALL_UNKNOWN } from '../../arch/hypercalls.ts';
import { RAX, RBX, RCX, RDI, RDX, RSI } from '../../arch/registers.ts';
import { signedNumber } from '../../cpu/linearMemory.ts';
import { EVENT_HYPERCALL } from '../../trace/events.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { skipInstruction } from './skip.ts';

/** VMCALL: starts the hypercall that RAX names; an unknown number answers -ENOSYS. */
export function handleVmcall(pcpu: Pcpu, vcpu: Vcpu): void {
  const { core, vmm } = pcpu;
  const { u64 } = core.state;
  core.charge(vmm.costs.hypercall);
  const number = Number(u64[RAX]! & 0xffff_ffffn);
  if (!vmm.hypercalls.has(number)) return completeHypercall(pcpu, vcpu, HYPERCALL_UNKNOWN);
  if (core.probe.mask & (1 << EVENT_HYPERCALL)) {
    core.probe.event(EVENT_HYPERCALL, core.id, core.clock, number, vcpu.vm.id, vcpu.id, signedNumber(u64[RBX]!));
  }
  vcpu.call = {
    number,
    vcpu,
    arguments: [u64[RBX]!, u64[RCX]!, u64[RDX]!, u64[RSI]!, u64[RDI]!],
    started: core.clock,
    progress: 0n,
    result: 0n,
  };
  pcpu.continueCall();
}

/** The hypercall returns to the guest. */
export function completeHypercall(pcpu: Pcpu, vcpu: Vcpu, result: bigint): void {
  pcpu.core.state.u64[RAX] = BigInt.asUintN(64, result);
  skipInstruction(vcpu);
}
