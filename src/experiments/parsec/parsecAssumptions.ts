/**
 * What the headline is under other assumptions about host and kernel than the usual ones, one changed at a time. The publication does not say them all; some are
 * plain choices of this model.
 */
import type { Point } from '../experiment.ts';
import type { Cell, Table } from '../findings.ts';
import type { ResultSet } from '../resultSet.ts';
import { schemesPresent, seeds } from '../runSettings.ts';
import { type ParsecSetting, parsecPoint } from './parsecPoint.ts';
import { longShootdowns, meanRun, percent, reduction, SHARE_COLUMNS, shareCells } from './parsecTables.ts';

const SCHEMES = ['ipi', 'kvmtlb', 'shoot4u'];
/** A native run takes the host ten times as long as another. */
const seedsOf = (scheme: string): readonly number[] => seeds(scheme === 'ipi' ? 1 : 2);

/** Waiters for the mmap lock spin. A Linux of that time does both: it spins while the holder runs, and then sleeps. */
export const SPINNING = 'waiters for the mmap lock spin';
const ASSUMPTIONS: readonly (readonly [name: string, Partial<ParsecSetting>])[] = [
  ['as usual', {}],
  [SPINNING, { spinningMmapLock: true }],
  ['PAUSE-loop exiting', { pauseLoopExiting: true }],
  ['PAUSE-loop exiting, spinning waiters', { pauseLoopExiting: true, spinningMmapLock: true }],
  ['scheduler fair', { scheduler: 'fair' }],
  ['scheduler fair, PAUSE-loop exiting', { scheduler: 'fair', pauseLoopExiting: true }],
  ['vCPUs float', { placement: 'floating' }],
  ['slices of 3 ms', { slice: 3 }],
  ['slices of 24 ms', { slice: 24 }],
];

/** The label `sweep` is `assumptions`. @param work millions of instructions of each thread. @param slice in milliseconds. */
export const assumptionPoints = (programs: readonly string[], work: number, slice: number): readonly Point[] =>
  ASSUMPTIONS.flatMap(([assumption, changed]) =>
    programs.flatMap((program) =>
      schemesPresent(SCHEMES).flatMap((scheme) =>
        seedsOf(scheme).map((seed) =>
          parsecPoint(
            { sweep: 'assumptions', assumption, program, scheme, vms: 2 },
            { program, scheme, vms: 2, seed, work, slice, ...changed },
          ),
        ),
      ),
    ),
  );

export function assumptionTable(results: ResultSet): Table {
  const rows: Cell[][] = [];
  for (const [assumption, ofAssumption] of results.where({ sweep: 'assumptions' }).by('assumption')) {
    for (const [program, ofProgram] of ofAssumption.by('program')) {
      for (const [scheme, group] of ofProgram.by('scheme')) {
        const cut = (baseline: string): number => 100 * reduction(ofProgram, String(scheme), baseline);
        rows.push([
          String(assumption),
          String(program),
          String(scheme),
          meanRun(group),
          cut('ipi'),
          cut('kvmtlb'),
          longShootdowns(group).perThousand,
          ...shareCells(group),
        ]);
      }
    }
  }
  return {
    id: 'assumptions',
    title:
      'Two VMs, under other assumptions about host and kernel: run time in ms for a second of work, shootdowns in a thousand that took over half a millisecond',
    columns: [
      { name: 'assumption' },
      { name: 'program' },
      { name: 'scheme' },
      { name: 'run time', digits: 2 },
      { name: 'less than ipi, %', digits: 1 },
      { name: 'than kvmtlb, %', digits: 1 },
      { name: 'long ones', digits: 1 },
      ...SHARE_COLUMNS,
    ],
    rows,
  };
}

/** What Shoot4U gains over kvmtlb under each assumption, in one sentence. */
export function gainByAssumption(results: ResultSet): string {
  const texts: string[] = [];
  for (const [assumption, ofAssumption] of results.where({ sweep: 'assumptions' }).by('assumption')) {
    const cuts = [...ofAssumption.by('program')].map(([program, group]) => [program, reduction(group, 'shoot4u', 'kvmtlb')] as const);
    const known = cuts.filter(([, cut]) => Number.isFinite(cut)).map(([program, cut]) => `${program} ${percent(cut)}`);
    if (known.length > 0) texts.push(`${assumption}: ${known.join(', ')}`);
  }
  return texts.length === 0 ? 'other assumptions: not measured' : `under other assumptions (shorter runs): ${texts.join('; ')}`;
}
