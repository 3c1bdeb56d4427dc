import { guestNamed } from '../../kernels/guests.ts';
import type { Labels, Point } from '../experiment.ts';
import type { Measurement } from '../measurement.ts';
import { CORES, type LockSetting, lockPoint } from './lockPoint.ts';

/** A guest that is run for a given amount of work. */
export interface LockWorkload {
  readonly guest: string;
  /** What stays the same whatever the amount is. */
  readonly params: Readonly<Record<string, number>>;
  /** The parameter that the amount of work is proportional to. */
  readonly amount: string;
}

/**
 * The published loads, in miniature (docs/workloads.md), with the defaults of the programs that they stand for, as far as they are recalled: hackbench's ten
 * groups of twenty senders and receivers over stream sockets; two threads of ebizzy for each processor; customers of the shop who do not think.
 */
export const HACKBENCH: LockWorkload = { guest: 'hackbench', params: { groups: 10, fan: 20 }, amount: 'loops' };
export const EBIZZY: LockWorkload = { guest: 'ebizzy', params: { threads: 16 }, amount: 'requests' };
export const DVDSTORE: LockWorkload = { guest: 'dvdstore', params: { sessions: 32, think: 0 }, amount: 'transactions' };

/** Memory that comes and goes at the highest rate there is. */
export const ALLOCSTRESS: LockWorkload = { guest: 'allocstress', params: {}, amount: 'rounds' };

/** Neighbours have so much more to do than the first VM that none ends before it. */
const NEIGHBOURS_MORE = 1000;

/**
 * Microseconds of each core's start after the one before it, at most: all of them together come to about a turn of the host's VMs. Woken together, the cores
 * of a VM would preempt those of another together, from then on (docs/locks.md).
 */
const stagger = (vms: number, slice: number): number => Math.round((2 * vms * slice * 1000) / CORES);

/** M VMs with the same workload, of which the first has `amount` of work, and the others more than they will have time for. */
export function workloadPoint(
  labels: Labels,
  { guest, params, amount }: LockWorkload,
  work: number,
  setting: Omit<LockSetting, 'guest' | 'params' | 'neighbours'>,
): Point {
  const apart = { ...params, stagger: stagger(setting.vms, setting.slice) };
  const most = guestNamed(guest).parameters.find(({ name }) => name === amount)!.max;
  return lockPoint(labels, {
    ...setting,
    guest,
    params: { ...apart, [amount]: work },
    neighbours: { ...apart, [amount]: Math.min(most, work * NEIGHBOURS_MORE) },
  });
}

/** Time that the first VM took for its work, in milliseconds of virtual time, as its own clock has it. */
export const firstWorkMillis = ({ figures, frequencyHz }: Measurement): number => (figures['cycles']! / frequencyHz) * 1000;

/**
 * Time that a VM took for this work, in milliseconds of virtual time: the mean over all VMs, weighted as work is. All run the same program, whose time in user
 * mode is proportional to its work whatever the kernel's locks do; so that time says how far the neighbours have come when the first VM ends.
 * The first alone would be a matter of luck: a few stalls of a slice each decide, and which VM they hit.
 */
export function workMillis(measurement: Measurement): number {
  const user = new Map<number, number>();
  for (const { vm, cpuTime } of measurement.stats.vcpus) user.set(vm, (user.get(vm) ?? 0) + cpuTime.userCycles);
  const all = [...user.values()].reduce((sum, cycles) => sum + cycles, 0);
  return firstWorkMillis(measurement) * ((user.size * user.get(0)!) / all);
}
