import type { Point } from '../experiment.ts';
import type { Cell, Table } from '../findings.ts';
import type { ResultSet } from '../resultSet.ts';
import { fairbenchPoint } from './fairbenchSweep.ts';
import type { LockSetting } from './lockPoint.ts';
import { DVDSTORE, EBIZZY, HACKBENCH, type LockWorkload, workloadPoint } from './lockWorkloads.ts';
import { speedup, throughputGain } from './speedup.ts';

/** What of a run is changed, the usual value first. */
interface Change {
  readonly what: string;
  readonly values: readonly number[];
  readonly workloads: readonly LockWorkload[];
  /** One VM shows what locks cost when nobody is preempted. */
  readonly vms: readonly number[];
  given(
    value: number,
  ): Partial<Pick<LockSetting, 'slice' | 'costs' | 'coherence'>> & { readonly change?: Readonly<Record<string, number>> };
}

const FAIRBENCH_SECTION = 'section, instructions';
const SECTIONS = [0, 100, 1000, 4000];

const USUAL_SLICE = 12;
/** Cache lines 0: all of them free, wherever they are. Linux's system calls are longer than this kernel's, by an unknown number of instructions. */
const CHANGES: readonly Change[] = [
  { what: 'slice, ms', values: [USUAL_SLICE, 3, 24], workloads: [HACKBENCH, EBIZZY], vms: [2], given: (slice) => ({ slice }) },
  { what: 'PAUSE, times', values: [1, 14], workloads: [HACKBENCH, EBIZZY], vms: [2], given: (pause) => ({ costs: { pause } }) },
  {
    what: 'cache lines that move',
    values: [1, 0],
    workloads: [HACKBENCH, EBIZZY],
    vms: [1, 2],
    given: (price) => ({ coherence: price !== 0 }),
  },
  {
    what: 'more in a system call, instructions',
    values: [0, 2000],
    workloads: [HACKBENCH],
    vms: [1, 2],
    given: (work) => ({ change: { 'syscall-work': work } }),
  },
  { what: 'steps of a look-up', values: [500, 50], workloads: [DVDSTORE], vms: [2], given: (work) => ({ change: { work } }) },
];

/** The locks on whole kernels with one thing changed; and on fairbench, by the length of its critical section. */
export function sensitivityPoints(locks: readonly string[], slice: number, seconds: number): Point[] {
  const points: Point[] = [];
  for (const { what, values, workloads, vms, given } of CHANGES)
    for (const workload of workloads)
      for (const value of values)
        for (const m of vms)
          for (const lock of locks) {
            const labels = { sweep: 'sensitivity', workload: workload.guest, what, value, vms: m, variant: lock };
            points.push(
              workloadPoint(labels, workload, { lock, vms: m, slice, seed: 1, seconds, ...(value === values[0] ? {} : given(value)) }),
            );
          }
  for (const section of SECTIONS)
    for (const lock of locks) {
      const labels = { sweep: 'sensitivity', workload: 'fairbench', what: FAIRBENCH_SECTION, value: section, vms: 2, variant: lock };
      points.push(fairbenchPoint(labels, lock, 2, slice, seconds, 1, { section }));
    }
  return points;
}

/** A row of the table, and the speed-ups over ticket with it; NaN where nothing was measured. */
export interface SensitivityRow {
  readonly workload: string;
  readonly what: string;
  readonly value: number;
  readonly preemptable: number;
  readonly pvPreemptable: number;
  /** With one VM. */
  readonly preemptableAlone: number;
  readonly pvPreemptableAlone: number;
}

export function sensitivityRows(results: ResultSet): SensitivityRow[] {
  const rows: SensitivityRow[] = [];
  for (const [workload, ofWorkload] of results.where({ sweep: 'sensitivity' }).by('workload'))
    for (const [what, ofWhat] of ofWorkload.by('what')) {
      const gain = what === FAIRBENCH_SECTION ? throughputGain : speedup;
      for (const [value, group] of ofWhat.by('value')) {
        const [alone, two] = [group.where({ vms: 1 }), group.where({ vms: 2 })];
        rows.push({
          workload: String(workload),
          what: String(what),
          value: Number(value),
          preemptable: gain(two, 'preemptable'),
          pvPreemptable: gain(two, 'pv-preemptable'),
          preemptableAlone: gain(alone, 'preemptable'),
          pvPreemptableAlone: gain(alone, 'pv-preemptable'),
        });
      }
    }
  return rows;
}

export function sensitivityTable(results: ResultSet): Table {
  return {
    id: 'sensitivity',
    title: 'Speed-up over ticket with one thing changed, at two VMs, and alone where that tells something',
    columns: [
      { name: 'workload' },
      { name: 'what' },
      { name: 'value' },
      { name: 'preemptable', digits: 2 },
      { name: 'pv-preemptable', digits: 2 },
      { name: 'preemptable alone', digits: 3 },
      { name: 'pv-preemptable alone', digits: 3 },
    ],
    rows: sensitivityRows(results).map((row): Cell[] => [
      row.workload,
      row.what,
      row.value,
      row.preemptable,
      row.pvPreemptable,
      row.preemptableAlone,
      row.pvPreemptableAlone,
    ]),
  };
}
