import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Figure } from '../../../src/experiments/findings.ts';
import { barChart, distributionChart, heatmap, lineChart } from '../../../src/experiments/report/charts.ts';
import { modelDeviations } from '../../../src/experiments/report/deviations.ts';
import { renderChart } from '../../../src/experiments/report/renderChart.ts';
import { textReport } from '../../../src/experiments/report/textReport.ts';
import { writeReport } from '../../../src/experiments/report/writeReport.ts';
import { ResultSet } from '../../../src/experiments/resultSet.ts';
import type { ExperimentRun } from '../../../src/experiments/runExperiment.ts';
import { experimentOf, measurementOf, point, shootdownOf } from '../synthetic.ts';
import { assertWellFormed } from './wellFormed.ts';

const folder = mkdtempSync(join(tmpdir(), 'parapet-report-'));
afterAll(() => rmSync(folder, { recursive: true }));
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

const points = [point({ n: 1, name: 'a "quoted", one' }), point({ n: 2, name: 'b' })];
const results = new ResultSet(points.map((one, index) => ({ point: one, measurement: measurementOf([shootdownOf(index + 1)]) })));
const experiment = experimentOf(points, 3);
const run: ExperimentRun = {
  experiment,
  scale: 'quick',
  version: 'f'.repeat(64),
  results,
  failed: [{ labels: { n: 3 }, reason: 'no <memory>' }],
  missing: 1,
  resumed: 0,
  findings: experiment.reduce(results, 'quick'),
};

describe('a report', () => {
  beforeAll(() => writeReport(run, folder));

  test('is these files, all of them whole', () => {
    expect(readdirSync(folder).sort()).toEqual(['firsts.svg', 'report.html', 'results.csv', 'results.json']);
  });

  test('is a page that needs nothing but itself', () => {
    const html = read('report.html');
    expect(html).not.toMatch(/https?:|\bsrc=|\bhref=|@import|url\((?!#)|<script/i);
    expect(html).toContain('<svg');
    assertWellFormed(html.replace(/<meta[^>]*>/, ''));
  });

  test('says what is published, how sure that is, what came out, and where the model departs from hardware', () => {
    const html = read('report.html');
    for (const text of [
      '64 % (found)',
      'a &quot;fact&quot;',
      'recalled',
      'no &lt;memory&gt;',
      '1 runs were not made',
      'for tests &lt;only&gt; &amp;',
    ])
      expect(html).toContain(text);
    for (const { title, deviations } of modelDeviations()) expect(html).toContain(`${title} (${deviations.length})`);
    expect(modelDeviations().flatMap(({ deviations }) => deviations).length).toBeGreaterThan(20);
  });

  test('has its figures as SVG documents of their own', () => {
    const svg = read('firsts.svg');
    assertWellFormed(svg);
    expect(svg).toMatch(/^<svg [^>]*xmlns="/);
  });

  test('has its numbers as JSON and as one line of CSV for each point', () => {
    const { experiment: name, points: of, checks, failed } = JSON.parse(read('results.json')) as Record<string, never>;
    expect({ name, checks, failed }).toEqual({ name: 'synthetic', checks: run.findings.checks, failed: run.failed });
    expect(of).toHaveLength(2);
    const [head, ...lines] = read('results.csv').trimEnd().split('\r\n');
    expect(head).toMatch(/^n,name,measuredCycles,/);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^1,"a ""quoted"", one",2600000000,/);
  });

  test('is text, too', () => {
    const text = textReport(run);
    for (const part of ['holds  sum: 3', 'total: published 64 % [found], here 3', '1 runs failed:', 'n=3: no <memory>', '  one   1.0'])
      expect(text).toContain(part);
  });
});

describe('charts', () => {
  const data = [1, 10, 100].flatMap((x) =>
    ['a', 'b'].map((series) => ({ x, value: 2 * x, share: 0.5, low: x, high: 3 * x, series, word: `<${series}>` })),
  );
  const series = { field: 'series', title: 'which' };
  const x = { field: 'x', title: 'x & more', log: true };
  const y = { field: 'value', title: 'y' };
  test.each<[string, Figure['spec']]>([
    ['lines', lineChart(data, x, y, series)],
    ['lines apart', lineChart(data, x, y, series, 'series')],
    ['distributions', distributionChart(data, { value: 'µs', share: 'share' }, series, 'series')],
    ['bars', barChart(data, { field: 'x', title: 'x' }, y, series)],
    ['bars on each other', barChart(data, { field: 'x', title: 'x' }, y, series, { stacked: true, facet: 'series' })],
    ['a table', heatmap(data, { column: 'x', row: 'series', text: 'word', colour: { field: 'series', title: '', nominal: true } })],
    [
      'a table by value',
      heatmap(data, { column: 'x', row: 'series', text: 'word', colour: { field: 'value', title: 'v', nominal: false } }, 'word'),
    ],
  ])('%s are drawn, well-formed, and the same each time', async (_name, spec) => {
    const svg = await renderChart({ spec });
    assertWellFormed(svg);
    expect(svg).toContain('mark-');
    expect(await renderChart({ spec })).toBe(svg);
  });

  test('the judge of well-formedness is one', () => {
    for (const bad of ['<a><b></a></b>', '<a>', '<a x=1></a>', '<a>&</a>', '</a>']) expect(() => assertWellFormed(bad)).toThrow();
  });
});
