import { APIC_ACCESS_FAULT } from '../../apic/localApic.ts';
import { x2apicRead, x2apicReadHigh, x2apicWrite } from '../../apic/x2apic.ts';
import { APIC_BASE_BSP, APIC_BASE_ENABLE, APIC_BASE_X2APIC } from '../../arch/msr.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';

const BASE_WRITABLE = APIC_BASE_BSP | APIC_BASE_ENABLE | APIC_BASE_X2APIC;

/** IA32_APIC_BASE is written. Raises: #GP(0) for reserved bits and for the transitions that the SDM forbids. */
export function writeApicBase(core: Core, value: bigint): void {
  if (value >> 40n !== 0n || Number(value & 0xfffn) & ~BASE_WRITABLE || !core.apic.writeBase(Number(value))) core.raise(VECTOR_GP, 0);
}

/** An x2APIC register read by MSR. Raises: #GP(0) when x2APIC mode is off or the register does not exist. */
export function readApicMsr(core: Core, msr: number): bigint {
  const low = x2apicRead(core.apic, msr);
  if (low === APIC_ACCESS_FAULT) core.raise(VECTOR_GP, 0);
  core.charge(core.costs.apicAccess);
  return BigInt(low) | (BigInt(x2apicReadHigh(core.apic, msr)) << 32n);
}

/** An x2APIC register written by MSR. Raises: #GP(0). */
export function writeApicMsr(core: Core, msr: number, value: bigint): void {
  core.charge(core.costs.apicAccess);
  if (!x2apicWrite(core.apic, msr, Number(value & 0xffff_ffffn), Number(value >> 32n))) core.raise(VECTOR_GP, 0);
}
