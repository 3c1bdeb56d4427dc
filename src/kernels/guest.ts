/** What a built-in guest is: a name, parameters, and a function that builds its image. */
import type { GuestImage } from '../arch/guestImage.ts';
import type { ListingLine } from '../asm/listing.ts';
import type { ChosenLock } from './lib/locks/lock.ts';
import type { ShootdownScheme } from './lib/shootdown/shootdown.ts';
import type { GuestOption, GuestParameter, ParameterValues } from './parameter.ts';

/** Everything that a scenario is built from, checked. */
export interface GuestChoices {
  /** One value for each of the guest's parameters. */
  readonly parameters: ParameterValues;
  /** One name for each of the guest's options. */
  readonly options: Readonly<Record<string, string>>;
  /** The lock algorithm, with values for its own parameters. */
  readonly lock: ChosenLock;
  readonly shootdown: ShootdownScheme;
}

export interface GuestBuild {
  readonly image: GuestImage;
  readonly symbols: ReadonlyMap<string, number>;
  readonly listing: readonly ListingLine[];
}

export interface GuestDefinition {
  readonly name: string;
  readonly doc: string;
  readonly parameters: readonly GuestParameter[];
  /** Chosen like parameters, by name instead of number; none when absent. */
  readonly options?: readonly GuestOption[];
  /** Cores it needs at least. */
  readonly minCores: number;
  /** Cores it is run on when nobody says how many; `minCores` when absent. */
  readonly defaultCores?: number;
  /** What the guest's own figures (MARK_FIGURE) mean, by number. */
  readonly figures: readonly string[];
  readonly build: (choices: GuestChoices) => GuestBuild;
}
