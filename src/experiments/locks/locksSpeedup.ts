import type { Experiment, Findings, Headline, Scale } from '../experiment.ts';
import type { Datum, Figure } from '../findings.ts';
import { barChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { meanOf } from '../statistics.ts';
import { LOADS_FACT, MACHINE_FACT, SPEEDUP_FACT, WAITER_FACT } from './facts.ts';
import { averageSpeedup, lockLosses, overShare, publishedLoads, speedup, speedupRange } from './speedup.ts';
import { speedupChecks } from './speedupChecks.ts';
import { sensitivityRows, sensitivityTable } from './speedupSensitivity.ts';
import { speedupPoints } from './speedupSetup.ts';
import { averageTable, workloadTable } from './speedupTables.ts';

/** How much faster whole kernels are with other spinlocks than ticket's, by workload and overcommit. */
export const locksSpeedup: Experiment = {
  name: 'locks-speedup',
  doc: 'speed of lock-heavy workloads by the kernel’s spinlock and overcommit, beside 5.32x and 7.91x over ticket (VEE 2013)',
  facts: [SPEEDUP_FACT, LOADS_FACT, MACHINE_FACT, WAITER_FACT],
  points: speedupPoints,
  reduce,
};

function reduce(results: ResultSet, scale: Scale): Findings {
  return {
    headlines: headlines(results),
    figures: figures(results),
    tables: [workloadTable(results), averageTable(results), ...(hasSensitivity(results) ? [sensitivityTable(results)] : [])],
    checks: speedupChecks(results, scale),
    notes: [
      'All VMs run the same workload, without an end, for the same time. Machine time is that of all cores for each second that the programs of all VMs spent in user mode: proportional to the time that a unit of work takes, since what a program computes for it does not depend on the kernel’s locks.',
      'Waits and their causes are those of all VMs, from boot on; exits those of the first VM in its measured part.',
      'The workloads are miniatures (docs/workloads.md) on a kernel that has far fewer spinlocks than Linux 3.5: what a speed-up can be at most is what ticket takes over its share of the time, which the table shows.',
      'A speed-up is that of mean machine times over the seeds, as of mean run times; by rates it is that of mean progress. They differ where ticket stands still with some seeds: nothing in this machine disturbs a line of waiters whose slices never meet, so it can last.',
      'kernbench is not one of the published loads and not in the averages.',
      'A fifth of a second of virtual time is measured, not the minutes of the publication: sixteen slices on each core.',
    ],
  };
}

const hasSensitivity = (results: ResultSet): boolean => !results.where({ sweep: 'sensitivity' }).isEmpty;
const times = (value: number): string => (Number.isFinite(value) ? `${value.toFixed(2)}x` : 'not measured');
const spread = ([least, most]: readonly [number, number]): string => (least < most ? ` (${least.toFixed(2)} to ${most.toFixed(2)})` : '');
const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;

function headlines(results: ResultSet): Headline[] {
  const workloads = publishedLoads(results).where({ sweep: 'workloads' });
  const average = (variant: string): string => {
    const { arithmetic, rates } = averageSpeedup(workloads, variant, 2);
    return `${times(arithmetic)}, by rates ${times(rates)}`;
  };
  const byWorkload = (variant: string): string =>
    [...workloads.where({ vms: 2 }).by('workload')]
      .map(([name, group]) => `${name} ${times(speedup(group, variant))}${spread(speedupRange(group, variant))}`)
      .join(', ');
  return [
    {
      what: 'average speed-up of preemptable over ticket, two VMs',
      published: '5.32x',
      certainty: 'found',
      measured: `${average('preemptable')} (${byWorkload('preemptable')})`,
      explanation: bound(workloads),
    },
    {
      what: 'average speed-up of pv-preemptable over ticket, two VMs',
      published: '7.91x',
      certainty: 'found',
      measured: `${average('pv-preemptable')} (${byWorkload('pv-preemptable')})`,
      explanation: losses(workloads),
    },
    {
      what: 'how far the speed-up of preemptable moves with slice, PAUSE and length of the section',
      published: 'not known for certain',
      certainty: 'recalled',
      measured: movement(results),
      explanation: '',
    },
  ];
}

/** How much there is to be won, in one sentence. */
function bound(workloads: ResultSet): string {
  const shares = [...workloads.by('workload')]
    .map(([name, group]) => ({ name, share: overShare(group, 'ticket', 2) }))
    .filter(({ share }) => Number.isFinite(share));
  if (shares.length === 0) return 'what there is to be won: not measured';
  const list = shares.map(({ name, share }) => `${name} ${times(share)}`).join(', ');
  return `a lock that cost nothing under overcommit would be faster than ticket by what ticket takes over its share: ${list}, on average ${times(meanOf(shares.map(({ share }) => share)))}`;
}

/** Where the processor time goes, by lock. */
function losses(workloads: ResultSet): string {
  const two = workloads.where({ vms: 2 });
  const texts = ['ticket', 'preemptable', 'pv-preemptable'].flatMap((variant) => {
    const lost = two.where({ variant }).measurements.map(lockLosses);
    if (lost.length === 0) return [];
    const [holder, waiter, tlb] = (['holder', 'waiter', 'tlb'] as const).map((name) => percent(meanOf(lost.map((one) => one[name]))));
    return [`${variant} ${holder}, ${waiter} and ${tlb}`];
  });
  return texts.length === 0
    ? 'what preemptions cost: not measured'
    : `processor time that waits for preempted holders, for preempted waiters, and TLB shootdowns took, mean of the workloads: ${texts.join('; ')}. A lock changes the first two only`;
}

function movement(results: ResultSet): string {
  const rows = sensitivityRows(results).filter(({ preemptable }) => Number.isFinite(preemptable));
  if (rows.length === 0) return 'not measured';
  const ranges = new Map<string, number[]>();
  for (const { workload, what, preemptable } of rows) {
    const name = `${workload}, ${what}`;
    ranges.set(name, [...(ranges.get(name) ?? []), preemptable]);
  }
  return [...ranges].map(([what, values]) => `${what}: ${times(Math.min(...values))} to ${times(Math.max(...values))}`).join('; ');
}

function figures(results: ResultSet): Figure[] {
  const workloads = results.where({ sweep: 'workloads' });
  const speedups: Datum[] = [];
  const shares: Datum[] = [];
  for (const [workload, ofWorkload] of workloads.by('workload')) {
    for (const [vms, ofVms] of ofWorkload.by('vms')) {
      for (const variant of ofVms.by('variant').keys()) {
        const ratio = `×${vms}`;
        speedups.push({ workload, ratio, variant, value: speedup(ofVms, String(variant)) });
        shares.push({ workload, ratio, variant, value: overShare(ofWorkload, String(variant), Number(vms)) });
      }
    }
  }
  const average = (variant: string): string => times(averageSpeedup(workloads, variant, 2).arithmetic);
  const lock = { field: 'variant', title: 'lock' };
  return [
    {
      id: 'lock-speedup',
      title: 'Speed-up over ticket',
      shape: 'alone all are 1; beside neighbours preemptable is faster than ticket, paravirtual locks are fastest',
      published: 'on average 5.32x without, 7.91x with paravirtual help',
      measured: `two VMs, average: preemptable ${average('preemptable')}, pv-ticket ${average('pv-ticket')}, pv-preemptable ${average('pv-preemptable')}`,
      spec: barChart(speedups, { field: 'ratio', title: 'VMs' }, { field: 'value', title: 'times as fast as ticket' }, lock, {
        facet: 'workload',
      }),
    },
    {
      id: 'lock-share',
      title: 'Time, as a multiple of the fair share of the cores',
      shape: 'ticket far above 1 beside neighbours, preemptable about 1',
      published: 'none that is certain',
      measured: bound(workloads),
      spec: barChart(shares, { field: 'ratio', title: 'VMs' }, { field: 'value', title: 'machine time / that alone' }, lock, {
        facet: 'workload',
      }),
    },
  ];
}
