import type { Labels, Point } from '../experiment.ts';
import type { Measurement } from '../measurement.ts';
import { seeds } from '../runSettings.ts';
import { lockPoint, locksPresent } from './lockPoint.ts';

/** Locks in the order of the figures. */
export const COMPARED_LOCKS = ['ticket', 'tas', 'mcs', 'qspinlock', 'preemptable', 'pv-ticket', 'pv-preemptable', 'pv-qspinlock'] as const;

/** Work under the lock and, on average, between two acquisitions, in instructions: eight cores keep the lock about half busy. */
const WORK = { section: 1000, think: 16_000 };
/** Never reached: the duration ends the run. */
const ITERATIONS = 10_000_000;

export interface FairbenchSizes {
  /** Of the measured part, in seconds. */
  readonly seconds: number;
  /** In milliseconds. */
  readonly slice: number;
  readonly vms: readonly number[];
  readonly seeds: number;
}

/** The guest fairbench with every lock at every overcommit, labelled `lock` and `vms`. */
export const fairbenchPoints = ({ seconds, slice, vms, seeds: count }: FairbenchSizes): Point[] =>
  locksPresent(COMPARED_LOCKS).flatMap((lock) =>
    vms.flatMap((m) => seeds(count).map((seed) => fairbenchPoint({ lock, vms: m }, lock, m, slice, seconds, seed))),
  );

/** @param given parameters of the guest and of the lock that are not the usual ones. */
export function fairbenchPoint(
  labels: Labels,
  lock: string,
  vms: number,
  slice: number,
  seconds: number,
  seed: number,
  given: Readonly<Record<string, number>> = {},
): Point {
  // Within a turn of all VMs: otherwise the slices of all cores begin together, and a VM's vCPUs are preempted together.
  const stagger = vms * slice * 1000;
  const params = { ...WORK, iterations: ITERATIONS, duration: seconds * 1e6, stagger, ...given };
  return lockPoint(labels, { guest: 'fairbench', lock, vms, slice, seed, params });
}

/** Acquisitions of the first VM in a millisecond of the measured part. */
export const throughput = ({ figures, frequencyHz }: Measurement): number =>
  (figures['acquisitions']! / figures['cycles']!) * (frequencyHz / 1000);
/** Jain's index of the first VM's cores: 1 is equal. */
export const jainIndex = ({ figures }: Measurement): number => figures["Jain's index, millionths"]! / 1e6;
