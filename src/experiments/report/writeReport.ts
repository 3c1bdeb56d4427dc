import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExperimentRun } from '../runExperiment.ts';
import { htmlReport } from './htmlReport.ts';
import { renderChart } from './renderChart.ts';
import { resultsCsv } from './resultsCsv.ts';
import { resultsJson } from './resultsJson.ts';

/** The directory has `results.json`, `results.csv`, an SVG for each figure, and `report.html`; each of them whole. */
export async function writeReport(run: ExperimentRun, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, content: string): void => {
    writeFileSync(join(directory, `.${name}.partial`), content);
    renameSync(join(directory, `.${name}.partial`), join(directory, name));
  };
  const charts: string[] = [];
  for (const figure of run.findings.figures) {
    const chart = await renderChart(figure);
    charts.push(chart);
    write(`${figure.id}.svg`, chart);
  }
  write('results.json', resultsJson(run));
  write('results.csv', resultsCsv(run.results));
  write('report.html', htmlReport(run, charts));
}
