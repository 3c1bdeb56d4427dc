import { EVENTS } from './events.ts';

/** The mask of every event there is. */
export const ALL_EVENTS = 2 ** EVENTS.length - 1;

/** What is written when nobody says: everything but what comes with every instruction, TLB fill and system call. */
export const DEFAULT_EVENTS = 'default';

const IN_DEFAULT = (event: (typeof EVENTS)[number]): boolean =>
  event.name !== 'instruction' && event.name !== 'tlb-fill' && event.name !== 'privilege';

/**
 * The mask of the events that a comma-separated list selects: names, groups, `all`, `default`; a `-` in front takes away.
 * Raises: RangeError naming the word that is none of these and what would be.
 */
export function selectEvents(list: string): number {
  let mask = 0;
  for (const item of list.split(',')) {
    const word = item.trim();
    const removes = word.startsWith('-');
    const bits = maskOf(removes ? word.slice(1) : word);
    mask = removes ? mask & ~bits : mask | bits;
  }
  return mask;
}

function maskOf(word: string): number {
  if (word === 'all') return ALL_EVENTS;
  let mask = 0;
  for (const [number, event] of EVENTS.entries()) {
    const selected = word === DEFAULT_EVENTS ? IN_DEFAULT(event) : event.name === word || event.group === word;
    if (selected) mask |= 1 << number;
  }
  if (mask === 0) throw new RangeError(`no event or group '${word}'; there are ${eventWords().join(', ')}`);
  return mask;
}

/** Every word a list may hold. */
export function eventWords(): readonly string[] {
  return [...new Set(['all', DEFAULT_EVENTS, ...EVENTS.map((event) => event.group), ...EVENTS.map((event) => event.name)])];
}
