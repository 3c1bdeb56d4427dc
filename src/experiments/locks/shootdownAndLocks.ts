import { check } from '../check.ts';
import type { Experiment, Findings, Headline, Point, Scale } from '../experiment.ts';
import type { Cell, Datum, Table } from '../findings.ts';
import { heatmap } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { schemesPresent, seeds } from '../runSettings.ts';
import { SHARE_FACT } from '../shootdown/facts.ts';
import { SPEEDUP_FACT } from './facts.ts';
import { locksPresent } from './lockPoint.ts';
import { ALLOCSTRESS, EBIZZY, type LockWorkload, machineTime, workloadPoint } from './lockWorkloads.ts';
import { lockLosses, meanWork } from './speedup.ts';

interface Sizes {
  readonly workloads: readonly LockWorkload[];
  /** Of virtual time, measured. */
  readonly seconds: number;
  readonly locks: readonly string[];
  readonly schemes: readonly string[];
  readonly vms: readonly number[];
  /** In milliseconds. */
  readonly slice: number;
  /** Beside a neighbour; one alone. */
  readonly seeds: number;
}

const SIZES: Readonly<Record<Scale, Sizes>> = {
  full: {
    workloads: [EBIZZY, ALLOCSTRESS],
    seconds: 0.2,
    locks: ['ticket', 'pv-ticket', 'pv-preemptable', 'pv-qspinlock'],
    schemes: ['ipi', 'kvmtlb', 'kvm-pv', 'shoot4u-multicast', 'hyperv'],
    vms: [1, 2],
    slice: 12,
    seeds: 2,
  },
  quick: {
    workloads: [EBIZZY],
    seconds: 0.04,
    locks: ['ticket', 'pv-preemptable', 'pv-qspinlock'],
    schemes: ['ipi', 'shoot4u-multicast'],
    vms: [1, 2],
    slice: 3,
    seeds: 1,
  },
};

/** VMs of the case that matters. */
const MAIN = 2;
/** What is there when neither half has been mended. */
const PLAIN_LOCK = 'ticket';
const PLAIN_SCHEME = 'ipi';
/** Mending the second half, too, is worth it from this share of the time on. */
const WORTH = 0.1;

/** Both halves of the trouble with preempted vCPUs at once: spinlocks and TLB shootdowns. */
export const shootdownAndLocks: Experiment = {
  name: 'shootdown-and-locks',
  doc: 'speed of memory-heavy workloads by spinlock and shootdown scheme: how much is left on the table when only one half is mended',
  facts: [SPEEDUP_FACT, SHARE_FACT],
  points(scale) {
    const { workloads, seconds, locks, schemes, vms, slice, seeds: count } = SIZES[scale];
    const points: Point[] = [];
    for (const workload of workloads) {
      for (const m of vms) {
        for (const lock of locksPresent(locks)) {
          for (const shootdown of schemesPresent(schemes)) {
            const labels = { workload: workload.guest, vms: m, lock, scheme: shootdown };
            for (const seed of seeds(m === MAIN ? count : 1))
              points.push(workloadPoint(labels, workload, { lock, shootdown, vms: m, slice, seed, seconds }));
          }
        }
      }
    }
    return points;
  },
  reduce,
};

/** What mending one half, or both, is worth on one workload: machine times for the programs' own. */
export interface Halves {
  readonly workload: string;
  readonly neither: number;
  /** The best lock with the plain scheme, the best scheme with the plain lock, the best of all. */
  readonly lock: Cellular;
  readonly scheme: Cellular;
  readonly both: Cellular;
}

interface Cellular {
  readonly lock: string;
  readonly scheme: string;
  readonly time: number;
}

/** Of the workloads beside one neighbour of which enough was measured. */
export function halvesOf(results: ResultSet): Halves[] {
  const halves: Halves[] = [];
  for (const [workload, group] of results.where({ vms: MAIN }).by('workload')) {
    const cells = cellsOf(group);
    const neither = cells.find(({ lock, scheme }) => lock === PLAIN_LOCK && scheme === PLAIN_SCHEME);
    const lock = fastest(cells.filter((cell) => cell.scheme === PLAIN_SCHEME && cell.lock !== PLAIN_LOCK));
    const scheme = fastest(cells.filter((cell) => cell.lock === PLAIN_LOCK && cell.scheme !== PLAIN_SCHEME));
    const both = fastest(cells.filter((cell) => cell.lock !== PLAIN_LOCK && cell.scheme !== PLAIN_SCHEME));
    if (neither === undefined || lock === undefined || scheme === undefined || both === undefined) continue;
    halves.push({ workload: String(workload), neither: neither.time, lock, scheme, both });
  }
  return halves;
}

function cellsOf(results: ResultSet): Cellular[] {
  const cells: Cellular[] = [];
  for (const [lock, ofLock] of results.by('lock'))
    for (const [scheme, group] of ofLock.by('scheme')) cells.push({ lock: String(lock), scheme: String(scheme), time: meanWork(group) });
  return cells.filter(({ time }) => Number.isFinite(time));
}

const fastest = (cells: readonly Cellular[]): Cellular | undefined =>
  cells.length === 0 ? undefined : cells.reduce((least, cell) => (cell.time < least.time ? cell : least));

/** By which share the second half would cut the time that is left when the first has been mended. */
const left = (mended: Cellular, both: Cellular): number => 1 - both.time / mended.time;

