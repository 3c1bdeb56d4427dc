/** What one run of the lock rig is: plain data, so that a failing one is a small file. */

/** What a core does, `rounds` times. */
export interface CoreRole {
  /** acquire: takes lock A and lets go of it. try: tries to. nest: takes A, then B inside, with interrupts off. */
  readonly kind: 'acquire' | 'try' | 'nest';
  readonly rounds: number;
  /** All of it with interrupts off. */
  readonly masked: boolean;
}

/** One decision of the scheduler. Cores are counted modulo their number. */
export type Decision =
  /** The core executes so many instructions, less if it halts. */
  | readonly ['run', core: number, instructions: number]
  /** The core takes an interrupt, if it can; the handler takes lock B. */
  | readonly ['interrupt', core: number]
  /** Kicks that are under way arrive. */
  | readonly ['kicks']
  /** The core's HLT ends for no reason. */
  | readonly ['wake', core: number];

export interface LockCase {
  readonly lock: string;
  readonly parameters: Readonly<Record<string, number>>;
  /** Both locks are as they are so many acquisitions before their tickets wrap around; -1: new. */
  readonly beforeWrap: number;
  readonly cores: readonly CoreRole[];
  /** Afterwards all take turns, fairly, until they are done. */
  readonly schedule: readonly Decision[];
}
