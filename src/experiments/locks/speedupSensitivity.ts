import type { Point } from '../experiment.ts';
import type { Cell, Table } from '../findings.ts';
import type { ResultSet } from '../resultSet.ts';
import { seeds } from '../runSettings.ts';
import { fairbenchPoint } from './fairbenchSweep.ts';
import type { LockSetting } from './lockPoint.ts';
import { DVDSTORE, EBIZZY, HACKBENCH, type LockWorkload, workloadPoint } from './lockWorkloads.ts';
import { rateGain, speedup, throughputGain } from './speedup.ts';

/** What of a run is changed, the usual value first. */
interface Change {
  readonly what: string;
  readonly values: readonly number[];
  readonly workloads: readonly LockWorkload[];
  /** One VM shows what locks cost when nobody is preempted. */
  readonly vms: readonly number[];
  /** At two VMs; 1 when absent. */
  readonly seeds?: number;
  given(value: number): Partial<Pick<LockSetting, 'slice' | 'costs' | 'coherence'>> & {
    readonly seconds?: number;
    readonly change?: Readonly<Record<string, number>>;
  };
}

const FAIRBENCH_SECTION = 'section, instructions';
const SECTIONS = [0, 100, 1000, 4000];

const USUAL_SLICE = 12;
const USUAL_MS = 200;
const slices = { what: 'slice, ms', values: [USUAL_SLICE, 3, 24], vms: [2], given: (slice: number) => ({ slice }) };
const pauses = { what: 'PAUSE, times', values: [1, 14], vms: [2], given: (pause: number) => ({ costs: { pause } }) };
/** Cache lines 0: all of them free, wherever they are. Linux's system calls are longer than this kernel's, by an unknown number of instructions. */
const CHANGES: readonly Change[] = [
  { what: 'measured, ms', values: [USUAL_MS, 800], workloads: [HACKBENCH], vms: [2], seeds: 4, given: (ms) => ({ seconds: ms / 1000 }) },
  { ...slices, workloads: [HACKBENCH], seeds: 4 },
  { ...slices, workloads: [EBIZZY] },
  { ...pauses, workloads: [HACKBENCH], seeds: 4 },
  { ...pauses, workloads: [EBIZZY] },
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
  for (const change of CHANGES)
    for (const workload of change.workloads)
      for (const value of change.values)
        for (const m of change.vms)
          for (const lock of locks)
            for (const seed of seeds(m === 2 ? (change.seeds ?? 1) : 1)) {
              const labels = { sweep: 'sensitivity', workload: workload.guest, what: change.what, value, vms: m, variant: lock };
              const given = value === change.values[0] ? {} : change.given(value);
              points.push(workloadPoint(labels, workload, { lock, vms: m, slice, seed, seconds, ...given }));
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
  /** Of each lock, at two VMs. */
  readonly seeds: number;
  readonly preemptable: number;
  readonly pvPreemptable: number;
  /** The same by rates. */
  readonly preemptableRate: number;
  readonly pvPreemptableRate: number;
  /** With one VM. */
  readonly preemptableAlone: number;
  readonly pvPreemptableAlone: number;
}

export function sensitivityRows(results: ResultSet): SensitivityRow[] {
  const rows: SensitivityRow[] = [];
  for (const [workload, ofWorkload] of results.where({ sweep: 'sensitivity' }).by('workload'))
    for (const [what, ofWhat] of ofWorkload.by('what')) {
      const [gain, rates] = what === FAIRBENCH_SECTION ? [throughputGain, throughputGain] : [speedup, rateGain];
      for (const [value, group] of ofWhat.by('value')) {
        const [alone, two] = [group.where({ vms: 1 }), group.where({ vms: 2 })];
        rows.push({
          workload: String(workload),
          what: String(what),
          value: Number(value),
          seeds: two.where({ variant: 'preemptable' }).entries.length,
          preemptable: gain(two, 'preemptable'),
          pvPreemptable: gain(two, 'pv-preemptable'),
          preemptableRate: rates(two, 'preemptable'),
          pvPreemptableRate: rates(two, 'pv-preemptable'),
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
    title:
      'Speed-up over ticket with one thing changed, at two VMs, by mean times and by mean rates, and alone where that tells something; with one seed much of it is chance',
    columns: [
      { name: 'workload' },
      { name: 'what' },
      { name: 'value' },
      { name: 'seeds' },
      { name: 'preemptable', digits: 2 },
      { name: 'pv-preemptable', digits: 2 },
      { name: 'preemptable, rates', digits: 2 },
      { name: 'pv-preemptable, rates', digits: 2 },
      { name: 'preemptable alone', digits: 3 },
      { name: 'pv-preemptable alone', digits: 3 },
    ],
    rows: sensitivityRows(results).map((row): Cell[] => [
      row.workload,
      row.what,
      row.value,
      row.seeds,
      row.preemptable,
      row.pvPreemptable,
      row.preemptableRate,
      row.pvPreemptableRate,
      row.preemptableAlone,
      row.pvPreemptableAlone,
    ]),
  };
}
