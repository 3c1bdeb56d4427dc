import { LOCKS } from '../../kernels/lib/locks/locks.ts';
import { PLE_DEFAULTS } from '../../vmm/pauseLoop.ts';
import type { Labels, Point } from '../experiment.ts';
import { parameters, runOptions } from '../runSettings.ts';

/** The published machine: eight cores, VMs of eight vCPUs, all of them alike, under Linux's scheduler. */
export const CORES = 8;
const SCHEDULER = 'fair';
const MEGABYTE = 1024 ** 2;

type Parameters = Readonly<Record<string, number | string>>;

export interface LockSetting {
  readonly guest: string;
  readonly lock: string;
  readonly vms: number;
  /** In milliseconds: what two vCPUs get in turn. */
  readonly slice: number;
  readonly seed: number;
  readonly params: Parameters;
  /** Parameters of the same guest in the other VMs, which begin before the first one and run until it ends. Absent: all run alike, until the last one ends. */
  readonly neighbours?: Parameters | undefined;
  readonly shootdown?: string | undefined;
  /** With PAUSE-loop exiting, as KVM sets it. */
  readonly ple?: boolean | undefined;
  readonly costs?: Readonly<Record<string, number>> | undefined;
  /** Cache lines that move between cores have a price; they have unless told otherwise. */
  readonly coherence?: boolean | undefined;
  /** Of virtual time that are measured, from the moment at which all VMs have begun; absent: until the first one ends. */
  readonly seconds?: number | undefined;
}

/** M VMs with the same guest on the cores of one; the first one's measured part counts. */
export function lockPoint(labels: Labels, setting: LockSetting): Point {
  const { guest, lock, vms, slice, seed, params, neighbours, shootdown, ple = false, costs, coherence = true, seconds } = setting;
  const coGuest = vms === 1 || neighbours === undefined ? undefined : { guest, params: parameters(neighbours), headStart: true };
  const options = runOptions({
    guest,
    cores: CORES,
    memoryBytes: 256 * MEGABYTE,
    seed,
    lock,
    shootdown,
    costs,
    coherence,
    params: parameters(params),
    vmm: {
      vms,
      vcpus: CORES,
      scheduler: SCHEDULER,
      slice: { seconds: slice * 1e-3 },
      coGuest,
      pauseLoopExiting: ple ? PLE_DEFAULTS : undefined,
    },
  });
  return { labels: { ...labels, seed }, run: { options, seconds, observeFills: false } };
}

/** Those of `wanted` that this version has, in that order. */
export const locksPresent = (wanted: readonly string[]): readonly string[] =>
  wanted.filter((name) => LOCKS.some((lock) => lock.name === name));
