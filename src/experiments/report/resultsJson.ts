import type { ExperimentRun } from '../runExperiment.ts';
import { pointMetrics } from './pointMetrics.ts';

/** Everything that was found, for programs: a function of experiment, scale and program, whatever the number of jobs was. */
export function resultsJson({ experiment, scale, version, results, failed, missing, findings }: ExperimentRun): string {
  const { name, doc, facts } = experiment;
  const value = {
    experiment: name,
    doc,
    scale,
    program: version,
    facts,
    headlines: findings.headlines,
    checks: findings.checks,
    tables: findings.tables,
    figures: findings.figures.map(({ spec: _spec, ...figure }) => figure),
    notes: findings.notes,
    points: results.entries.map(({ point, measurement }) => ({ labels: point.labels, run: point.run, metrics: pointMetrics(measurement) })),
    failed,
    missing,
  };
  return `${JSON.stringify(value, undefined, 1)}\n`;
}
