/** The built-in guests by name, and building one from names and numbers. */
import { BENCH_GUESTS } from './bench/benchGuests.ts';
import { fwkSelftest } from './fwkSelftest.ts';
import type { GuestBuild, GuestDefinition } from './guest.ts';
import { hello } from './hello.ts';
import { ipiPingpong } from './ipiPingpong.ts';
import { LOCKS } from './lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from './lib/shootdown/schemes.ts';
import { pageFaults } from './pageFaults.ts';
import { shootdown } from './shootdown.ts';
import { smp } from './smp.ts';

export const GUESTS: readonly GuestDefinition[] = [hello, smp, ipiPingpong, pageFaults, shootdown, fwkSelftest, ...BENCH_GUESTS];

export interface GuestOptions {
  /** Values for some of the guest's parameters; the others take their defaults. */
  readonly parameters?: Readonly<Record<string, number>>;
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
  const parameters = Object.fromEntries(guest.parameters.map((parameter) => [parameter.name, parameter.default]));
  for (const [key, value] of Object.entries(options.parameters ?? {})) {
    const { min, max } = named(guest.parameters, `parameter of ${name}`, key);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new Error(`${name}: ${key} = ${value} is not a whole number from ${min} to ${max}`);
    parameters[key] = value;
  }
  return guest.build({
    parameters,
    lock: named(LOCKS, 'lock', options.lock ?? LOCKS[0]!.name),
    shootdown: named(SHOOTDOWN_SCHEMES, 'shootdown scheme', options.shootdown ?? SHOOTDOWN_SCHEMES[0]!.name),
  });
}
