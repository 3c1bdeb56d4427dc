import { check } from '../check.ts';
import type { Experiment, Findings, Headline, Scale } from '../experiment.ts';
import type { Cell, Datum, Table } from '../findings.ts';
import type { Measurement } from '../measurement.ts';
import { barChart } from '../report/charts.ts';
import { ResultSet } from '../resultSet.ts';
import { meanOf } from '../statistics.ts';
import { PREEMPTION_FACT, WAITER_FACT } from './facts.ts';
import { type FairbenchSizes, fairbenchPoints, throughput } from './fairbenchSweep.ts';
import { PUBLISHED_VARIANTS } from './lockVariants.ts';
import { DVDSTORE, EBIZZY, HACKBENCH } from './lockWorkloads.ts';
import {
  MOST,
  type PreemptedWorkloads,
  workloadPreemptionChecks,
  workloadPreemptionHeadline,
  workloadPreemptionPoints,
  workloadPreemptionTable,
} from './workloadPreemptions.ts';

const SIZES: Readonly<Record<Scale, FairbenchSizes>> = {
  full: { seconds: 1, slice: 12, vms: [1, 2, 3], seeds: 1 },
  quick: { seconds: 0.02, slice: 1, vms: [1, 2], seeds: 1 },
};
const KERNELS: Readonly<Record<Scale, PreemptedWorkloads>> = {
  full: { workloads: [HACKBENCH, EBIZZY, DVDSTORE], variants: PUBLISHED_VARIANTS, vms: [1, 2, 3, 4], slice: 12, seconds: 0.2, seeds: 4 },
  quick: { workloads: [HACKBENCH], variants: PUBLISHED_VARIANTS.slice(0, 1), vms: [1, 2], slice: 3, seconds: 0.04, seeds: 1 },
};

/** Who was preempted when a lock was waited for in vain, how often, and for how long; and what locks do about it. */
export const locksPreemption: Experiment = {
  name: 'locks-preemption',
  doc: 'preemptions of lock holders and of waiters, and waits and throughput, by lock and overcommit on fairbench (VEE 2013)',
  facts: [PREEMPTION_FACT, WAITER_FACT],
  points: (scale) => [...fairbenchPoints(SIZES[scale]), ...workloadPreemptionPoints(KERNELS[scale])],
  reduce,
};

/** Share of the waits that a preemption cost something where it was the waiter's, by waits; NaN when there were none. */
const waiterShare = ({ stats }: Measurement): number => {
  const { holderPreemptions, waiterPreemptions } = stats.locks;
  return waiterPreemptions.waits / (waiterPreemptions.waits + holderPreemptions.waits);
};
/** The same as the authors counted. */
const authorsShare = ({ stats }: Measurement): number => stats.locks.authors.lwp / (stats.locks.authors.lwp + stats.locks.authors.lhp);
const meanThroughput = (results: ResultSet): number => meanOf(results.values(throughput));

