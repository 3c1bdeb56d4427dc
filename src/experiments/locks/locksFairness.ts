import { check } from '../check.ts';
import type { Experiment, Findings, Headline, Point, Scale } from '../experiment.ts';
import type { Cell, Datum, Table } from '../findings.ts';
import { lineChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { seeds } from '../runSettings.ts';
import { meanOf } from '../statistics.ts';
import { UNIT_FACT } from './facts.ts';
import { fairbenchPoint, jainIndex, throughput } from './fairbenchSweep.ts';
import { locksPresent } from './lockPoint.ts';

/** How fairbench uses its lock: half of the time; or always, as the authors' benchmark does: nothing to do under the lock, and nothing besides. */
const LOADS = [
  { load: 'half busy', given: {} },
  { load: 'saturated', given: { section: 0, think: 0 } },
] as const;
const HALF_BUSY = LOADS[0].load;
const SATURATED = LOADS[1].load;

const SIZES = {
  full: {
    seconds: { [HALF_BUSY]: 1, [SATURATED]: 0.06 },
    slice: { [HALF_BUSY]: 12, [SATURATED]: 3 },
    vms: [1, 2, 3],
    units: [0, 2, 4, 6, 8, 10, 12, 14],
    seeds: 1,
  },
  quick: {
    seconds: { [HALF_BUSY]: 0.02, [SATURATED]: 0.006 },
    slice: { [HALF_BUSY]: 1, [SATURATED]: 0.5 },
    vms: [1, 2],
    units: [0, 8, 14],
    seeds: 1,
  },
} as const;
const LOCK = 'preemptable';
/** A lock this fair is called fair. */
const FAIR = 0.9;

/** What the timeout's unit buys and costs: throughput against fairness. */
export const locksFairness: Experiment = {
  name: 'locks-fairness',
  doc: 'throughput and Jain’s index of the preemptable lock by the unit of its timeout and by overcommit, and the best unit (VEE 2013)',
  facts: [UNIT_FACT],
  points(scale: Scale) {
    const { seconds, slice, vms, units, seeds: count } = SIZES[scale];
    const points: Point[] = [];
    for (const { load, given } of LOADS) {
      for (const lock of locksPresent([LOCK])) {
        for (const m of vms) {
          for (const unit of units) {
            for (const seed of seeds(count)) {
              const params = { ...given, 'lock-unit': unit };
              points.push(fairbenchPoint({ load, lock, vms: m, unit }, lock, m, slice[load], seconds[load], seed, params));
            }
          }
        }
      }
    }
    return points;
  },
  reduce,
};

interface Row {
  readonly load: string;
  readonly vms: number;
  readonly unit: number;
  readonly throughput: number;
  readonly jain: number;
}

function rowsOf(results: ResultSet): Row[] {
  const rows: Row[] = [];
  for (const [load, ofLoad] of results.by('load'))
    for (const [vms, ofVms] of ofLoad.by('vms'))
      for (const [unit, group] of ofVms.by('unit')) {
        const values = { throughput: meanOf(group.values(throughput)), jain: meanOf(group.values(jainIndex)) };
        rows.push({ load: String(load), vms: Number(vms), unit: Number(unit), ...values });
      }
  return rows;
}

/** Rows of the same load and overcommit. */
function groupsOf(rows: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(`${row.load} ${row.vms}`, [...(groups.get(`${row.load} ${row.vms}`) ?? []), row]);
  return [...groups.values()];
}

/** Of rows that differ in their unit, the one with the most acquisitions among those that are fair. */
function bestUnit(rows: readonly Row[]): Row | undefined {
  const fair = rows.filter(({ jain }) => jain >= FAIR);
  return fair.length === 0 ? undefined : fair.reduce((most, row) => (row.throughput > most.throughput ? row : most));
}

function describeBest(rows: readonly Row[]): string {
  const { load, vms } = rows[0]!;
  const best = bestUnit(rows);
  if (best === undefined) return `${load} ×${vms}: none reaches Jain ${FAIR}`;
  return `${load} ×${vms}: 2^${best.unit} (${best.throughput.toFixed(1)} per ms, Jain ${best.jain.toFixed(3)})`;
}

function reduce(results: ResultSet, _scale: Scale): Findings {
  const rows = rowsOf(results);
  const groups = groupsOf(rows);
  const best = groups.map(describeBest).join('; ');
  const data: Datum[] = groups.flatMap((group) => {
    const most = Math.max(...group.map((row) => row.throughput));
    return group.flatMap(({ load, vms, unit, throughput: per, jain }) => [
      { unit, value: per / most, series: `×${vms}`, what: `${load}: throughput, of the most` },
      { unit, value: jain, series: `×${vms}`, what: `${load}: Jain’s index` },
    ]);
  });
  const headlines: Headline[] = groups.map((group) => ({
    what: `best unit, lock ${group[0]!.load}, ${group[0]!.vms} VM${group[0]!.vms > 1 ? 's' : ''}`,
    published: 'default 2^14 in the first version, 2^8 in the last',
    certainty: 'found',
    measured: describeBest(group),
    explanation: '',
  }));
  const table: Table = {
    id: 'units',
    title: `Acquisitions per ms of the first VM, and Jain’s index, by the unit of the timeout; * the fastest with an index of ${FAIR} or more`,
    columns: [
      { name: 'lock is' },
      { name: 'VMs' },
      { name: 'unit, 2^' },
      { name: 'per ms', digits: 1 },
      { name: 'Jain', digits: 4 },
      { name: 'best' },
    ],
    rows: groups.flatMap((group) =>
      group.map((row): Cell[] => [row.load, row.vms, row.unit, row.throughput, row.jain, row === bestUnit(group) ? '*' : '']),
    ),
  };
  return {
    headlines,
    figures: [
      {
        id: 'lock-unit',
        title: 'Throughput and fairness by the unit of the timeout',
        shape: 'a smaller unit is less fair and faster; fairness falls with overcommit',
        published: 'none that is certain',
        measured: `best fair unit ${best}`,
        spec: lineChart(
          data,
          { field: 'unit', title: 'unit, power of two' },
          { field: 'value', title: 'share', format: '.2f' },
          { field: 'series', title: 'VMs' },
          'what',
        ),
      },
    ],
    tables: [table],
    checks: checks(rows),
    notes: [
      'Every VM runs fairbench. Half busy: the work under the lock is 1,000 instructions, 16,000 on average between acquisitions. Saturated: nothing to do in either, as the authors have it; such runs are shorter, with slices of 3 ms.',
      'docs/locks.md says why the unit decides everything when the lock is saturated and a waiter was preempted.',
    ],
  };
}

function checks(rows: readonly Row[]) {
  const least = (of: readonly Row[]): number => Math.min(...of.map(({ jain }) => jain));
  const at = (load: string, vms: number): Row[] => rows.filter((row) => row.load === load && row.vms === vms);
  const alone = rows.filter(({ vms }) => vms === 1);
  const patient = alone.filter(({ unit }) => unit === Math.max(...alone.map((row) => row.unit)));
  const most = Math.max(...rows.map(({ vms }) => vms));
  const last = rows.filter(({ vms }) => vms === most);
  const crowded = at(SATURATED, 2);
  const [small, large] = [crowded[0], crowded.at(-1)];
  // Beside a neighbour the schedule decides who gets few turns, the more so the shorter a run is: what the lock does is seen alone.
  const undisturbed = at(SATURATED, 1);
  const [hasty, calm] = [undisturbed[0], undisturbed.at(-1)];
  return [
    check(
      'alone, a patient lock is fair',
      'one VM, largest unit: Jain’s index at least 0.95',
      patient.length > 0,
      () => least(patient) >= 0.95,
      () => least(patient).toFixed(4),
    ),
    check(
      'overcommit costs fairness',
      'least Jain’s index over units: not higher with the most VMs than alone',
      alone.length > 0 && last.length > 0 && most > 1,
      () => least(last) <= least(alone),
      () => `${least(alone).toFixed(4)} alone, ${least(last).toFixed(4)} with ${most} VMs`,
    ),
    check(
      'a smaller unit is faster',
      'saturated, two VMs: at least twice the acquisitions with the smallest unit of those with the largest',
      crowded.length > 1,
      () => small!.throughput >= 2 * large!.throughput,
      () => `${small!.throughput.toFixed(1)} per ms with 2^${small!.unit}, ${large!.throughput.toFixed(1)} with 2^${large!.unit}`,
    ),
    check(
      'and less fair',
      'saturated, one VM: Jain’s index lower with the smallest unit than with the largest',
      undisturbed.length > 1,
      () => hasty!.jain < calm!.jain,
      () => `${hasty!.jain.toFixed(4)} with 2^${hasty!.unit}, ${calm!.jain.toFixed(4)} with 2^${calm!.unit}`,
    ),
  ];
}
