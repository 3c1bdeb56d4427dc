import { LOCKS } from '../../kernels/lib/locks/locks.ts';
import type { Labels, Point } from '../experiment.ts';
import { parameters, runOptions } from '../runSettings.ts';

/** The published machine: eight cores, VMs of eight vCPUs, all of them alike. */
const CORES = 8;
const MEGABYTE = 1024 ** 2;

export interface LockSetting {
  readonly guest: string;
  readonly lock: string;
  readonly vms: number;
  /** In milliseconds. */
  readonly slice: number;
  readonly seed: number;
  readonly params: Readonly<Record<string, number | string>>;
  readonly shootdown?: string;
  readonly costs?: Readonly<Record<string, number>>;
}

/** M identical VMs on the cores of one; the first one's measured part counts. */
export function lockPoint(labels: Labels, { guest, lock, vms, slice, seed, params, shootdown, costs }: LockSetting): Point {
  const options = runOptions({
    guest,
    cores: CORES,
    memoryBytes: 256 * MEGABYTE,
    seed,
    lock,
    shootdown,
    costs,
    params: parameters(params),
    vmm: { vms, vcpus: CORES, scheduler: undefined, slice: { seconds: slice * 1e-3 } },
  });
  return { labels: { ...labels, seed }, run: { options, seconds: undefined, observeFills: false } };
}

/** Those of `wanted` that this version has, in that order. */
export const locksPresent = (wanted: readonly string[]): readonly string[] =>
  wanted.filter((name) => LOCKS.some((lock) => lock.name === name));
