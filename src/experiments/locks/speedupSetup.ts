import type { Point, Scale } from '../experiment.ts';
import { seeds } from '../runSettings.ts';
import { locksPresent } from './lockPoint.ts';
import { BASELINE, type LockVariant, OTHER_VARIANTS, PUBLISHED_VARIANTS } from './lockVariants.ts';
import { DVDSTORE, EBIZZY, HACKBENCH, KERNBENCH, type LockWorkload, workloadPoint } from './lockWorkloads.ts';
import { sensitivityPoints } from './speedupSensitivity.ts';

interface Sizes {
  readonly workloads: readonly LockWorkload[];
  /** Of virtual time, measured. */
  readonly seconds: number;
  readonly variants: readonly LockVariant[];
  readonly vms: readonly number[];
  /** In milliseconds. */
  readonly slice: number;
  /** At two VMs; one elsewhere. */
  readonly seeds: number;
  /** Workloads and locks that are not the publication's: alone, and in the main case. */
  readonly others: readonly { readonly variants: readonly LockVariant[]; readonly workloads: readonly LockWorkload[] }[];
  readonly sensitivity: boolean;
}

/** Slices: Linux's for two vCPUs on a core of eight. */
export const SPEEDUP_SIZES: Readonly<Record<Scale, Sizes>> = {
  full: {
    workloads: [HACKBENCH, EBIZZY, DVDSTORE],
    seconds: 0.2,
    variants: PUBLISHED_VARIANTS,
    vms: [1, 2, 3, 4],
    slice: 12,
    seeds: 4,
    others: [
      { variants: PUBLISHED_VARIANTS, workloads: [KERNBENCH] },
      { variants: OTHER_VARIANTS, workloads: [HACKBENCH, EBIZZY] },
    ],
    sensitivity: true,
  },
  quick: {
    workloads: [HACKBENCH, EBIZZY],
    seconds: 0.04,
    variants: PUBLISHED_VARIANTS,
    vms: [1, 2],
    slice: 3,
    seeds: 3,
    others: [],
    sensitivity: false,
  },
};

/** VMs of the main case, which has more seeds than the others. */
const MAIN = 2;
/** The two of the headline, with what they are compared with. */
const SENSITIVE_LOCKS = [BASELINE, 'preemptable', 'pv-preemptable'];

/** Two sweeps by the label `sweep`: `workloads`, and `sensitivity` with one thing changed. */
export function speedupPoints(scale: Scale): readonly Point[] {
  const { workloads, seconds, variants, vms, slice, seeds: count, others, sensitivity } = SPEEDUP_SIZES[scale];
  const points: Point[] = [];
  const add = (workload: LockWorkload, m: number, { name, lock, ple }: LockVariant, seed: number): void => {
    const labels = { sweep: 'workloads', workload: workload.guest, vms: m, variant: name };
    points.push(workloadPoint(labels, workload, { lock, ple, vms: m, slice, seed, seconds }));
  };
  for (const workload of workloads)
    for (const m of vms) for (const variant of variants) for (const seed of seeds(m === MAIN ? count : 1)) add(workload, m, variant, seed);
  for (const { variants: locks, workloads: loads } of others)
    for (const workload of loads) for (const m of [1, MAIN]) for (const variant of locks) add(workload, m, variant, 1);
  return sensitivity ? [...points, ...sensitivityPoints(locksPresent(SENSITIVE_LOCKS), slice, seconds)] : points;
}
