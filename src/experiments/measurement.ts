import type { RunStats } from '../trace/runStats.ts';
import type { LoggedShootdown } from '../trace/shootdownLog.ts';
import type { DistributionStep } from './statistics.ts';

/** What one run gave: plain data, a function of the point alone. */
export interface Measurement {
  /** Statistics of the whole run: all VMs, boot included. */
  readonly stats: Omit<RunStats, 'exitStatus'>;
  /** SHA-256 of the guest's image. */
  readonly imageHash: string;
  /** Of the measured part, in cycles of virtual time; null when the guest marks none. */
  readonly begin: number | null;
  readonly end: number | null;
  readonly frequencyHz: number;
  /** The first VM's shootdowns that lie within the measured part, in order of their end. */
  readonly shootdowns: readonly LoggedShootdown[];
  /** Of the measured part. */
  readonly counts: Counts;
  /** Waits for locks, in cycles, of the acquisitions of the whole run that had to wait, in all VMs. */
  readonly lockWaits: readonly DistributionStep[];
  /** What the guest reported, by name. */
  readonly figures: Readonly<Record<string, number>>;
  /** For each shootdown the first VM's TLB fills in the 10 µs before it began and after it ended; null when not observed. */
  readonly fills: { readonly before: readonly number[]; readonly after: readonly number[] } | null;
}

/** How often something happened. */
export interface Counts {
  /** The first VM's exits by reason. */
  readonly exits: Readonly<Record<string, number>>;
  /** Of all cores, by operation. */
  readonly invalidations: Readonly<Record<string, number>>;
  /** Messages between cores; under a VMM they are the host's. */
  readonly ipis: number;
  /** Cycles of each VM in user mode, by VM; without a VMM those of the machine. */
  readonly userCycles: readonly number[];
}

/** What became of a point. */
export type PointOutcome =
  | { readonly kind: 'measured'; readonly measurement: Measurement }
  /** One line says why. */
  | { readonly kind: 'failed'; readonly reason: string };
