/**
 * Which offsets of the register page hold a register, in either mode. SDM: Vol. 3, "Local APIC Register Address Map"; "x2APIC Register
 * Address Space".
 */
import {
  APIC_APR,
  APIC_DFR,
  APIC_EOI,
  APIC_ESR,
  APIC_ICR_HIGH,
  APIC_ICR_LOW,
  APIC_ID,
  APIC_IRR0,
  APIC_ISR0,
  APIC_LDR,
  APIC_PPR,
  APIC_RRD,
  APIC_SVR,
  APIC_TIMER_CURRENT,
  APIC_TIMER_DIVIDE,
  APIC_TIMER_INITIAL,
  APIC_TMR0,
  APIC_TPR,
  APIC_VERSION,
} from '../arch/apicRegisters.ts';
import { LVT_OFFSETS } from './lvt.ts';

const bitMap = (from: number): readonly number[] => Array.from({ length: 8 }, (_, word) => from + 0x10 * word);
const READ_ONLY = [APIC_ID, APIC_VERSION, APIC_PPR, APIC_TIMER_CURRENT, ...[APIC_ISR0, APIC_TMR0, APIC_IRR0].flatMap(bitMap)];
const READ_WRITE = [APIC_TPR, APIC_LDR, APIC_SVR, APIC_ESR, APIC_ICR_LOW, APIC_TIMER_INITIAL, APIC_TIMER_DIVIDE, ...LVT_OFFSETS];
/** Registers that x2APIC mode does not have. EOI can be read there no more either; in xAPIC mode it reads 0. */
const XAPIC_READ_ONLY = [APIC_APR, APIC_RRD];
const XAPIC_READ_WRITE = [APIC_DFR, APIC_ICR_HIGH, APIC_EOI];

const table = (...offsets: readonly number[]): Uint8Array => {
  const flags = new Uint8Array(64);
  for (const offset of offsets) flags[offset >> 4] = 1;
  return flags;
};
const READABLE_X2APIC = table(...READ_ONLY, ...READ_WRITE);
const READABLE_XAPIC = table(...READ_ONLY, ...READ_WRITE, ...XAPIC_READ_ONLY, ...XAPIC_READ_WRITE);
const READ_ONLY_XAPIC = table(...READ_ONLY, ...XAPIC_READ_ONLY);

const isAligned = (offset: number): boolean => (offset & 0xf) === 0;

/** True iff the offset holds a register that can be read in this mode. */
export function isReadable(offset: number, x2apic: boolean): boolean {
  return isAligned(offset) && (x2apic ? READABLE_X2APIC : READABLE_XAPIC)[offset >> 4] === 1;
}

/** True iff the offset holds a register of an xAPIC that ignores writes. */
export function isReadOnly(offset: number): boolean {
  return isAligned(offset) && READ_ONLY_XAPIC[offset >> 4] === 1;
}
