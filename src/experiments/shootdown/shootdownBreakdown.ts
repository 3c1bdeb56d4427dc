import { check } from '../check.ts';
import type { Experiment, Findings, Point, Scale } from '../experiment.ts';
import type { Cell, Datum, Table } from '../findings.ts';
import type { Measurement } from '../measurement.ts';
import { barChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { schemesPresent } from '../runSettings.ts';
import { meanOf } from '../statistics.ts';
import { SERIAL_FACT, SETUP_FACT } from './facts.ts';
import { LATENCY_SCHEMES } from './latencySetup.ts';
import { shootdownPoint } from './shootdownPoint.ts';

/**
 * Targets that read all the time with their TLB fills watched are the most that can be asked of the host, so that less than a second is measured; and
 * shootdowns follow each other faster than in the other experiments, so that it has enough of them. What one causes depends on neither.
 */
const SIZES = {
  full: { seconds: { 1: 0.02, 2: 0.1 }, slice: 6, think: 100_000, schemes: LATENCY_SCHEMES as readonly string[] },
  quick: { seconds: { 1: 0.002, 2: 0.006 }, slice: 1, think: 50_000, schemes: ['ipi', 'kvmtlb', 'shoot4u', 'hyperv'] },
} as const;
const TARGETS = 11;
/** Slots that a target reads between two looks at the end. */
const READS = 16;

/** What one shootdown causes: exits, messages, invalidations, and the refills that targets pay afterwards. */
export const shootdownBreakdown: Experiment = {
  name: 'shootdown-breakdown',
  doc: 'what one shootdown causes with each scheme: exits, host IPIs, invalidations by type, TLB refills in the 10 µs after it',
  facts: [SERIAL_FACT, SETUP_FACT],
  points,
  reduce,
};

function points(scale: Scale): readonly Point[] {
  const { seconds, slice, think, schemes } = SIZES[scale];
  const base = { targets: TARGETS, slice: slice * 1e-3, undisturbed: false, reads: READS, think, seed: 1 };
  return schemesPresent(schemes).flatMap((scheme) =>
    ([1, 2] as const).flatMap((vms) =>
      [1, 64].map((pages) => shootdownPoint({ scheme, vms, pages }, { ...base, scheme, vms, pages }, seconds[vms], true)),
    ),
  );
}

/** Number for each shootdown of the measured part. */
const each = ({ shootdowns }: Measurement, count: number): number => count / shootdowns.length;

const sum = (counts: Readonly<Record<string, number>>, matches: (name: string) => boolean): number =>
  Object.entries(counts).reduce((total, [name, count]) => total + (matches(name) ? count : 0), 0);

const exitsEach = (one: Measurement): number =>
  each(
    one,
    sum(one.counts.exits, () => true),
  );
const refillsEach = ({ fills }: Measurement): number => meanOf(fills?.after ?? []) - meanOf(fills?.before ?? []);
const of = (one: Measurement, operation: string): number => each(one, one.counts.invalidations[operation] ?? 0);

function reduce(results: ResultSet): Findings {
  const exits: Datum[] = [];
  const refills: Datum[] = [];
  for (const { point, measurement } of results.entries) {
    const { scheme, vms, pages } = point.labels;
    const where = `${vms} VM${vms === 1 ? '' : 's'}, ${pages} page${pages === 1 ? '' : 's'}`;
    for (const [reason, count] of Object.entries(measurement.counts.exits)) {
      exits.push({ scheme: scheme!, where, reason, value: each(measurement, count) });
    }
    refills.push({ scheme: scheme!, where, value: refillsEach(measurement) });
  }
  return {
    headlines: [],
    figures: [
      {
        id: 'exits',
        title: 'VM exits of the VM for each of its shootdowns, by reason',
        shape:
          'native: an exit for each target’s ICR write and one for each interrupt and its end; Shoot4U: one hypercall, and an interrupt on each target’s core',
        published: 'none that is certain',
        measured: evidence(results, 'exits', exitsEach),
        spec: barChart(
          exits,
          { field: 'scheme', title: 'scheme' },
          { field: 'value', title: 'exits for each shootdown' },
          { field: 'reason', title: 'reason' },
          { stacked: true, facet: 'where' },
        ),
      },
      {
        id: 'refills',
        title: 'TLB refills of the VM in the 10 µs after a shootdown, above those in the 10 µs before',
        shape: 'flushing a whole context makes targets walk again; flushing single pages does not',
        published: 'none that is certain',
        measured: evidence(results, 'refills', refillsEach),
        spec: barChart(
          refills,
          { field: 'where', title: '' },
          { field: 'value', title: 'refills for each shootdown' },
          { field: 'scheme', title: 'scheme' },
        ),
      },
    ],
    tables: [countTable(results)],
    checks: checks(results),
    notes: [
      'The targets read random slots of all cores all the time, so that an invalidation has something to take away.',
      'Exits are those of the measured VM; messages between cores and invalidations are those of the whole host, whose other VMs cause none of their own but at switches.',
      'Exits at the ends of slices and of host timers are among them: with two VMs and few shootdowns they weigh.',
    ],
  };
}

function countTable(results: ResultSet): Table {
  const rows: Cell[][] = results.entries.map(({ point, measurement: one }) => {
    const { scheme, vms, pages } = point.labels;
    const { exits, ipis, invalidations } = one.counts;
    return [
      String(scheme),
      Number(vms),
      Number(pages),
      one.shootdowns.length,
      exitsEach(one),
      each(one, exits['WRMSR'] ?? 0),
      each(one, exits['EXTERNAL_INTERRUPT'] ?? 0),
      each(one, exits['VMCALL'] ?? 0),
      each(one, exits['PAUSE'] ?? 0),
      each(one, ipis),
      of(one, 'INVLPG'),
      each(
        one,
        sum(invalidations, (name) => name === 'MOV-CR3' || name.startsWith('INVPCID')),
      ),
      of(one, 'INVVPID-address'),
      each(
        one,
        sum(invalidations, (name) => name.startsWith('INVVPID-') && name !== 'INVVPID-address'),
      ),
      each(
        one,
        sum(invalidations, (name) => name.startsWith('INVEPT')),
      ),
      meanOf(one.fills?.before ?? []),
      meanOf(one.fills?.after ?? []),
    ];
  });
  const digits = 1;
  return {
    id: 'breakdown',
    title: `For each shootdown with ${TARGETS} targets`,
    columns: [
      { name: 'scheme' },
      { name: 'VMs' },
      { name: 'pages' },
      { name: 'shootdowns' },
      { name: 'exits', digits },
      { name: 'WRMSR', digits },
      { name: 'interrupt', digits },
      { name: 'VMCALL', digits },
      { name: 'PAUSE', digits },
      { name: 'IPIs', digits },
      { name: 'INVLPG', digits },
      { name: 'CR3, INVPCID', digits },
      { name: 'INVVPID address', digits },
      { name: 'INVVPID context', digits },
      { name: 'INVEPT', digits },
      { name: 'fills before', digits },
      { name: 'fills after', digits },
    ],
    rows,
  };
}

function checks(results: ResultSet) {
  const at = (scheme: string, vms: number, pages: number): Measurement | undefined => results.where({ scheme, vms, pages }).measurements[0];
  const [native, shoot4u] = [at('ipi', 1, 1), at('shoot4u', 1, 1)];
  const [onePage, manyPages] = [at('shoot4u', 1, 1), at('shoot4u', 1, 64)];
  return [
    check(
      'native leaves the guest for each target, Shoot4U once',
      `alone, one page: native has at least ${TARGETS} WRMSR exits for each shootdown; Shoot4U one VMCALL and less than one WRMSR`,
      native !== undefined && shoot4u !== undefined,
      () =>
        each(native!, native!.counts.exits['WRMSR'] ?? 0) >= TARGETS &&
        Math.abs(each(shoot4u!, shoot4u!.counts.exits['VMCALL'] ?? 0) - 1) < 0.1 &&
        each(shoot4u!, shoot4u!.counts.exits['WRMSR'] ?? 0) < 1,
      () =>
        `native ${each(native!, native!.counts.exits['WRMSR'] ?? 0).toFixed(1)} WRMSR; Shoot4U ${each(shoot4u!, shoot4u!.counts.exits['VMCALL'] ?? 0).toFixed(2)} VMCALL`,
    ),
    check(
      'Shoot4U sends a host IPI to each target',
      `alone, one page: between ${TARGETS} and ${TARGETS + 1} IPIs for each shootdown`,
      shoot4u !== undefined,
      () => each(shoot4u!, shoot4u!.counts.ipis) > TARGETS - 0.5 && each(shoot4u!, shoot4u!.counts.ipis) < TARGETS + 1,
      () => `${each(shoot4u!, shoot4u!.counts.ipis).toFixed(2)}`,
    ),
    check(
      'flushing everything makes the targets walk again',
      'Shoot4U: above 33 pages the whole context goes, and refills after a shootdown are at least three times those after one page',
      onePage !== undefined && manyPages !== undefined,
      () => refillsEach(manyPages!) > 3 * Math.max(refillsEach(onePage!), 1),
      () => `${refillsEach(onePage!).toFixed(1)} for one page, ${refillsEach(manyPages!).toFixed(1)} for 64`,
    ),
  ];
}

function evidence(results: ResultSet, what: string, value: (one: Measurement) => number): string {
  const alone = results
    .where({ vms: 1, pages: 1 })
    .entries.map(({ point, measurement }) => `${point.labels['scheme']} ${value(measurement).toFixed(1)}`);
  return `${what}, one VM, one page: ${alone.join(', ')}`;
}
