import { VMCS_EXIT_INSTRUCTION_LENGTH, VMCS_GUEST_INTERRUPTIBILITY, VMCS_GUEST_RIP } from '../../arch/vmcs.ts';
import type { Vcpu } from '../vcpu.ts';

/** The guest goes on behind the instruction that exited; an interrupt shadow that covered it is over. */
export function skipInstruction(vcpu: Vcpu): void {
  const { vmcs } = vcpu;
  vmcs.write(VMCS_GUEST_RIP, vmcs.read(VMCS_GUEST_RIP) + vmcs.read(VMCS_EXIT_INSTRUCTION_LENGTH));
  vmcs.write(VMCS_GUEST_INTERRUPTIBILITY, vmcs.read(VMCS_GUEST_INTERRUPTIBILITY) & ~3n);
}
