import { check } from '../check.ts';
import type { Experiment, Findings, Scale } from '../experiment.ts';
import type { Cell, Datum, Table } from '../findings.ts';
import type { Measurement } from '../measurement.ts';
import { distributionChart, lineChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { meanOf } from '../statistics.ts';
import { MACHINE_FACT, PREEMPTION_FACT } from './facts.ts';
import { type FairbenchSizes, fairbenchPoints } from './fairbenchSweep.ts';

const SIZES: Readonly<Record<Scale, FairbenchSizes>> = {
  full: { seconds: 0.5, slice: 12, vms: [1, 2, 3], seeds: 1 },
  quick: { seconds: 0.02, slice: 1, vms: [1, 2], seeds: 1 },
};

/** How long acquisitions wait, by lock and overcommit: the whole distribution. */
export const locksLatency: Experiment = {
  name: 'locks-latency',
  doc: 'distribution of the time that an acquisition takes, by lock and overcommit, on fairbench',
  facts: [PREEMPTION_FACT, MACHINE_FACT],
  points: (scale) => fairbenchPoints(SIZES[scale]),
  reduce,
};

/** Share of the acquisitions that had to wait. */
const contended = ({ stats }: Measurement): number => stats.locks.contended / stats.locks.acquisitions;

/** Of all acquisitions, those that did not wait among them: the time that `share` of them do not exceed, in µs; 0 when they did not wait. */
export function waitQuantile(one: Measurement, share: number): number {
  const uncontended = 1 - contended(one);
  if (share <= uncontended) return 0;
  const rank = (share - uncontended) / (1 - uncontended);
  const step = one.lockWaits.find((known) => known.share >= rank - 1e-12) ?? one.lockWaits.at(-1);
  return ((step?.value ?? 0) / one.frequencyHz) * 1e6;
}

/** Mean over all acquisitions, in µs. */
const meanWait = (one: Measurement): number => (contended(one) * (one.stats.locks.waitCycles.mean ?? 0) * 1e6) / one.frequencyHz;
const longest = (one: Measurement): number => ((one.stats.locks.waitCycles.max ?? 0) / one.frequencyHz) * 1e6;

const QUANTILES = [0.5, 0.9, 0.99, 0.999] as const;

function tableOf(results: ResultSet): Table {
  const rows: Cell[][] = [];
  for (const [lock, ofLock] of results.by('lock')) {
    for (const [vms, group] of ofLock.by('vms')) {
      const mean = (of: (one: Measurement) => number): number => meanOf(group.values(of));
      rows.push([
        String(lock),
        Number(vms),
        mean(({ stats }) => stats.locks.acquisitions),
        100 * mean(contended),
        ...QUANTILES.map((share) => mean((one) => waitQuantile(one, share))),
        mean(meanWait),
        mean(longest),
      ]);
    }
  }
  return {
    id: 'waits',
    title: 'Time from the first try to the acquisition, in µs, over all acquisitions of all VMs (0: at once)',
    columns: [
      { name: 'lock' },
      { name: 'VMs' },
      { name: 'acquisitions' },
      { name: 'waited, %', digits: 1 },
      { name: 'median', digits: 2 },
      { name: '90 %', digits: 2 },
      { name: '99 %', digits: 2 },
      { name: '99.9 %', digits: 1 },
      { name: 'mean', digits: 2 },
      { name: 'longest', digits: 0 },
    ],
    rows,
  };
}

function reduce(results: ResultSet, scale: Scale): Findings {
  const sliceMicros = SIZES[scale].slice * 1000;
  const data: Datum[] = [];
  const tails: Datum[] = [];
  for (const { point, measurement } of results.entries) {
    const lock = point.labels['lock']!;
    const vms = point.labels['vms']!;
    const ratio = `×${vms}`;
    const uncontended = 1 - contended(measurement);
    // Of a thousand steps every fifth is enough for a curve; the last is the longest wait.
    measurement.lockWaits.forEach(({ value, share }, index, all) => {
      if (index % 5 !== 0 && index !== all.length - 1) return;
      data.push({ lock, ratio, value: (value / measurement.frequencyHz) * 1e6, share: uncontended + share * (1 - uncontended) });
    });
    tails.push({ lock, vms, value: meanWait(measurement) });
  }
  const mean = (lock: string, vms: number): number => meanOf(results.where({ lock, vms }).values(meanWait));
  const worstAlone = Math.max(...results.where({ vms: 1 }).values(longest));
  const tailOf = (lock: string): number => meanOf(results.where({ lock, vms: 2 }).values(longest));
  return {
    headlines: [],
    figures: [
      {
        id: 'lock-waits',
        title: 'How long an acquisition takes',
        shape: 'alone all waits are short; beside neighbours the longest last for slices, and with ticket locks they are many',
        published: 'none that is certain',
        measured: `mean with two VMs: ticket ${mean('ticket', 2).toFixed(1)} µs, preemptable ${mean('preemptable', 2).toFixed(1)} µs, pv-preemptable ${mean('pv-preemptable', 2).toFixed(1)} µs`,
        spec: distributionChart(
          data,
          { value: 'wait, µs', share: 'share of acquisitions not longer' },
          { field: 'lock', title: 'lock' },
          'ratio',
        ),
      },
      {
        id: 'lock-mean-wait',
        title: 'Mean wait of an acquisition',
        shape: 'ticket’s grows far faster with overcommit than the others’',
        published: 'none that is certain',
        measured: `ticket ${mean('ticket', 1).toFixed(2)} µs alone, ${mean('ticket', 2).toFixed(1)} µs with two VMs`,
        spec: lineChart(
          tails,
          { field: 'vms', title: 'VMs', fromData: true },
          { field: 'value', title: 'µs', log: true },
          { field: 'lock', title: 'lock' },
        ),
      },
    ],
    tables: [tableOf(results)],
    checks: [
      check(
        'alone nobody waits for a scheduler',
        'one VM: the longest wait with any lock is less than a tenth of a slice',
        Number.isFinite(worstAlone),
        () => worstAlone < sliceMicros / 10,
        () => `${worstAlone.toFixed(1)} µs of ${sliceMicros} µs`,
      ),
      check(
        'under overcommit somebody does',
        'two VMs: the longest wait for a ticket lock is at least half a slice',
        Number.isFinite(tailOf('ticket')),
        () => tailOf('ticket') >= sliceMicros / 2,
        () => `${tailOf('ticket').toFixed(0)} µs of ${sliceMicros} µs`,
      ),
      check(
        'patience that ends shortens the wait',
        'two VMs: mean wait with preemptable at most half of ticket’s',
        Number.isFinite(mean('preemptable', 2)) && Number.isFinite(mean('ticket', 2)),
        () => mean('preemptable', 2) <= mean('ticket', 2) / 2,
        () => `${mean('preemptable', 2).toFixed(2)} µs against ${mean('ticket', 2).toFixed(2)} µs`,
      ),
    ],
    notes: [
      'Every VM runs fairbench: the work under the lock is 1,000 instructions, 16,000 on average between acquisitions.',
      'A wait lasts as long as the guest’s clock says: time off the core is in it.',
    ],
  };
}
