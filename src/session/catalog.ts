import type { GuestDefinition } from '../kernels/guest.ts';
import { GUESTS } from '../kernels/guests.ts';
import { LOCKS } from '../kernels/lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from '../kernels/lib/shootdown/schemes.ts';
import { PROFILES } from '../machine/profiles/registry.ts';
import { SCHEDULERS } from '../vmm/schedulers/registry.ts';
import { needsText } from './schemeNeeds.ts';

export interface CatalogEntry {
  readonly name: string;
  readonly doc: string;
}

/** Everything that a run can name, by kind; the first of each kind is the default. */
export function catalog(): Record<'guests' | 'experiments' | 'schemes' | 'locks' | 'schedulers' | 'profiles', readonly CatalogEntry[]> {
  return {
    guests: GUESTS.map((guest) => ({ name: guest.name, doc: guest.doc + parameterText(guest) })),
    experiments: [],
    schemes: SHOOTDOWN_SCHEMES.map(({ name, doc, needs }) => ({ name, doc: doc + needsText(needs) })),
    locks: LOCKS.map((lock) => ({ name: lock.name, doc: lock.doc + parameterText(lock) })),
    schedulers: [...SCHEDULERS.values()].map(({ name, doc }) => ({ name, doc })),
    profiles: [...PROFILES.values()].map(({ name, doc }) => ({ name, doc })),
  };
}

function parameterText({ parameters, options = [] }: Pick<GuestDefinition, 'parameters' | 'options'>): string {
  if (parameters.length + options.length === 0) return '';
  const named = options.map(({ name, default: value, choices }) => `${name}=${value} (of ${choices.join(', ')})`);
  return `; parameters ${[...named, ...parameters.map(({ name, default: value }) => `${name}=${value}`)].join(', ')}`;
}
