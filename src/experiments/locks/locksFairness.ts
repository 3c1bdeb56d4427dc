import { check } from '../check.ts';
import type { Experiment, Findings, Scale } from '../experiment.ts';
import type { Datum, Table } from '../findings.ts';
import { lineChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { seeds } from '../runSettings.ts';
import { meanOf } from '../statistics.ts';
import { UNIT_FACT } from './facts.ts';
import { fairbenchPoint, jainIndex, throughput } from './fairbenchSweep.ts';
import { locksPresent } from './lockPoint.ts';

const SIZES = {
  full: { seconds: 1, slice: 6, vms: [1, 2, 3], units: [0, 2, 4, 6, 8, 10, 12, 14], seeds: 2 },
  quick: { seconds: 0.02, slice: 1, vms: [1, 2], units: [0, 8, 14], seeds: 1 },
} as const;
const LOCK = 'preemptable';
/** A lock this fair is called fair. */
const FAIR = 0.9;

/** What the timeout's unit buys and costs: throughput against fairness. */
export const locksFairness: Experiment = {
  name: 'locks-fairness',
  doc: 'throughput and Jain’s index of the preemptable lock by the unit of its timeout and by overcommit (VEE 2013)',
  facts: [UNIT_FACT],
  points(scale) {
    const { seconds, slice, vms, units, seeds: count } = SIZES[scale];
    return locksPresent([LOCK]).flatMap((lock) =>
      vms.flatMap((m) =>
        units.flatMap((unit) => seeds(count).map((seed) => fairbenchPoint({ unit }, lock, m, slice, seconds, seed, unit))),
      ),
    );
  },
  reduce,
};

interface Row {
  readonly vms: number;
  readonly unit: number;
  readonly throughput: number;
  readonly jain: number;
}

function rowsOf(results: ResultSet): Row[] {
  return [...results.by('vms')].flatMap(([vms, ofVms]) =>
    [...ofVms.by('unit')].map(([unit, group]) => ({
      vms: Number(vms),
      unit: Number(unit),
      throughput: meanOf(group.values(throughput)),
      jain: meanOf(group.values(jainIndex)),
    })),
  );
}

/** The unit with the most acquisitions among those that are fair, by overcommit. */
function bestUnits(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ vms }) => vms))].map((vms) => {
    const fair = rows.filter((row) => row.vms === vms && row.jain >= FAIR);
    if (fair.length === 0) return `×${vms}: none reaches Jain ${FAIR}`;
    const best = fair.reduce((most, row) => (row.throughput > most.throughput ? row : most));
    return `×${vms}: 2^${best.unit} (${best.throughput.toFixed(1)} per ms, Jain ${best.jain.toFixed(3)})`;
  });
}

function reduce(results: ResultSet, _scale: Scale): Findings {
  const rows = rowsOf(results);
  const data: Datum[] = rows.flatMap(({ vms, unit, throughput: per, jain }) => [
    {
      unit,
      value: per / Math.max(...rows.filter((row) => row.vms === vms).map((row) => row.throughput)),
      series: `×${vms}`,
      what: 'throughput, of the most',
    },
    { unit, value: jain, series: `×${vms}`, what: 'Jain’s index' },
  ]);
  const alone = rows.filter(({ vms }) => vms === 1);
  const last = rows.filter(({ vms }) => vms === Math.max(...rows.map((row) => row.vms)));
  const least = (of: readonly Row[]): number => Math.min(...of.map(({ jain }) => jain));
  const table: Table = {
    id: 'units',
    title: 'Acquisitions per ms of the first VM, and Jain’s index, by the unit of the timeout',
    columns: [{ name: 'VMs' }, { name: 'unit, 2^' }, { name: 'per ms', digits: 1 }, { name: 'Jain', digits: 4 }],
    rows: rows.map(({ vms, unit, throughput: per, jain }) => [vms, unit, per, jain]),
  };
  return {
    headlines: [],
    figures: [
      {
        id: 'lock-unit',
        title: 'Throughput and fairness by the unit of the timeout',
        shape: 'a smaller unit is less fair and faster; fairness falls with overcommit',
        published: 'none that is certain',
        measured: `best fair unit ${bestUnits(rows).join('; ')}`,
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
    checks: [
      check(
        'alone, a patient lock is fair',
        'one VM, largest unit: Jain’s index at least 0.95',
        alone.length > 0,
        () => alone.at(-1)!.jain >= 0.95,
        () => alone.at(-1)!.jain.toFixed(4),
      ),
      check(
        'overcommit costs fairness',
        'least Jain’s index over units: not higher with the most VMs than alone',
        alone.length > 0 && last.length > 0 && last[0]!.vms > 1,
        () => least(last) <= least(alone),
        () => `${least(alone).toFixed(4)} alone, ${least(last).toFixed(4)} with ${last[0]!.vms} VMs`,
      ),
    ],
    notes: ['Every VM runs fairbench: the work under the lock is 1,000 instructions, 16,000 on average between acquisitions.'],
  };
}
