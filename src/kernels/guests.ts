/** The built-in guests by name, and building one from names and numbers. */
import { BENCH_GUESTS } from './bench/benchGuests.ts';
import { fairbench } from './fairbench.ts';
import { fwkSelftest } from './fwkSelftest.ts';
import type { GuestBuild, GuestChoices, GuestDefinition } from './guest.ts';
import { hello } from './hello.ts';
import { ipiPingpong } from './ipiPingpong.ts';
import { chooseLock } from './lib/locks/lock.ts';
import { LOCKS } from './lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from './lib/shootdown/schemes.ts';
import { overhead } from './overhead.ts';
import { pageFaults } from './pageFaults.ts';
import type { GuestOption, GuestParameter } from './parameter.ts';
import { shootdown } from './shootdown.ts';
import { smp } from './smp.ts';
import { tlbFlush } from './tlbFlush.ts';
import { WORKLOADS } from './workloads/workloads.ts';

export const GUESTS: readonly GuestDefinition[] = [
  hello,
  smp,
  ipiPingpong,
  pageFaults,
  shootdown,
  fwkSelftest,
  tlbFlush,
  fairbench,
  overhead,
  ...WORKLOADS,
  ...BENCH_GUESTS,
];

export interface GuestOptions {
  /**
   * Numbers for some of the parameters of the guest and of its lock algorithm, names for some of the guest's options; the others take their
   * defaults.
   */
  readonly parameters?: Readonly<Record<string, number | string>>;
  /** Names of a lock algorithm and of a shootdown scheme; the first of each registry by default. */
  readonly lock?: string;
  readonly shootdown?: string;
}

function named<T extends { readonly name: string }>(registry: readonly T[], what: string, name: string): T {
  const found = registry.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${what} '${name}'; there is ${registry.map((one) => one.name).join(', ')}`);
  return found;
}

/** The guest of that name. Raises: Error when there is none. */
export const guestNamed = (name: string): GuestDefinition => named(GUESTS, 'guest', name);

/** The guest, built. Raises: Error for names and parameters that do not exist, and for values out of range. */
export function buildGuest(name: string, options: GuestOptions = {}): GuestBuild {
  const guest = guestNamed(name);
  const lock = named(LOCKS, 'lock', options.lock ?? LOCKS[0]!.name);
  const chosen = chosenFor(guest, lock.parameters, options.parameters ?? {});
  return guest.build({
    ...chosen,
    lock: chooseLock(lock, chosen.parameters),
    shootdown: named(SHOOTDOWN_SCHEMES, 'shootdown scheme', options.shootdown ?? SHOOTDOWN_SCHEMES[0]!.name),
  });
}

/** A value for everything that the guest, and the parts chosen for it, let one choose. Raises: Error. */
function chosenFor(
  guest: GuestDefinition,
  ofParts: readonly GuestParameter[],
  given: Readonly<Record<string, number | string>>,
): Pick<GuestChoices, 'parameters' | 'options'> {
  const numbers = [...guest.parameters, ...ofParts];
  const parameters = Object.fromEntries(numbers.map((parameter) => [parameter.name, parameter.default]));
  const names = guest.options ?? [];
  const options = Object.fromEntries(names.map((option) => [option.name, option.default]));
  for (const [key, value] of Object.entries(given)) {
    const known = named<GuestParameter | GuestOption>([...numbers, ...names], `parameter of ${guest.name}`, key);
    if ('choices' in known) {
      if (typeof value !== 'string' || !known.choices.includes(value))
        throw new Error(`${guest.name}: ${key} = ${value} is not one of ${known.choices.join(', ')}`);
      options[key] = value;
    } else {
      const { min, max } = known;
      if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
        throw new Error(`${guest.name}: ${key} = ${value} is not a whole number from ${min} to ${max}`);
      parameters[key] = value;
    }
  }
  return { parameters, options };
}
