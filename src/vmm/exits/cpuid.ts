import { CPUID_1_ECX_HYPERVISOR, CPUID_1_ECX_MONITOR, CPUID_1_ECX_VMX } from '../../arch/cpuidBits.ts';
import { CPUID_HYPERVISOR_FIRST, CPUID_HYPERVISOR_LAST } from '../../arch/hypervisorCpuid.ts';
import { RAX, RCX } from '../../arch/registers.ts';
import { CPUID_7_EDX_CORE_CAPABILITIES } from '../../arch/remoteActions.ts';
import { VMCS_GUEST_CR4 } from '../../arch/vmcs.ts';
import type { CpuidResult } from '../../cpu/cpuid.ts';
import { showOsxsave, writeCpuid } from '../../cpu/system/identification.ts';
import { hypervisorLeaf } from '../hypervisorLeaves.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { skipInstruction } from './skip.ts';

/** The leaf of MONITOR and MWAIT. */
const CPUID_MONITOR = 5;

/** CPUID: the machine's answers with the vCPU's APIC id and count, without VMX, MONITOR and MWAIT, with the hypervisor bit and leaves. */
export function handleCpuid(pcpu: Pcpu, vcpu: Vcpu): void {
  const { u64 } = pcpu.core.state;
  pcpu.core.charge(pcpu.vmm.costs.cpuidEmulation);
  writeCpuid(pcpu.core, answer(pcpu, vcpu, Number(u64[RAX]! & 0xffff_ffffn), Number(u64[RCX]! & 0xffff_ffffn)));
  skipInstruction(vcpu);
}

function answer(pcpu: Pcpu, vcpu: Vcpu, leaf: number, subleaf: number): CpuidResult {
  if (leaf === CPUID_MONITOR) return [0, 0, 0, 0];
  if (leaf >= CPUID_HYPERVISOR_FIRST && leaf <= CPUID_HYPERVISOR_LAST) return hypervisorLeaf(leaf);
  const result = showOsxsave(pcpu.vmm.cpuid.query(leaf, subleaf, vcpu.id), leaf, vcpu.vmcs.read(VMCS_GUEST_CR4));
  if (leaf === 1) result[2] = (result[2] & ~(CPUID_1_ECX_VMX | CPUID_1_ECX_MONITOR)) | CPUID_1_ECX_HYPERVISOR;
  // Remote actions are the host's.
  if (leaf === 7) result[3] &= ~CPUID_7_EDX_CORE_CAPABILITIES;
  return result;
}
