import type { Scale } from '../experiment.ts';
import type { Cell, Table } from '../findings.ts';
import type { ResultSet } from '../resultSet.ts';
import { estimate, meanOf, quantile } from '../statistics.ts';
import { latenciesMicros, meanLatency } from './latencyOf.ts';
import { latencySizes } from './latencySetup.ts';
import { meanLongestWait, meanOwnLatency } from './waitModel.ts';

/** A row of the check against the first-order model. Times in milliseconds. */
export interface ModelRow {
  readonly vms: number;
  readonly k: number;
  readonly slice: number;
  readonly expected: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly samples: number;
  /** Measured over expected. */
  readonly ratio: number;
}

export function modelRows(results: ResultSet): ModelRow[] {
  const rows: ModelRow[] = [];
  for (const [vms, ofVms] of results.where({ sweep: 'model' }).by('vms')) {
    for (const [slice, ofSlice] of ofVms.by('slice')) {
      for (const [k, group] of ofSlice.by('k')) {
        const { mean, low, high } = estimate(group.values((one) => meanLatency(one) / 1000).filter(Number.isFinite));
        const expected = meanLongestWait({ vms: Number(vms), slice: Number(slice) }, Number(k));
        const samples = group.measurements.reduce((sum, { shootdowns }) => sum + shootdowns.length, 0);
        rows.push({ vms: Number(vms), k: Number(k), slice: Number(slice), expected, mean, low, high, samples, ratio: mean / expected });
      }
    }
  }
  return rows.sort((a, b) => a.vms - b.vms || a.slice - b.slice || a.k - b.k);
}

export function latencyTables(results: ResultSet, scale: Scale): Table[] {
  return [modelTable(results), overcommitTable(results, scale)];
}

function modelTable(results: ResultSet): Table {
  return {
    id: 'model',
    title: 'Native shootdown against the first-order model: mean latency in ms, initiator undisturbed',
    columns: [
      { name: 'VMs' },
      { name: 'slice, ms' },
      { name: 'targets' },
      { name: 'model', digits: 3 },
      { name: 'measured', digits: 3 },
      { name: 'from', digits: 3 },
      { name: 'to', digits: 3 },
      { name: 'measured / model', digits: 3 },
      { name: 'samples' },
    ],
    rows: modelRows(results).map(({ vms, slice, k, expected, mean, low, high, ratio, samples }) => [
      vms,
      slice,
      k,
      expected,
      mean,
      low,
      high,
      ratio,
      samples,
    ]),
  };
}

/** All numbers in µs. */
function overcommitTable(results: ResultSet, scale: Scale): Table {
  const { slice } = latencySizes(scale);
  const rows: Cell[][] = [];
  for (const [scheme, ofScheme] of results.where({ sweep: 'overcommit' }).by('scheme')) {
    for (const [vms, group] of ofScheme.by('vms')) {
      const all = group.measurements.flatMap(latenciesMicros);
      const lost = group.measurements.reduce(
        (sum, { shootdowns }) => sum + shootdowns.filter(({ descheduled }) => descheduled > 0).length,
        0,
      );
      const model = scheme === 'ipi' ? meanOwnLatency({ vms: Number(vms), slice: slice * 1000 }, 11) : null;
      const numbers = [0.5, 0.9, 0.99, 1].map((share) => quantile(all, share));
      rows.push([String(scheme), Number(vms), all.length, meanOf(all), ...numbers, (100 * lost) / all.length, model]);
    }
  }
  const names = ['mean', 'median', '90 %', '99 %', 'longest'].map((name) => ({ name, digits: 1 }));
  return {
    id: 'overcommit',
    title: `Latency in µs with 11 targets, one page, slices of ${slice} ms`,
    columns: [
      { name: 'scheme' },
      { name: 'VMs' },
      { name: 'samples' },
      ...names,
      { name: 'initiator descheduled, %', digits: 1 },
      { name: 'model of the mean', digits: 1 },
    ],
    rows,
  };
}
