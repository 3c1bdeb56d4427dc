import { APIC_ACCESS_FAULT } from '../../apic/localApic.ts';
import { x2apicOffset, x2apicRead, x2apicReadHigh, x2apicWrite } from '../../apic/x2apic.ts';
import { APIC_ICR_LOW } from '../../arch/apicRegisters.ts';
import { IA32_APIC_BASE, IA32_TSC_DEADLINE, X2APIC_MSR_FIRST, X2APIC_MSR_LAST } from '../../arch/msr.ts';
import { RAX, RCX, RDX } from '../../arch/registers.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import { VMCS_TSC_OFFSET } from '../../arch/vmcs.ts';
import { injectException } from '../injection.ts';
import { PARAVIRTUAL_MSRS } from '../msrs/registry.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { skipInstruction } from './skip.ts';

const isApicMsr = (msr: number): boolean => msr >= X2APIC_MSR_FIRST && msr <= X2APIC_MSR_LAST;

/** RDMSR of what the MSR bitmap keeps, the virtual APIC, and of paravirtual MSRs. Anything else does not exist: #GP(0). */
export function handleRdmsr(pcpu: Pcpu, vcpu: Vcpu): void {
  const { u64 } = pcpu.core.state;
  const msr = Number(u64[RCX]! & 0xffff_ffffn);
  pcpu.core.charge(isApicMsr(msr) ? pcpu.vmm.costs.apicEmulation : pcpu.vmm.costs.msrEmulation);
  const value = readMsr(vcpu, msr);
  if (value === undefined) return injectException(vcpu, VECTOR_GP, 0);
  u64[RAX] = value & 0xffff_ffffn;
  u64[RDX] = value >> 32n;
  skipInstruction(vcpu);
}

/** WRMSR: the ICR sends virtual IPIs, EOI and the timer act on the virtual APIC. */
export function handleWrmsr(pcpu: Pcpu, vcpu: Vcpu): void {
  const { core, vmm } = pcpu;
  const { u64 } = core.state;
  const msr = Number(u64[RCX]! & 0xffff_ffffn);
  const icr = isApicMsr(msr) && x2apicOffset(msr) === APIC_ICR_LOW;
  core.charge(icr ? vmm.costs.icrEmulation : isApicMsr(msr) ? vmm.costs.apicEmulation : vmm.costs.msrEmulation);
  vcpu.syncClock(core.clock);
  vmm.writing = pcpu;
  if (!writeMsr(pcpu, vcpu, msr, u64[RDX]! & 0xffff_ffffn, u64[RAX]! & 0xffff_ffffn)) return injectException(vcpu, VECTOR_GP, 0);
  if (icr) core.charge(vmm.costs.icrTarget * vcpu.vm.interconnect.targets);
  skipInstruction(vcpu);
}

function readMsr(vcpu: Vcpu, msr: number): bigint | undefined {
  if (msr === IA32_APIC_BASE) return BigInt(vcpu.apic.base);
  if (msr === IA32_TSC_DEADLINE) return deadlineToGuest(vcpu);
  if (!isApicMsr(msr)) return PARAVIRTUAL_MSRS.get(msr)?.read(vcpu);
  const low = x2apicRead(vcpu.apic, msr);
  return low === APIC_ACCESS_FAULT ? undefined : BigInt(low) | (BigInt(x2apicReadHigh(vcpu.apic, msr)) << 32n);
}

/** False when the write raises #GP(0). */
function writeMsr(pcpu: Pcpu, vcpu: Vcpu, msr: number, high: bigint, low: bigint): boolean {
  const value = (high << 32n) | low;
  if (msr === IA32_APIC_BASE) return value >> 40n === 0n && vcpu.apic.writeBase(Number(value));
  if (msr === IA32_TSC_DEADLINE) {
    const cycles = BigInt.asIntN(64, value - vcpu.vmcs.read(VMCS_TSC_OFFSET));
    vcpu.apic.writeTscDeadline(value === 0n ? 0 : Math.max(1, Number(cycles)));
    return true;
  }
  if (isApicMsr(msr)) return x2apicWrite(vcpu.apic, msr, Number(low), Number(high));
  return PARAVIRTUAL_MSRS.get(msr)?.write(vcpu, value, pcpu) ?? false;
}

function deadlineToGuest(vcpu: Vcpu): bigint {
  const { tscDeadline } = vcpu.apic.timer;
  return tscDeadline === 0 ? 0n : BigInt.asUintN(64, BigInt(tscDeadline) + vcpu.vmcs.read(VMCS_TSC_OFFSET));
}
