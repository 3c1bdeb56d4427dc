import type { Scale } from '../experiment.ts';
import type { Datum, Figure } from '../findings.ts';
import { distributionChart, lineChart } from '../report/charts.ts';
import type { ResultSet } from '../resultSet.ts';
import { distributionSteps, estimate, quantile } from '../statistics.ts';
import { latenciesMicros, meanLatency, medianLatency } from './latencyOf.ts';
import { latencySizes } from './latencySetup.ts';
import { modelRows } from './latencyTables.ts';
import { meanLongestWait } from './waitModel.ts';

const STEPS = 200;
const NO_NUMBER = 'none that is certain';
const SCHEME = { field: 'scheme', title: 'scheme' };

export function latencyFigures(results: ResultSet, scale: Scale): Figure[] {
  const { slice } = latencySizes(scale);
  return [distributions(results, slice), model(results), slices(results), targets(results), pages(results)];
}

function distributions(results: ResultSet, slice: number): Figure {
  const data: Datum[] = [];
  const tail: string[] = [];
  for (const [vms, ofVms] of results.where({ sweep: 'overcommit' }).by('vms')) {
    for (const [scheme, group] of ofVms.by('scheme')) {
      const all = group.measurements.flatMap(latenciesMicros);
      const ratio = `${vms} ${vms === 1 ? 'VM' : 'VMs'} on the cores of one`;
      for (const step of distributionSteps(all, STEPS)) data.push({ ...step, scheme, ratio });
      if (vms === 2) tail.push(`${scheme} ${formatMicros(quantile(all, 0.99))}`);
    }
  }
  return {
    id: 'latency-distribution',
    title: `Distribution of shootdown latency, 11 targets, slices of ${slice} ms`,
    shape:
      'native: microseconds alone; with two VMs a heavy tail up to the slice. kvmtlb: near its value alone, with a thin tail. Shoot4U: no tail of milliseconds',
    published: NO_NUMBER,
    measured: `99 % with two VMs: ${tail.join(', ')}`,
    spec: distributionChart(data, { value: 'latency, µs', share: 'share of shootdowns not longer' }, SCHEME, 'ratio'),
  };
}

function model(results: ResultSet): Figure {
  const rows = modelRows(results);
  const measured: Datum[] = rows.map(({ vms, slice, k, mean, low, high }) => ({
    k,
    share: mean / slice,
    low: low / slice,
    high: high / slice,
    series: `measured, T = ${slice} ms`,
    ratio: `${vms} VMs`,
  }));
  const ratios = [...new Set(rows.map(({ vms }) => vms))];
  const expected: Datum[] = ratios.flatMap((vms) =>
    Array.from({ length: 11 }, (_, index) => ({
      k: index + 1,
      share: meanLongestWait({ vms, slice: 1 }, index + 1),
      low: null,
      high: null,
      series: 'model',
      ratio: `${vms} VMs`,
    })),
  );
  const worst = rows.reduce((most, { ratio }) => Math.max(most, Math.abs(ratio - 1)), 0);
  return {
    id: 'latency-model',
    title: 'Native shootdown: mean latency as a share of the slice',
    shape: 'E[max] = T (1 − 2 (1 − 2^−(k+1)) / (k+1)) for two VMs: derived, not published',
    published: NO_NUMBER,
    measured: `largest distance from the model ${(100 * worst).toFixed(1)} %`,
    spec: lineChart(
      [...expected, ...measured],
      { field: 'k', title: 'targets k', format: 'd' },
      { field: 'share', title: 'mean latency / slice T', format: '.1f' },
      { field: 'series', title: '' },
      'ratio',
    ),
  };
}

function slices(results: ResultSet): Figure {
  const data = sweepData(results, 'slice', meanLatency);
  return {
    id: 'latency-slice',
    title: 'Mean latency over the slice, two VMs, 11 targets',
    shape: 'native grows with the slice; Shoot4U does not, but for the initiator’s own absences',
    published: NO_NUMBER,
    measured: ends(data, 'slice', 'ms'),
    spec: lineChart(data, { field: 'slice', title: 'slice, ms' }, { field: 'value', title: 'mean latency, µs', log: true }, SCHEME),
  };
}

function targets(results: ResultSet): Figure {
  const data = sweepData(results, 'k', medianLatency, 'targets');
  return {
    id: 'latency-targets',
    title: 'Median latency over the number of targets, one VM alone',
    shape: 'Shoot4U as published goes from target to target: linear',
    published: NO_NUMBER,
    measured: ends(data, 'k', 'targets'),
    spec: lineChart(data, { field: 'k', title: 'targets k', format: 'd' }, { field: 'value', title: 'median latency, µs' }, SCHEME),
  };
}

function pages(results: ResultSet): Figure {
  const data = sweepData(results, 'pages', medianLatency);
  return {
    id: 'latency-pages',
    title: 'Median latency over the number of pages, one VM alone, 11 targets',
    shape: 'page by page up to 33 pages, everything at once above (Linux’s ceiling)',
    published: NO_NUMBER,
    measured: ends(data, 'pages', 'pages'),
    spec: lineChart(data, { field: 'pages', title: 'pages', format: 'd' }, { field: 'value', title: 'median latency, µs' }, SCHEME),
  };
}

/** The value of each scheme at each setting of a sweep, with its interval where there are several seeds. */
function sweepData(results: ResultSet, label: string, of: typeof meanLatency, sweep: string = label): Datum[] {
  const data: Datum[] = [];
  for (const [scheme, ofScheme] of results.where({ sweep }).by('scheme')) {
    for (const [value, group] of ofScheme.by(label)) {
      const { mean, low, high } = estimate(group.values(of).filter(Number.isFinite));
      const shown = Number.isFinite(low) ? { low: Math.max(low, mean / 100), high } : { low: null, high: null };
      data.push({ scheme, [label]: value, value: mean, ...shown });
    }
  }
  return data;
}

/** The value of each scheme at the ends of the sweep. */
function ends(data: readonly Datum[], label: string, unit: string): string {
  return [...new Set(data.map(({ scheme }) => scheme))]
    .map((scheme) => {
      const own = data.filter((datum) => datum['scheme'] === scheme);
      const [first, last] = [own[0]!, own.at(-1)!];
      return `${scheme} ${formatMicros(Number(first['value']))} (${first[label]} ${unit}) to ${formatMicros(Number(last['value']))} (${last[label]} ${unit})`;
    })
    .join('; ');
}

export const formatMicros = (micros: number): string => (micros >= 1000 ? `${(micros / 1000).toFixed(2)} ms` : `${micros.toFixed(1)} µs`);