/** The runs of fairbench have no `sweep`. */
function reduce(all: ResultSet, scale: Scale): Findings {
  const kernels = all.where({ sweep: 'workloads' });
  const results = new ResultSet(all.entries.filter(({ point }) => point.labels['sweep'] === undefined));
  const rows: Cell[][] = [];
  const data: Datum[] = [];
  for (const [lock, ofLock] of results.by('lock')) {
    for (const [vms, group] of ofLock.by('vms')) {
      const mean = (of: (one: Measurement) => number): number => meanOf(group.values(of));
      const micros = (of: (one: Measurement) => number | null): number => mean((one) => ((of(one) ?? 0) / one.frequencyHz) * 1e6);
      rows.push([
        String(lock),
        Number(vms),
        meanThroughput(group),
        meanThroughput(group) / meanThroughput(ofLock.where({ vms: 1 })),
        mean(({ stats }) => stats.locks.holderPreemptions.waits),
        mean(({ stats }) => stats.locks.waiterPreemptions.waits),
        100 * mean(waiterShare),
        100 * mean(authorsShare),
        micros(({ stats }) => stats.locks.waitCycles.median),
        micros(({ stats }) => stats.locks.waitCycles.p99),
        micros(({ stats }) => stats.locks.waitCycles.max),
      ]);
      data.push({ lock, ratio: `×${vms}`, value: meanThroughput(group) });
    }
  }
  const table: Table = {
    id: 'preemption',
    title: 'fairbench by lock: acquisitions per ms of the first VM; waits of all VMs that a preemption cost something; waits in µs',
    columns: [
      { name: 'lock' },
      { name: 'VMs' },
      { name: 'per ms', digits: 1 },
      { name: 'of alone', digits: 2 },
      { name: 'holder preempted' },
      { name: 'waiter preempted' },
      { name: 'waiters’ share, %', digits: 1 },
      { name: 'as the authors count, %', digits: 1 },
      { name: 'median', digits: 2 },
      { name: '99 %', digits: 1 },
      { name: 'longest', digits: 0 },
    ],
    rows,
  };
  const ticket = results.where({ lock: 'ticket', vms: 2 });
  const share = meanOf(ticket.values(waiterShare));
  const at = (lock: string, vms: number): number => meanThroughput(results.where({ lock, vms }));
  const headlines: Headline[] = [
    {
      what: 'share of waiter preemption among preemption problems, ticket, two VMs',
      published: 'not known for certain',
      certainty: 'recalled',
      measured: Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : 'not measured',
      explanation: 'recalled as about 90 %; here exact, by who was off its core while a wait lasted',
    },
    workloadPreemptionHeadline(kernels),
  ];
  return {
    headlines,
    figures: [
      {
        id: 'lock-throughput',
        title: 'Acquisitions per ms of one VM, by lock and number of VMs',
        shape: 'alone all about equal; with more VMs ticket falls far below 1/M, preemptable to about 1/M, paravirtual ones are best',
        published: 'none that is certain for this benchmark',
        measured: `two VMs: ticket ${at('ticket', 2).toFixed(1)}, preemptable ${at('preemptable', 2).toFixed(1)}, pv-preemptable ${at('pv-preemptable', 2).toFixed(1)} per ms`,
        spec: barChart(
          data,
          { field: 'lock', title: 'lock' },
          { field: 'value', title: 'acquisitions per ms' },
          { field: 'ratio', title: 'VMs' },
        ),
      },
    ],
    tables: [table, workloadPreemptionTable(kernels)],
    checks: [
      check(
        'ticket collapses under overcommit',
        'two VMs: less than a quarter of the acquisitions alone (a fair share is a half)',
        Number.isFinite(at('ticket', 1)) && Number.isFinite(at('ticket', 2)),
        () => at('ticket', 2) < at('ticket', 1) / 4,
        () => `${(at('ticket', 2) / at('ticket', 1)).toFixed(3)} of alone`,
      ),
      check(
        'preemptable does not',
        'two VMs: at least a third of the acquisitions alone',
        Number.isFinite(at('preemptable', 1)) && Number.isFinite(at('preemptable', 2)),
        () => at('preemptable', 2) >= at('preemptable', 1) / 3,
        () => `${(at('preemptable', 2) / at('preemptable', 1)).toFixed(3)} of alone`,
      ),
      check(
        'most of the trouble is the waiters’',
        'ticket, two VMs: at least three quarters of the waits that a preemption cost something',
        Number.isFinite(share),
        () => share >= MOST,
        () => `${(100 * share).toFixed(1)} %`,
      ),
      check(
        'alone they are about equal',
        'one VM: preemptable within 10 % of ticket',
        Number.isFinite(at('ticket', 1)) && Number.isFinite(at('preemptable', 1)),
        () => Math.abs(at('preemptable', 1) / at('ticket', 1) - 1) <= 0.1,
        () => `${(at('preemptable', 1) / at('ticket', 1)).toFixed(3)} of ticket`,
      ),
      ...(scale === 'full' ? workloadPreemptionChecks(kernels) : []),
    ],
    notes: [
      'The holder of a lock is preempted, or the one whose turn it is, at any time: who it was is known to the observer, not to the guest.',
    ],
  };
}
