import type { Cell, Column, Datum, Table } from '../findings.ts';
import type { Measurement } from '../measurement.ts';
import type { ResultSet } from '../resultSet.ts';
import { meanOf } from '../statistics.ts';
import { SECOND_OF_WORK } from './parsecPoint.ts';

/** Run time of the measured part in milliseconds of virtual time. */
export const runMillis = ({ begin, end, frequencyHz }: Measurement): number => (((end ?? Number.NaN) - (begin ?? 0)) / frequencyHz) * 1000;

/** Where the processor time of the first VM went, as shares of what it used: halted time is not used. */
export interface TimeShares {
  readonly user: number;
  readonly lock: number;
  readonly tlb: number;
  readonly other: number;
}

const PARTS = ['user', 'lock', 'tlb', 'other'] as const;

/** Columns of a table that says where the time went, in percent, and what a row has in them. */
export const SHARE_COLUMNS: readonly Column[] = PARTS.map((name) => ({ name, digits: 1 }));
export const shareCells = (results: ResultSet): Cell[] => PARTS.map((part) => 100 * meanShare(results, part));

export function timeShares({ stats }: Measurement): TimeShares {
  const sum = { user: 0, lock: 0, tlb: 0, other: 0 };
  for (const { vm, cpuTime } of stats.vcpus) {
    if (vm !== 0) continue;
    sum.user += cpuTime.userCycles;
    sum.lock += cpuTime.kernelLockCycles;
    sum.tlb += cpuTime.kernelTlbCycles;
    sum.other += cpuTime.kernelOtherCycles;
  }
  const all = sum.user + sum.lock + sum.tlb + sum.other;
  return { user: sum.user / all, lock: sum.lock / all, tlb: sum.tlb / all, other: sum.other / all };
}

/** Mean run time at these labels, for a second of work of each thread, whatever the runs had to do; NaN when nothing was measured. */
export const meanRun = (results: ResultSet): number =>
  meanOf(results.entries.map(({ point, measurement }) => (runMillis(measurement) * SECOND_OF_WORK) / Number(point.labels['work'])));
/** The first VM's shootdowns in a second of work of each thread. */
export const shootdownRate = (results: ResultSet): number =>
  meanOf(results.entries.map(({ point, measurement }) => (measurement.shootdowns.length * SECOND_OF_WORK) / Number(point.labels['work'])));
export const meanTlbShare = (results: ResultSet): number => meanShare(results, 'tlb');
export const meanShare = (results: ResultSet, part: keyof TimeShares): number => meanOf(results.values((one) => timeShares(one)[part]));

/** No shootdown takes as long unless a vCPU had no core: a target that had to answer, or its initiator. In seconds. */
const LONG_FROM = 500e-6;

/**
 * Shootdowns that waited for a core: so many of a thousand, and the milliseconds they took of a second of work. Those of a scheme that never waits for a
 * vCPU are the ones whose initiator lost its own core; what another scheme has above that is waiting for targets. (Not to be told apart one by one: a target that has just
 * lost its core is away for longer than what is left of any other slice, so its initiator has lost its core, too, before it comes back.)
 */
export function longShootdowns(results: ResultSet): { perThousand: number; millis: number } {
  const each = results.entries.map(({ point, measurement: { shootdowns, frequencyHz } }) => {
    const long = shootdowns.filter(({ begin, end }) => end - begin > LONG_FROM * frequencyHz);
    const cycles = long.reduce((sum, { begin, end }) => sum + end - begin, 0);
    return {
      perThousand: (1000 * long.length) / shootdowns.length,
      millis: ((cycles / frequencyHz) * 1000 * SECOND_OF_WORK) / Number(point.labels['work']),
    };
  });
  return { perThousand: meanOf(each.map(({ perThousand }) => perThousand)), millis: meanOf(each.map(({ millis }) => millis)) };
}

