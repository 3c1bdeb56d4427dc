import { guestNamed } from '../../kernels/guests.ts';
import type { Labels, Point } from '../experiment.ts';
import type { Measurement } from '../measurement.ts';
import { CORES, type LockSetting, lockPoint } from './lockPoint.ts';

/** A guest that is run without an end. */
export interface LockWorkload {
  readonly guest: string;
  readonly params: Readonly<Record<string, number>>;
  /** The parameter that says how much work there is. */
  readonly amount: string;
}

/**
 * The published loads, in miniature (docs/workloads.md), with the defaults of the programs that they stand for, as far as they are recalled: hackbench's ten
 * groups of twenty senders and receivers over stream sockets; two threads of ebizzy for each processor; customers of the shop who do not think; a build
 * with two jobs for each processor, which is not one of the published loads.
 */
export const HACKBENCH: LockWorkload = { guest: 'hackbench', params: { groups: 10, fan: 20 }, amount: 'loops' };
export const EBIZZY: LockWorkload = { guest: 'ebizzy', params: { threads: 16 }, amount: 'requests' };
export const DVDSTORE: LockWorkload = { guest: 'dvdstore', params: { sessions: 32, think: 0 }, amount: 'transactions' };

export const KERNBENCH: LockWorkload = { guest: 'kernbench', params: { jobs: 16 }, amount: 'files' };

/** Memory that comes and goes at the highest rate there is. */
export const ALLOCSTRESS: LockWorkload = { guest: 'allocstress', params: {}, amount: 'rounds' };

/**
 * Microseconds of each core's start after the one before it, at most: all of them together come to about a turn of the host's VMs. Woken together, the cores
 * of a VM would preempt those of another together, from then on (docs/locks.md).
 */
const stagger = (vms: number, slice: number): number => Math.round((2 * vms * slice * 1000) / CORES);

/** M VMs with the same workload, which has no end; `seconds` of virtual time are measured. @param setting.change parameters that are not the usual ones. */
export function workloadPoint(
  labels: Labels,
  { guest, params, amount }: LockWorkload,
  {
    change,
    ...setting
  }: Omit<LockSetting, 'guest' | 'params' | 'neighbours'> & {
    readonly seconds: number;
    readonly change?: Readonly<Record<string, number>> | undefined;
  },
): Point {
  const endless = guestNamed(guest).parameters.find(({ name }) => name === amount)!.max;
  const all = { ...params, ...change, stagger: stagger(setting.vms, setting.slice), [amount]: endless };
  return lockPoint(labels, { ...setting, guest, params: all, neighbours: all });
}

/**
 * Machine time for the programs' own: cycles of all cores for each cycle that the programs of all VMs spent in user mode, in the measured part. That is
 * proportional to the time that a unit of work takes, since what a program computes for it does not depend on the kernel's locks. All VMs
 * count: with one of them much would be luck, because a few stalls of a slice each decide, and which VM they hit.
 */
export function machineTime({ counts, begin, end }: Measurement): number {
  const user = counts.userCycles.reduce((sum, cycles) => sum + cycles, 0);
  return (CORES * ((end ?? Number.NaN) - (begin ?? Number.NaN))) / user;
}
