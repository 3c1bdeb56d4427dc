import type { Measurement } from '../measurement.ts';
import { meanOf, quantile } from '../statistics.ts';

/** The numbers of one point that go into tables for other programs: units are in the names, null is what there is not. */
export function pointMetrics(measurement: Measurement): Record<string, number | null> {
  const { stats, begin, end, shootdowns, counts, fills } = measurement;
  const latencies = shootdowns.map((one) => one.end - one.begin);
  const some = (value: number): number | null => (latencies.length === 0 ? null : value);
  return {
    measuredCycles: begin === null || end === null ? null : end - begin,
    cycles: stats.cycles,
    instructions: stats.instructions,
    shootdowns: latencies.length,
    latencyMinCycles: some(quantile(latencies, 0)),
    latencyMedianCycles: some(quantile(latencies, 0.5)),
    latencyMeanCycles: some(meanOf(latencies)),
    latencyP99Cycles: some(quantile(latencies, 0.99)),
    latencyMaxCycles: some(quantile(latencies, 1)),
    shootdownsDescheduled: shootdowns.filter((one) => one.descheduled > 0).length,
    ipis: counts.ipis,
    fillsAfter: fills === null || fills.after.length === 0 ? null : meanOf(fills.after),
    fillsBefore: fills === null || fills.before.length === 0 ? null : meanOf(fills.before),
    ...prefixed('exits', counts.exits),
    ...prefixed('invalidations', counts.invalidations),
    ...prefixed('figure', measurement.figures),
  };
}

const prefixed = (prefix: string, record: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [`${prefix} ${name}`, value]));
