/**
 * The interrupt command register.
 *
 *   xAPIC    63..56       55..32    | x2APIC  63..32
 *            destination  reserved  |         destination
 *
 *   31..20    19..18     17..16    15     14      13  12      11       10..8     7..0
 *   reserved  shorthand  reserved  level  assert  -   status  logical  delivery  vector
 *
 * SDM: Vol. 3, "Interrupt Command Register (ICR)"; "ICR Operation in x2APIC Mode".
 */
import {
  DELIVERY_FIXED,
  DELIVERY_INIT,
  DELIVERY_LOWEST,
  DELIVERY_NMI,
  DELIVERY_SMI,
  DELIVERY_STARTUP,
  ICR_ASSERT,
  ICR_DELIVERY,
  ICR_DELIVERY_SHIFT,
  ICR_LEVEL_TRIGGERED,
  ICR_LOGICAL,
  ICR_SHORTHAND,
  ICR_SHORTHAND_SHIFT,
  SHORTHAND_NONE,
  SHORTHAND_OTHERS,
} from '../arch/apicRegisters.ts';
import { BROADCAST, type InterruptMessage } from './interruptBus.ts';

/** Bits of the low half that x2APIC mode refuses. Bit 12 (delivery status) is ignored there. */
export const X2APIC_ICR_RESERVED = (0xfff << 20) | (3 << 16) | (1 << 13);
/** Bits of the low half that an xAPIC keeps: all but the reserved ones and the read-only delivery status. */
export const ICR_LOW_WRITABLE = 0xff | ICR_DELIVERY | ICR_LOGICAL | ICR_ASSERT | ICR_LEVEL_TRIGGERED | ICR_SHORTHAND;

/** `message` holds what the ICR says. `low` and `high` are its halves. */
export function parseIcr(low: number, high: number, x2apic: boolean, message: InterruptMessage): void {
  message.vector = low & 0xff;
  message.delivery = (low & ICR_DELIVERY) >>> ICR_DELIVERY_SHIFT;
  message.logical = (low & ICR_LOGICAL) !== 0;
  message.shorthand = (low & ICR_SHORTHAND) >>> ICR_SHORTHAND_SHIFT;
  if (x2apic) message.destination = high >>> 0;
  else message.destination = high >>> 24 === 0xff ? BROADCAST : high >>> 24;
}

/** The low half of the ICR that sends `message`, edge-triggered. */
export function formatIcrLow(message: InterruptMessage): number {
  return (
    message.vector |
    (message.delivery << ICR_DELIVERY_SHIFT) |
    (message.logical ? ICR_LOGICAL : 0) |
    ICR_ASSERT |
    (message.shorthand << ICR_SHORTHAND_SHIFT)
  );
}

/** The high half of the ICR that sends `message`, unsigned. Raises: RangeError when an xAPIC cannot address the destination. */
export function formatIcrHigh(message: InterruptMessage, x2apic: boolean): number {
  const { destination } = message;
  if (x2apic) return destination >>> 0;
  if (destination !== BROADCAST && destination > 0xff) throw new RangeError(`destination ${destination} does not fit an xAPIC's ICR`);
  return ((destination & 0xff) << 24) >>> 0;
}

/** True iff the ICR asks for the INIT level de-assert of old multiprocessors, which later ones accept and ignore. */
export function isInitDeassert(low: number): boolean {
  const delivery = (low & ICR_DELIVERY) >>> ICR_DELIVERY_SHIFT;
  return delivery === DELIVERY_INIT && (low & ICR_LEVEL_TRIGGERED) !== 0 && (low & ICR_ASSERT) === 0;
}

/**
 * True iff a processor defines what this combination of delivery mode and shorthand does.
 *
 * SDM: Vol. 3, "Interrupt Command Register (ICR)" (table "Valid Combinations for the … Local APIC Interrupt Command Register").
 * Deviation: an undefined combination is not sent at all.
 */
export function isDefinedCommand(delivery: number, shorthand: number): boolean {
  switch (delivery) {
    case DELIVERY_FIXED:
      return true;
    case DELIVERY_LOWEST:
    case DELIVERY_SMI:
    case DELIVERY_NMI:
    case DELIVERY_INIT:
    case DELIVERY_STARTUP:
      return shorthand === SHORTHAND_NONE || shorthand === SHORTHAND_OTHERS;
    default:
      return false;
  }
}

/** True iff the vector of the message selects an IDT entry below 16, which no interrupt may use. */
export function hasIllegalVector(message: InterruptMessage): boolean {
  return (message.delivery === DELIVERY_FIXED || message.delivery === DELIVERY_LOWEST) && message.vector < 16;
}
