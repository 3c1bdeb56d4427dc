import { SCHEDULERS } from '../../vmm/schedulers/registry.ts';
import { check } from '../check.ts';
import type { Experiment, Findings, Point, Scale } from '../experiment.ts';
import type { Cell, Datum } from '../findings.ts';
import { barChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { schemesPresent, seeds } from '../runSettings.ts';
import { estimate, meanOf, quantile } from '../statistics.ts';
import { KVMTLB_FACT, SERIAL_FACT, SETUP_FACT } from './facts.ts';
import { formatMicros } from './latencyFigures.ts';
import { latenciesMicros, meanLatency } from './latencyOf.ts';
import { LATENCY_SCHEMES } from './latencySetup.ts';
import { shootdownPoint } from './shootdownPoint.ts';

const SIZES = {
  full: { seconds: 1, seeds: 3, slice: 12, schemes: LATENCY_SCHEMES as readonly string[] },
  quick: { seconds: 0.1, seeds: 2, slice: 3, schemes: ['ipi', 'kvmtlb', 'shoot4u', 'hyperv'] },
} as const;
const TARGETS = 11;

/** What the VMM's scheduler does to shootdowns: two VMs on the cores of one, under every scheduler. */
export const shootdownSchedulers: Experiment = {
  name: 'shootdown-schedulers',
  doc: 'shootdown latency of each scheme under each scheduler of the VMM, two VMs on the cores of one',
  facts: [SERIAL_FACT, KVMTLB_FACT, SETUP_FACT],
  points,
  reduce,
};

function points(scale: Scale): readonly Point[] {
  const { seconds, slice, schemes, seeds: count } = SIZES[scale];
  const base = { targets: TARGETS, pages: 1, vms: 2, slice: slice * 1e-3, undisturbed: false };
  return [...SCHEDULERS.keys()].flatMap((scheduler) =>
    schemesPresent(schemes).flatMap((scheme) =>
      seeds(count).map((seed) => shootdownPoint({ scheduler, scheme }, { ...base, scheduler, scheme, seed }, seconds)),
    ),
  );
}

function reduce(results: ResultSet, scale: Scale): Findings {
  const { slice } = SIZES[scale];
  const rows: Cell[][] = [];
  const data: Datum[] = [];
  for (const [scheduler, ofScheduler] of results.by('scheduler')) {
    for (const [scheme, group] of ofScheduler.by('scheme')) {
      const all = group.measurements.flatMap(latenciesMicros);
      const { mean, low, high } = estimate(group.values(meanLatency).filter(Number.isFinite));
      const lost = group.measurements.flatMap(({ shootdowns }) => shootdowns).filter(({ descheduled }) => descheduled > 0).length;
      const numbers = [mean, low, high, quantile(all, 0.5), quantile(all, 0.99), quantile(all, 1), (100 * lost) / all.length];
      rows.push([String(scheduler), String(scheme), all.length, ...numbers]);
      data.push({ scheduler, scheme, value: mean });
    }
  }
  const worst = (scheduler: string, scheme: string): number =>
    quantile(results.where({ scheduler, scheme }).measurements.flatMap(latenciesMicros), 0.99);
  const medians = [...results.where({ scheme: 'shoot4u' }).by('scheduler')].map(
    ([scheduler, group]) => [scheduler, quantile(group.measurements.flatMap(latenciesMicros), 0.5)] as const,
  );
  const native = (scheduler: string): number => meanOf(results.where({ scheduler, scheme: 'ipi' }).values(meanLatency));
  return {
    headlines: [],
    figures: [
      {
        id: 'schedulers',
        title: `Mean shootdown latency by scheduler, two VMs, ${TARGETS} targets, slices of ${slice} ms`,
        shape:
          'published as a combination of measures, without numbers: co-scheduling keeps targets on their cores, so native shootdowns need not wait',
        published: 'none that is certain',
        measured: data.map(({ scheduler, scheme, value }) => `${scheme} under ${scheduler} ${formatMicros(Number(value))}`).join('; '),
        spec: barChart(
          data,
          { field: 'scheduler', title: 'scheduler' },
          { field: 'value', title: 'mean latency, µs', log: true },
          { field: 'scheme', title: 'scheme' },
        ),
      },
    ],
    tables: [
      {
        id: 'schedulers',
        title: 'Latency in µs',
        columns: [
          { name: 'scheduler' },
          { name: 'scheme' },
          { name: 'samples' },
          ...['mean', 'from', 'to', 'median', '99 %', 'longest'].map((name) => ({ name, digits: 1 })),
          { name: 'initiator descheduled, %', digits: 1 },
        ],
        rows,
      },
    ],
    checks: [
      check(
        'taking turns without regard of siblings makes native wait',
        'round-robin: 99 % of native shootdowns longer than a tenth of a slice',
        Number.isFinite(worst('round-robin', 'ipi')),
        () => worst('round-robin', 'ipi') > slice * 100,
        () => `99 %: ${formatMicros(worst('round-robin', 'ipi'))}`,
      ),
      check(
        'co-scheduling helps native',
        'gang: mean native latency below a third of round-robin’s',
        Number.isFinite(native('gang')) && Number.isFinite(native('round-robin')),
        () => native('gang') < native('round-robin') / 3,
        () => `gang ${formatMicros(native('gang'))}, round-robin ${formatMicros(native('round-robin'))}`,
      ),
      check(
        'Shoot4U does not depend on the scheduler',
        'median of Shoot4U under every scheduler within 25 % of round-robin’s',
        medians.length > 1,
        () => medians.every(([, median]) => Math.abs(median / medians[0]![1] - 1) <= 0.25),
        () => medians.map(([scheduler, median]) => `${scheduler}: ${formatMicros(median)}`).join('; '),
      ),
    ],
    notes: ['Runs as in shootdown-latency; every vCPU always wants to run, so a scheduler that rewards sleepers has none to reward.'],
  };
}
