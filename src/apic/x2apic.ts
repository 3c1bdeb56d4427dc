import { APIC_ICR_HIGH, APIC_ICR_LOW } from '../arch/apicRegisters.ts';
import { X2APIC_MSR_FIRST } from '../arch/msr.ts';
import { APIC_MODE_X2APIC } from './apicState.ts';
import { APIC_ACCESS_FAULT, type LocalApic } from './localApic.ts';

/** xAPIC offset of the register behind an x2APIC MSR. */
export const x2apicOffset = (msr: number): number => (msr - X2APIC_MSR_FIRST) << 4;

/** What RDMSR of an x2APIC register puts into EAX, or APIC_ACCESS_FAULT when it raises #GP(0). `x2apicReadHigh` has EDX. */
export function x2apicRead(apic: LocalApic, msr: number): number {
  return apic.mode === APIC_MODE_X2APIC ? apic.read(x2apicOffset(msr)) : APIC_ACCESS_FAULT;
}

/** What RDMSR of an x2APIC register puts into EDX: the destination half of the ICR, 0 for every other register. */
export function x2apicReadHigh(apic: LocalApic, msr: number): number {
  return x2apicOffset(msr) === APIC_ICR_LOW ? apic.state.words[APIC_ICR_HIGH >> 4]! >>> 0 : 0;
}

/** WRMSR of an x2APIC register is done: `high` and `low` are EDX and EAX. False when it raises #GP(0). */
export function x2apicWrite(apic: LocalApic, msr: number, low: number, high: number): boolean {
  if (apic.mode !== APIC_MODE_X2APIC) return false;
  const offset = x2apicOffset(msr);
  if (offset === APIC_ICR_LOW) return apic.writeIcr(low, high);
  // Every other register is 32 bits wide; the rest of the MSR is reserved.
  return high === 0 && apic.write(offset, low);
}
