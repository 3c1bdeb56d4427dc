/** What one run of the scheme rig is: plain data, so that a failing one is a small file. */

/** One decision of a core's scheduler. Who waits there is counted modulo their number. */
export type Turn =
  /** One of those that wait runs for so many cycles after its entry. */
  | readonly ['run', which: number, cycles: number]
  /** The core belongs to somebody else for so long. */
  | readonly ['rest', cycles: number]
  /** One of those that wait lives on another core from now on. */
  | readonly ['move', which: number, core: number]
  /** One of those that wait and came from another core goes back there. */
  | readonly ['back', which: number];

/**
 * A core stands still for so many cycles, in the middle of whatever it does: when its guests have executed so many instructions since the delay
 * before; or before the so-manieth locked one of them, where what a vCPU has read may have become untrue.
 */
export type Delay = readonly ['instruction' | 'locked', count: number, cycles: number];

export interface SchemeCase {
  readonly scheme: string;
  readonly cores: number;
  readonly vcpus: number;
  /** Pages of each shootdown, and reads between two of them. */
  readonly pages: number;
  readonly reads: number;
  /** Cycles that an interrupt takes from core to core. */
  readonly latency: number;
  /** Cycles that cores may be apart: the smaller, the finer their instructions interleave. */
  readonly quantum: number;
  /** By core. Afterwards all take turns, fairly, until they are done. */
  readonly turns: readonly (readonly Turn[])[];
  /** By core. */
  readonly delays: readonly (readonly Delay[])[];
  /**
   * By core, counts from the one before: it stands still before that locked compare-exchange, among those at which a vCPU that lives on another core is
   * not in its guest, until one of these is back there.
   */
  readonly returns: readonly (readonly number[])[];
}