function reduce(results: ResultSet): Findings {
  const halves = halvesOf(results);
  const data: Datum[] = [];
  for (const [workload, ofWorkload] of results.by('workload')) {
    for (const [vms, group] of ofWorkload.by('vms')) {
      const cells = cellsOf(group);
      const best = fastest(cells);
      for (const { lock, scheme, time } of cells) {
        const value = time / best!.time;
        data.push({ setting: `${workload} ×${vms}`, lock, scheme, value: Math.log2(value), text: value.toFixed(2) });
      }
    }
  }
  const summary = halves.map(describe).join('; ');
  return {
    headlines: halves.map(headline),
    figures: [
      {
        id: 'both-halves',
        title: 'Time, as a multiple of the shortest of all combinations',
        shape: 'alone all about 1; beside a neighbour a lock and a scheme that both survive preemption',
        published: 'none: the two publications mend one half each',
        measured: summary === '' ? 'not measured' : summary,
        spec: heatmap(
          data,
          {
            column: 'scheme',
            row: 'lock',
            text: 'text',
            colour: { field: 'value', title: 'times the shortest, power of two', nominal: false },
          },
          'setting',
        ),
      },
    ],
    tables: [timeTable(results), halvesTable(halves)],
    checks: [
      check(
        'one half is not enough',
        `beside a neighbour, on at least one workload: the best of both takes at least ${100 * WORTH} % less than the best lock with ${PLAIN_SCHEME}, and than the best scheme with ${PLAIN_LOCK}`,
        halves.length > 0,
        () => halves.some(({ lock, scheme, both }) => left(lock, both) >= WORTH && left(scheme, both) >= WORTH),
        () =>
          halves
            .map((one) => `${one.workload}: ${percent(left(one.lock, one.both))} and ${percent(left(one.scheme, one.both))} less`)
            .join('; '),
      ),
      check(
        'both together are never slower than neither',
        `beside a neighbour: the best of both takes no longer than ${PLAIN_LOCK} with ${PLAIN_SCHEME} on any workload`,
        halves.length > 0,
        () => halves.every(({ neither, both }) => both.time <= neither),
        () => halves.map(({ workload, neither, both }) => `${workload}: ${(neither / both.time).toFixed(2)} times as fast`).join('; '),
      ),
    ],
    notes: [
      'All VMs run the same workload, without an end, with the same lock and scheme. Machine time is that of all cores for each second that the programs of all VMs spent in user mode: proportional to the time that a unit of work takes.',
      'Full runs have two seeds beside a neighbour, and one alone: cells that differ by a few percent are equal.',
    ],
  };
}

const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;

const describe = ({ workload, neither, lock, scheme, both }: Halves): string =>
  `${workload}: ${lock.lock} alone leaves ${percent(left(lock, both))} of its time on the table, ${scheme.scheme} alone ${percent(left(scheme, both))}; together ${(neither / both.time).toFixed(2)} times as fast as neither`;

const headline = (one: Halves): Headline => ({
  what: `${one.workload}, two VMs: what is left when only one half is mended`,
  published: 'none',
  certainty: 'derived',
  measured: describe(one),
  explanation: '',
});

function halvesTable(halves: readonly Halves[]): Table {
  const rows = halves.flatMap(({ workload, neither, lock, scheme, both }): Cell[][] => [
    [workload, 'neither', PLAIN_LOCK, PLAIN_SCHEME, neither, 1, 100 * (1 - both.time / neither)],
    [workload, 'the lock', lock.lock, lock.scheme, lock.time, neither / lock.time, 100 * left(lock, both)],
    [workload, 'the scheme', scheme.lock, scheme.scheme, scheme.time, neither / scheme.time, 100 * left(scheme, both)],
    [workload, 'both', both.lock, both.scheme, both.time, neither / both.time, 0],
  ]);
  return {
    id: 'halves',
    title: 'Two VMs: the best that mending one half or both gives',
    columns: [
      { name: 'workload' },
      { name: 'mended' },
      { name: 'lock' },
      { name: 'scheme' },
      { name: 'machine time', digits: 2 },
      { name: 'times as fast', digits: 2 },
      { name: 'left on the table, %', digits: 1 },
    ],
    rows,
  };
}

function timeTable(results: ResultSet): Table {
  const rows: Cell[][] = results.entries.map(({ point: { labels }, measurement }) => {
    const { holder, waiter, spinning } = lockLosses(measurement);
    const { shootdowns, frequencyHz } = measurement;
    const mean = shootdowns.reduce((sum, { begin, end }) => sum + end - begin, 0) / shootdowns.length / (frequencyHz / 1e6);
    return [
      labels['workload']!,
      labels['vms']!,
      labels['lock']!,
      labels['scheme']!,
      labels['seed']!,
      machineTime(measurement),
      shootdowns.length,
      shootdowns.length === 0 ? null : mean,
      100 * holder,
      100 * waiter,
      100 * spinning,
    ];
  });
  return {
    id: 'combinations',
    title:
      'Machine time for each second of the programs’ own, in s; shootdowns of the first VM and their mean in µs; processor time of all VMs lost to preempted holders and waiters of locks; time in wait loops',
    columns: [
      { name: 'workload' },
      { name: 'VMs' },
      { name: 'lock' },
      { name: 'scheme' },
      { name: 'seed' },
      { name: 'machine time', digits: 2 },
      { name: 'shootdowns' },
      { name: 'mean, µs', digits: 1 },
      { name: 'holder, %', digits: 1 },
      { name: 'waiter, %', digits: 1 },
      { name: 'spins, %', digits: 1 },
    ],
    rows,
  };
}