/** By how much `scheme` cuts the run time of `baseline`: 0.85 is 85 %. */
export function reduction(results: ResultSet, scheme: string, baseline: string): number {
  return 1 - meanRun(results.where({ scheme })) / meanRun(results.where({ scheme: baseline }));
}

export const percent = (value: number): string => (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : 'not measured');

/** Run time of each program under each scheme, what two VMs cost over one, and the split of the time. */
export function programTable(results: ResultSet): Table {
  const rows: Cell[][] = [];
  for (const [program, ofProgram] of results.where({ sweep: 'programs' }).by('program')) {
    for (const [vms, ofVms] of ofProgram.by('vms')) {
      for (const [scheme, group] of ofVms.by('scheme')) {
        const alone = meanRun(ofProgram.where({ vms: 1, scheme }));
        const run = meanRun(group);
        const cut = 100 * reduction(ofVms, String(scheme), 'ipi');
        const shootdowns = shootdownRate(group);
        rows.push([String(program), Number(vms), String(scheme), run, run / alone, cut, shootdowns, ...shareCells(group)]);
      }
    }
  }
  return {
    id: 'programs',
    title: 'Run time in ms and shootdowns for a second of work, and where the VM’s processor time went, in percent',
    columns: [
      { name: 'program' },
      { name: 'VMs' },
      { name: 'scheme' },
      { name: 'run time', digits: 2 },
      { name: 'of alone', digits: 2 },
      { name: 'less than ipi, %', digits: 1 },
      { name: 'shootdowns' },
      ...SHARE_COLUMNS,
    ],
    rows,
  };
}

/** A row of the sensitivity of the headline. */
export interface SensitivityRow {
  readonly cost: string;
  readonly factor: number;
  readonly againstIpi: number;
  readonly againstKvmtlb: number;
  readonly tlbShare: number;
}

export function sensitivityRows(results: ResultSet): SensitivityRow[] {
  const rows: SensitivityRow[] = [];
  for (const [cost, ofCost] of results.where({ sweep: 'costs' }).by('cost')) {
    for (const [factor, group] of ofCost.by('factor')) {
      rows.push({
        cost: String(cost),
        factor: Number(factor),
        againstIpi: reduction(group, 'shoot4u', 'ipi'),
        againstKvmtlb: reduction(group, 'shoot4u', 'kvmtlb'),
        tlbShare: meanTlbShare(group.where({ scheme: 'ipi' })),
      });
    }
  }
  return rows;
}

export function sensitivityTable(results: ResultSet): Table {
  return {
    id: 'sensitivity',
    title: 'The headline with one price multiplied (dedup, two VMs)',
    columns: [
      { name: 'price' },
      { name: 'times', digits: 1 },
      { name: 'Shoot4U less than ipi, %', digits: 1 },
      { name: 'Shoot4U less than kvmtlb, %', digits: 1 },
      { name: 'share in shootdown under ipi, %', digits: 1 },
    ],
    rows: sensitivityRows(results).map(({ cost, factor, againstIpi, againstKvmtlb, tlbShare }) => [
      cost,
      factor,
      100 * againstIpi,
      100 * againstKvmtlb,
      100 * tlbShare,
    ]),
  };
}

/** Shares of the time as the data of a stacked chart. */
export function shareData(results: ResultSet): Datum[] {
  const data: Datum[] = [];
  for (const { point, measurement } of results.where({ sweep: 'programs' }).entries) {
    const { program, scheme, vms } = point.labels;
    const shares = timeShares(measurement);
    for (const [part, value] of Object.entries(shares)) {
      data.push({ program: program!, run: `${scheme} ×${vms}`, part: PART_NAMES[part as keyof TimeShares], value });
    }
  }
  return data;
}

const PART_NAMES: Readonly<Record<keyof TimeShares, string>> = {
  user: 'user',
  lock: 'kernel-lock',
  tlb: 'kernel-tlb',
  other: 'kernel-other',
};
