/** What is chosen when a guest is built. */

/** A whole number that belongs to the guest itself, or to a part that was chosen for it (a lock algorithm). */
export interface GuestParameter {
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
}

/** One of several names, chosen when the guest is built. */
export interface GuestOption {
  readonly name: string;
  /** One of `choices`. */
  readonly default: string;
  readonly choices: readonly string[];
  readonly doc: string;
}

/** One value for each of the parameters on offer. */
export type ParameterValues = Readonly<Record<string, number>>;
