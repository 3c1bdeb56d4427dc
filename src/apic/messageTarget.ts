import { SHORTHAND_ALL, SHORTHAND_OTHERS, SHORTHAND_SELF } from '../arch/apicRegisters.ts';
import type { InterruptMessage } from './interruptBus.ts';
import type { LocalApic } from './localApic.ts';

/** True iff the message is for this APIC: by shorthand, or by destination address. For buses. */
export function isMessageTarget(message: InterruptMessage, apic: LocalApic): boolean {
  const isSender = apic.id === message.source;
  switch (message.shorthand) {
    case SHORTHAND_SELF:
      return isSender;
    case SHORTHAND_ALL:
      return isSender || apic.isPresent;
    case SHORTHAND_OTHERS:
      return !isSender && apic.isPresent;
    default:
      return apic.matches(message.logical, message.destination);
  }
}

/**
 * Index of the APIC that a lowest-priority message goes to, or -1: among its targets the one with the lowest processor-priority class, and
 * of these the first.
 *
 * Deviation: the arbitration takes place when the message is sent, not when it arrives.
 */
export function lowestPriorityTarget(message: InterruptMessage, apics: readonly LocalApic[]): number {
  let best = -1;
  let bestClass = 16;
  for (let index = 0; index < apics.length; index++) {
    const apic = apics[index]!;
    const priorityClass = apic.processorPriority >> 4;
    if (priorityClass < bestClass && isMessageTarget(message, apic)) {
      best = index;
      bestClass = priorityClass;
    }
  }
  return best;
}
