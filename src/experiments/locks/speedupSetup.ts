import type { Point, Scale } from '../experiment.ts';
import { seeds } from '../runSettings.ts';
import { fairbenchPoint } from './fairbenchSweep.ts';
import { locksPresent } from './lockPoint.ts';
import { BASELINE, type LockVariant, OTHER_VARIANTS, PUBLISHED_VARIANTS } from './lockVariants.ts';
import { DVDSTORE, EBIZZY, HACKBENCH, type LockWorkload, workloadPoint } from './lockWorkloads.ts';
import { FAIRBENCH_SECTION } from './speedupTables.ts';

interface Sizes {
  readonly workloads: readonly LockWorkload[];
  /** Of virtual time, measured. */
  readonly seconds: number;
  readonly variants: readonly LockVariant[];
  readonly vms: readonly number[];
  /** In milliseconds. */
  readonly slice: number;
  readonly seeds: number;
  readonly sensitivity:
    | {
        readonly slices: readonly number[];
        readonly pauses: readonly number[];
        readonly sections: readonly number[];
        readonly seconds: number;
      }
    | undefined;
}

/** Slices: Linux's for two vCPUs on a core of eight. */
export const SPEEDUP_SIZES: Readonly<Record<Scale, Sizes>> = {
  full: {
    workloads: [HACKBENCH, EBIZZY, DVDSTORE],
    seconds: 0.25,
    variants: [...PUBLISHED_VARIANTS, ...OTHER_VARIANTS],
    vms: [1, 2, 3],
    slice: 12,
    seeds: 1,
    sensitivity: { slices: [3, 6, 24], pauses: [4, 14], sections: [0, 100, 1000, 4000], seconds: 0.2 },
  },
  quick: {
    workloads: [HACKBENCH, EBIZZY],
    seconds: 0.04,
    variants: PUBLISHED_VARIANTS,
    vms: [1, 2],
    slice: 3,
    seeds: 1,
    sensitivity: undefined,
  },
};

/** The workload whose sensitivity is measured, and the locks that are compared there: the two of the headline with what they are compared with. */
export const SENSITIVE_WORKLOAD = EBIZZY;
const SENSITIVE_LOCKS = [BASELINE, 'preemptable', 'pv-preemptable'];
const USUAL_PAUSE = 1;

/** Two sweeps by the label `sweep`: `workloads`, and `sensitivity` with one thing changed (`what`, `value`) at two VMs. */
export function speedupPoints(scale: Scale): readonly Point[] {
  const { workloads, seconds, variants, vms, slice, seeds: count, sensitivity } = SPEEDUP_SIZES[scale];
  const points: Point[] = [];
  for (const workload of workloads) {
    for (const m of vms) {
      for (const { name, lock, ple } of variants) {
        for (const seed of seeds(count)) {
          const labels = { sweep: 'workloads', workload: workload.guest, vms: m, variant: name };
          points.push(workloadPoint(labels, workload, { lock, ple, vms: m, slice, seed, seconds }));
        }
      }
    }
  }
  if (sensitivity === undefined) return points;
  for (const variant of locksPresent(SENSITIVE_LOCKS)) {
    const vary = (what: string, value: number, given: { slice?: number; costs?: Readonly<Record<string, number>> }): void => {
      const labels = { sweep: 'sensitivity', what, value, variant };
      points.push(
        workloadPoint(labels, SENSITIVE_WORKLOAD, { lock: variant, vms: 2, slice, seed: 1, seconds: sensitivity.seconds, ...given }),
      );
    };
    for (const value of [...sensitivity.slices, slice].sort((a, b) => a - b)) vary('slice, ms', value, { slice: value });
    for (const value of [USUAL_PAUSE, ...sensitivity.pauses]) vary('PAUSE, times', value, { costs: { pause: value } });
    for (const section of sensitivity.sections) {
      const labels = { sweep: 'sensitivity', what: FAIRBENCH_SECTION, value: section, variant };
      points.push(fairbenchPoint(labels, variant, 2, slice, sensitivity.seconds, 1, { section }));
    }
  }
  return points;
}
