import { check } from '../check.ts';
import type { Headline, Point, ShapeCheck } from '../experiment.ts';
import type { Cell, Table } from '../findings.ts';
import type { Measurement } from '../measurement.ts';
import type { ResultSet } from '../resultSet.ts';
import { seeds } from '../runSettings.ts';
import { meanOf } from '../statistics.ts';
import type { LockVariant } from './lockVariants.ts';
import { type LockWorkload, workloadPoint } from './lockWorkloads.ts';

/** Whole kernels whose preemptions of holders and waiters are counted. */
export interface PreemptedWorkloads {
  readonly workloads: readonly LockWorkload[];
  readonly variants: readonly LockVariant[];
  readonly vms: readonly number[];
  /** In milliseconds. */
  readonly slice: number;
  readonly seconds: number;
  /** At two VMs; one elsewhere. */
  readonly seeds: number;
}

/** The same runs as those of `locks-speedup`: with its results in the same folder they are not made twice. */
export const workloadPreemptionPoints = ({ workloads, variants, vms, slice, seconds, seeds: count }: PreemptedWorkloads): Point[] =>
  workloads.flatMap((workload) =>
    variants.flatMap(({ name, lock, ple }) =>
      vms.flatMap((m) =>
        seeds(m === 2 ? count : 1).map((seed) => {
          const labels = { sweep: 'workloads', workload: workload.guest, lock: name, vms: m };
          return workloadPoint(labels, workload, { lock, ple, vms: m, slice, seed, seconds });
        }),
      ),
    ),
  );

type Count = (one: Measurement) => number;
const exactWaiters: Count = ({ stats }) => stats.locks.waiterPreemptions.waits;
const exact: Count = ({ stats }) => stats.locks.holderPreemptions.waits + stats.locks.waiterPreemptions.waits;
/** As the published method counts. */
const countedWaiters: Count = ({ stats }) => stats.locks.authors.lwp;
const counted: Count = ({ stats }) => stats.locks.authors.lhp + stats.locks.authors.lwp;
/** Those of them that are what they were taken for. */
const confirmed: Count = ({ stats }) => stats.locks.authors.lhpConfirmed + stats.locks.authors.lwpConfirmed;
/** What the programs of all VMs did. */
const work: Count = ({ counts }) => counts.userCycles.reduce((sum, cycles) => sum + cycles, 0);

const total = (results: ResultSet, of: Count): number => results.values(of).reduce((sum, value) => sum + value, 0);
/** Of all runs together; NaN when there is nothing. */
const share = (results: ResultSet, part: Count, whole: Count): number => total(results, part) / total(results, whole);
const waitersShare = (results: ResultSet): number => share(results, exactWaiters, exact);
const countedShare = (results: ResultSet): number => share(results, countedWaiters, counted);

export function workloadPreemptionTable(results: ResultSet): Table {
  const rows: Cell[][] = [];
  for (const [workload, ofWorkload] of results.by('workload'))
    for (const [lock, ofLock] of ofWorkload.by('lock'))
      for (const [vms, group] of ofLock.by('vms')) {
        const mean = (of: Count): number => meanOf(group.values(of));
        rows.push([
          String(workload),
          String(lock),
          Number(vms),
          mean(({ stats }) => stats.locks.acquisitions),
          mean(({ stats }) => stats.locks.contended),
          mean(exact),
          100 * waitersShare(group),
          mean(counted),
          100 * countedShare(group),
          100 * share(group, confirmed, counted),
          100 * share(group, confirmed, exact),
        ]);
      }
  return {
    id: 'workload-preemption',
    title:
      'Whole kernels: acquisitions, contended ones, and waits of all VMs that a preemption cost something, and how many were the waiters’ fault; the same as the authors count it (waits of 1024 polls), how many of those were what they were taken for, and how many of all that were harmed it so finds',
    columns: [
      { name: 'workload' },
      { name: 'lock' },
      { name: 'VMs' },
      { name: 'acquisitions' },
      { name: 'contended' },
      { name: 'LHP+LWP' },
      { name: 'LWP, %', digits: 1 },
      { name: 'authors’ LHP+LWP' },
      { name: 'authors’ LWP, %', digits: 1 },
      { name: 'right, %', digits: 1 },
      { name: 'found, %', digits: 1 },
    ],
    rows,
  };
}

const percents = (values: readonly number[]): string => values.map((value) => `${(100 * value).toFixed(1)} %`).join(', ');
/** A value of each workload with the ticket lock. */
const byWorkload = (results: ResultSet, vms: number, of: (group: ResultSet) => number): number[] =>
  [...results.where({ lock: 'ticket', vms }).by('workload').values()].map(of).filter(Number.isFinite);

export function workloadPreemptionHeadline(results: ResultSet): Headline {
  const names = [...results.by('workload').keys()].join(', ');
  return {
    what: `share of waiter preemption in whole kernels (${names}), ticket, two VMs`,
    published: 'not known for certain',
    certainty: 'recalled',
    measured: percents(byWorkload(results, 2, waitersShare)) || 'not measured',
    explanation: `recalled as 88.5 % (hackbench) and 96.4 % (ebizzy) by the authors’ way of counting, which gives ${percents(byWorkload(results, 2, countedShare)) || 'nothing'} here`,
  };
}

/** Times as many preemption problems for the same work with two VMs as alone, by the authors' count: exactly there are none alone. */
const MULTIPLIED = 10;
/** Most of the trouble is the waiters' from this share on. */
export const MOST = 0.75;
/** Two shares that differ by less are equal. */
const EQUAL = 0.02;

export function workloadPreemptionChecks(results: ResultSet): ShapeCheck[] {
  const [two, three] = [byWorkload(results, 2, waitersShare), byWorkload(results, 3, waitersShare)];
  const [alone, crowded] = [1, 2].map((vms) => byWorkload(results, vms, (group) => share(group, counted, work))) as [number[], number[]];
  const times = crowded.map((value, index) => value / alone[index]!);
  return [
    check(
      'in whole kernels, too',
      `ticket, two VMs: at least ${100 * MOST} % of the waits that a preemption cost something are the waiters’ fault, on every workload`,
      two.length > 0,
      () => Math.min(...two) >= MOST,
      () => percents(two),
    ),
    check(
      'overcommit multiplies the trouble',
      `ticket: by the authors’ count at least ${MULTIPLIED} times as many for the same work with two VMs as alone, on at least one workload`,
      times.some(Number.isFinite),
      () => Math.max(...times) >= MULTIPLIED,
      () => times.map((value) => value.toFixed(1)).join(', '),
    ),
    check(
      'and the waiters’ share does not fall with it',
      `ticket: with three VMs not more than ${100 * EQUAL} percent below two, on every workload`,
      three.length > 0 && three.length === two.length,
      () => three.every((value, index) => value >= two[index]! - EQUAL),
      () => `${percents(two)} with two, ${percents(three)} with three`,
    ),
  ];
}
