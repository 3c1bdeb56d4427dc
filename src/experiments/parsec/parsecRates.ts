/** How the headline follows the rate at which a program gives memory back: the number that no source states, and the one that decides most. */
import type { Point } from '../experiment.ts';
import type { Cell, Datum, Figure, Table } from '../findings.ts';
import type { Measurement } from '../measurement.ts';
import { lineChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { schemesPresent, seeds } from '../runSettings.ts';
import { meanOf } from '../statistics.ts';
import { parsecPoint } from './parsecPoint.ts';
import { longShootdowns, meanRun, meanTlbShare, reduction } from './parsecTables.ts';

/** Percent of the profile's rates of mapping, trimming and growing. */
export const MEMORY_RATES = [25, 50, 100, 200, 400, 800, 1600] as const;
/** Native runs take the host ten times as long: one program, half of the work, one seed. The two that are near each other have three seeds. */
const SWEEPS = [
  { scheme: 'ipi', programs: ['dedup'], share: 0.5, seeds: 1 },
  { scheme: 'kvmtlb', programs: ['dedup', 'vips'], share: 1, seeds: 3 },
  { scheme: 'shoot4u', programs: ['dedup', 'vips'], share: 1, seeds: 3 },
] as const;
const PROGRAM = 'dedup';

/** The label `rate` tells them apart; `sweep` is `rates`. @param work millions of instructions of each thread. @param slice in milliseconds. */
export function ratePoints(work: number, slice: number): readonly Point[] {
  return MEMORY_RATES.flatMap((rate) =>
    SWEEPS.filter(({ scheme }) => schemesPresent([scheme]).length > 0).flatMap(({ scheme, programs, share, seeds: count }) =>
      programs.flatMap((program) =>
        seeds(count).map((seed) =>
          parsecPoint(
            { sweep: 'rates', program, scheme, rate },
            { program, scheme, vms: 2, seed, work: work * share, slice, memoryRate: rate },
          ),
        ),
      ),
    ),
  );
}

export interface RateRow {
  readonly program: string;
  readonly rate: number;
  /** Of the whole VM, for each second of its time under Shoot4U. */
  readonly shootdownsPerSecond: number;
  readonly tlbShare: number;
  readonly againstIpi: number;
  readonly againstKvmtlb: number;
}

const perSecond = ({ shootdowns, begin, end, frequencyHz }: Measurement): number =>
  (shootdowns.length * frequencyHz) / ((end ?? Number.NaN) - (begin ?? 0));

export const rateRows = (results: ResultSet): RateRow[] =>
  [...results.where({ sweep: 'rates' }).by('program')].flatMap(([program, ofProgram]) =>
    [...ofProgram.by('rate')].map(([rate, group]) => ({
      program: String(program),
      rate: Number(rate),
      shootdownsPerSecond: meanOf(group.where({ scheme: 'shoot4u' }).values(perSecond)),
      tlbShare: meanTlbShare(group.where({ scheme: 'ipi' })),
      againstIpi: reduction(group, 'shoot4u', 'ipi'),
      againstKvmtlb: reduction(group, 'shoot4u', 'kvmtlb'),
    })),
  );

export function rateTable(results: ResultSet): Table {
  return {
    id: 'rates',
    title:
      'The headline by how often a program gives memory back, two VMs; run times in ms for a second of work, shootdowns in a thousand that took over half a millisecond',
    columns: [
      { name: 'program' },
      { name: 'rates, % of the profile’s' },
      { name: 'shootdowns a second under Shoot4U', digits: 0 },
      { name: 'ms under ipi', digits: 1 },
      { name: 'under kvmtlb', digits: 1 },
      { name: 'under Shoot4U', digits: 1 },
      { name: 'CPU time in shootdown under ipi, %', digits: 1 },
      { name: 'Shoot4U less than ipi, %', digits: 1 },
      { name: 'less than kvmtlb, %', digits: 1 },
      { name: 'long ones under kvmtlb', digits: 1 },
      { name: 'under Shoot4U', digits: 1 },
    ],
    rows: rateRows(results).map(({ program, rate, shootdownsPerSecond, tlbShare, againstIpi, againstKvmtlb }): Cell[] => {
      const of = (scheme: string): ResultSet => results.where({ sweep: 'rates', program, rate, scheme });
      const runs = ['ipi', 'kvmtlb', 'shoot4u'].map((scheme) => orNull(meanRun(of(scheme))));
      const shares = [tlbShare, againstIpi, againstKvmtlb].map((value) => orNull(100 * value));
      return [
        program,
        rate,
        shootdownsPerSecond,
        ...runs,
        ...shares,
        ...['kvmtlb', 'shoot4u'].map((scheme) => longShootdowns(of(scheme)).perThousand),
      ];
    }),
  };
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
const finite = (rows: readonly RateRow[], of: (row: RateRow) => number): RateRow[] => rows.filter((row) => Number.isFinite(of(row)));

/** The range of the headline over the rates, in one sentence. */
export function rateMovement(results: ResultSet): string {
  const rows = finite(rateRows(results), ({ againstIpi }) => againstIpi);
  if (rows.length < 2) return 'how it follows the rates: not measured';
  const [first, last] = [rows[0]!, rows.at(-1)!];
  const at = ({ rate, againstIpi, tlbShare }: RateRow): string =>
    `at ${rate} % of the rates ${cut(againstIpi)} against native, with ${cut(tlbShare)} of CPU time in shootdown under native`;
  return `${PROGRAM}: ${at(first)}; ${at(last)}`;
}

/** What Shoot4U gains over kvmtlb, by program and rate, in one sentence. */
export function gainOverKvmtlb(results: ResultSet): string {
  const programs = [...results.where({ sweep: 'rates' }).by('program').keys()];
  const texts = programs.flatMap((program) => {
    const rows = finite(rateRows(results), ({ againstKvmtlb }) => againstKvmtlb).filter((row) => row.program === program);
    return rows.length === 0
      ? []
      : [`${program} ${rows.map(({ rate, againstKvmtlb }) => `${cut(againstKvmtlb)} at ${rate} %`).join(', ')}`];
  });
  return texts.length === 0 ? 'how it follows the rates: not measured' : `by the rates of giving memory back: ${texts.join('; ')}`;
}

const cut = (value: number): string => (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : 'nothing measured');

export function rateFigure(results: ResultSet): Figure[] {
  const rows = rateRows(results);
  if (rows.length === 0) return [];
  const series: readonly (readonly [string, (row: RateRow) => number])[] = [
    ['run time cut against native', ({ againstIpi }) => againstIpi],
    ['run time cut against kvmtlb', ({ againstKvmtlb }) => againstKvmtlb],
    ['CPU time in shootdown under native', ({ tlbShare }) => tlbShare],
  ];
  const data: Datum[] = series.flatMap(([what, of]) =>
    finite(rows, of).map((row) => ({ what: `${row.program}: ${what}`, rate: row.rate, value: of(row) })),
  );
  return [
    {
      id: 'parsec-rates',
      title: 'The headline by how often a program gives memory back',
      shape: 'the gain grows with the rate of shootdowns, and is nothing without them',
      published: 'up to 85 % against native, up to 44 % against kvmtlb, up to 64 % of CPU time',
      measured: `${rateMovement(results)}. Against kvmtlb ${gainOverKvmtlb(results)}`,
      spec: lineChart(
        data,
        { field: 'rate', title: 'rates, % of the profile’s', log: true },
        { field: 'value', title: 'share', format: '%' },
        { field: 'what', title: '' },
      ),
    },
  ];
}
