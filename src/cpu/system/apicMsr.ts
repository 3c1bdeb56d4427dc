import { APIC_EOI, APIC_ICR_LOW, APIC_SELF_IPI } from '../../arch/apicRegisters.ts';
import { APIC_BASE_BSP, APIC_BASE_ENABLE, APIC_BASE_X2APIC, X2APIC_MSR_FIRST } from '../../arch/msr.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import type { LocalApic } from '../../apic/localApic.ts';
import type { Core } from '../core.ts';

/** IA32_APIC_BASE as it reads. */
export function readApicBase(core: Core): bigint {
  const { mode } = core.apic;
  const enabled = mode === 'disabled' ? 0 : APIC_BASE_ENABLE | (mode === 'x2apic' ? APIC_BASE_X2APIC : 0);
  return BigInt(core.apicBase) | BigInt(enabled | (core.id === 0 ? APIC_BASE_BSP : 0));
}

/** Raises: #GP(0) for reserved bits and the transitions that the SDM forbids. SDM: Vol. 3, "x2APIC State Transitions". */
export function writeApicBase(core: Core, value: bigint): void {
  const bits = Number(value & 0xfffn);
  const enable = (bits & APIC_BASE_ENABLE) !== 0;
  const x2apic = (bits & APIC_BASE_X2APIC) !== 0;
  const { mode } = core.apic;
  const illegal = (x2apic && !enable) || (mode === 'x2apic' && enable && !x2apic) || (mode === 'disabled' && x2apic);
  if (value >> 52n !== 0n || bits & ~(APIC_BASE_BSP | APIC_BASE_ENABLE | APIC_BASE_X2APIC) || illegal) core.raise(VECTOR_GP, 0);
  core.apicBase = Number(value & ~0xfffn);
  core.apic.setMode(!enable ? 'disabled' : x2apic ? 'x2apic' : 'xapic');
}

/** An x2APIC register read by MSR. Raises: #GP(0) when x2APIC mode is off or the register does not exist. */
export function readApicMsr(core: Core, msr: number): bigint {
  const value = readX2apic(core.apic, msr);
  if (value < 0n) core.raise(VECTOR_GP, 0);
  core.charge(core.costs.apicAccess);
  return value;
}

/** An x2APIC register written by MSR. Raises: #GP(0). */
export function writeApicMsr(core: Core, msr: number, value: bigint): void {
  if (!writeX2apic(core.apic, msr, value)) core.raise(VECTOR_GP, 0);
  core.charge(core.costs.apicAccess);
  core.attention = true;
}

/** The register behind an x2APIC MSR, or -1n when the read faults. Also serves a VMM's virtual APICs. */
export function readX2apic(apic: LocalApic, msr: number): bigint {
  const offset = (msr - X2APIC_MSR_FIRST) << 4;
  if (apic.mode !== 'x2apic' || !apic.readable(offset)) return -1n;
  const low = BigInt(apic.read(offset) >>> 0);
  return offset === APIC_ICR_LOW ? low | (BigInt(apic.icrDestination >>> 0) << 32n) : low;
}

/** Writes the register behind an x2APIC MSR. False when the write faults. */
export function writeX2apic(apic: LocalApic, msr: number, value: bigint): boolean {
  const offset = (msr - X2APIC_MSR_FIRST) << 4;
  if (apic.mode !== 'x2apic') return false;
  const low = Number(value & 0xffff_ffffn);
  if (offset === APIC_ICR_LOW) return apic.writeIcr(low, Number(value >> 32n));
  if (value >> 32n !== 0n || (offset === APIC_EOI && low !== 0) || (offset === APIC_SELF_IPI && low > 0xff)) return false;
  return apic.write(offset, low);
}
