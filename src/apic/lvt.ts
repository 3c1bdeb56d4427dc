import {
  APIC_LVT_CMCI,
  APIC_LVT_ERROR,
  APIC_LVT_LINT0,
  APIC_LVT_LINT1,
  APIC_LVT_MASKED,
  APIC_LVT_PERFORMANCE,
  APIC_LVT_THERMAL,
  APIC_LVT_TIMER,
  APIC_LVT_TIMER_MODE_SHIFT,
} from '../arch/apicRegisters.ts';

/** Delivery status (12) and remote IRR (14): read-only, ignored by writes in either mode. */
export const LVT_READ_ONLY = (1 << 12) | (1 << 14);

const VECTOR = 0xff;
const DELIVERY = 7 << 8;
const POLARITY = 1 << 13;
const LEVEL_TRIGGERED = 1 << 15;

/**
 * Bits of a local vector table entry that software can write; 0 when the offset is no such entry.
 *
 * SDM: Vol. 3, "Local Vector Table".
 */
export function lvtWritable(offset: number): number {
  switch (offset) {
    case APIC_LVT_TIMER:
      return VECTOR | APIC_LVT_MASKED | (3 << APIC_LVT_TIMER_MODE_SHIFT);
    case APIC_LVT_CMCI:
    case APIC_LVT_THERMAL:
    case APIC_LVT_PERFORMANCE:
      return VECTOR | DELIVERY | APIC_LVT_MASKED;
    case APIC_LVT_LINT0:
    case APIC_LVT_LINT1:
      return VECTOR | DELIVERY | POLARITY | LEVEL_TRIGGERED | APIC_LVT_MASKED;
    case APIC_LVT_ERROR:
      return VECTOR | APIC_LVT_MASKED;
    default:
      return 0;
  }
}

/** Every entry of the table. */
export const LVT_OFFSETS = [
  APIC_LVT_CMCI,
  APIC_LVT_TIMER,
  APIC_LVT_THERMAL,
  APIC_LVT_PERFORMANCE,
  APIC_LVT_LINT0,
  APIC_LVT_LINT1,
  APIC_LVT_ERROR,
] as const;
