import type { Figure, Table } from '../findings.ts';
import { describeLabels, type ExperimentRun } from '../runExperiment.ts';
import { cellText } from './cellText.ts';
import { type DeviationGroup, modelDeviations } from './deviations.ts';

const STYLE = `
body { font: 15px/1.5 Helvetica, Arial, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ddd }
table { border-collapse: collapse; font-size: 13px; margin: .6rem 0 } td, th { padding: .2rem .7rem; border-bottom: 1px solid #eee; text-align: right }
th { font-weight: normal; color: #555; border-bottom: 1px solid #999 } .text { text-align: left }
figure { margin: 1rem 0; display: grid; gap: .4rem } figure svg { max-width: 100%; height: auto }
dl { display: grid; grid-template-columns: max-content auto; gap: .1rem 1rem; font-size: 13px; margin: 0 } dt { color: #555 } dd { margin: 0 }
.holds { color: #06703c } .fails { color: #b00020; font-weight: bold } .not-measured { color: #777 } .faint { color: #777; font-size: 13px }
details li { font-size: 13px }`;

/** The whole report as one page that needs nothing but itself. @param charts SVG documents, one for each figure, in order. */
export function htmlReport(run: ExperimentRun, charts: readonly string[]): string {
  const { experiment, scale, version, findings, results, failed, missing } = run;
  const parts = [
    `<h1>${text(experiment.name)}</h1><p>${text(experiment.doc)}</p>`,
    `<p class="faint">${results.entries.length} runs (${scale}), program ${version.slice(0, 12)}. Intervals are Student’s t, 95 %, over seeds.</p>`,
    section('Shape', checkTable(run)),
    findings.headlines.length === 0 ? '' : section('Beside the paper', headlineTable(run)),
    ...findings.figures.map((figure, index) => figureBlock(figure, charts[index] ?? '')),
    ...findings.tables.map((table) => section(table.title, tableBlock(table))),
    findings.notes.length === 0 ? '' : section('Notes', list(findings.notes)),
    failed.length + missing === 0 ? '' : section('Not measured', failures(run)),
    section('What is published', factTable(run)),
    section('Where the model departs from hardware', modelDeviations().map(deviationBlock).join('\n')),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Parapet: ${text(experiment.name)}</title><style>${STYLE}</style></head>
<body>
${parts.filter((part) => part !== '').join('\n')}
</body></html>
`;
}

const section = (title: string, body: string): string => `<h2>${text(title)}</h2>\n${body}`;

function checkTable({ findings }: ExperimentRun): string {
  const rows = findings.checks.map(
    ({ name, expectation, verdict, evidence }) =>
      `<tr><td class="text ${verdict.replace(' ', '-')}">${verdict}</td>${[name, expectation, evidence].map(textCell).join('')}</tr>`,
  );
  return tableOf(['', 'what', 'must hold', 'measured'], rows);
}

function headlineTable({ findings }: ExperimentRun): string {
  const rows = findings.headlines.map(
    ({ what, published, certainty, measured, explanation }) =>
      `<tr>${[what, `${published} (${certainty})`, measured, explanation].map(textCell).join('')}</tr>`,
  );
  return tableOf(['', 'published', 'here', 'why'], rows);
}

function factTable({ experiment }: ExperimentRun): string {
  const rows = experiment.facts.map(
    ({ statement, certainty, source }) => `<tr>${[statement, certainty, source].map(textCell).join('')}</tr>`,
  );
  return tableOf(['statement', 'certainty', 'source'], rows);
}

function figureBlock({ title, shape, published, measured }: Figure, chart: string): string {
  const facts = [
    ['the paper’s shape', shape],
    ['published number', published],
    ['here', measured],
  ] as const;
  return section(
    title,
    `<figure>${inline(chart)}\n<dl>${facts.map(([name, value]) => `<dt>${name}</dt><dd>${text(value)}</dd>`).join('')}</dl></figure>`,
  );
}

function tableBlock({ columns, rows }: Table): string {
  const body = rows.map(
    (row) =>
      `<tr>${row.map((cell, column) => `<td${typeof cell === 'string' ? ' class="text"' : ''}>${text(cellText(cell, columns[column]!))}</td>`).join('')}</tr>`,
  );
  const isText = columns.map((_, column) => rows.every((row) => typeof row[column] === 'string'));
  const heads = columns.map(({ name }, column) => `<th${isText[column] ? ' class="text"' : ''}>${text(name)}</th>`).join('');
  return `<table><tr>${heads}</tr>\n${body.join('\n')}</table>`;
}

const tableOf = (heads: readonly string[], rows: readonly string[]): string =>
  `<table><tr>${heads.map((head) => `<th class="text">${head}</th>`).join('')}</tr>\n${rows.join('\n')}</table>`;

const failures = ({ failed, missing }: ExperimentRun): string =>
  list([
    ...failed.map(({ labels, reason }) => `${describeLabels(labels)}: ${reason}`),
    ...(missing > 0 ? [`${missing} runs were not made`] : []),
  ]);

const deviationBlock = ({ title, deviations }: DeviationGroup): string =>
  `<details><summary>${text(title)} (${deviations.length})</summary>${list(deviations)}</details>`;

const list = (items: readonly string[]): string => `<ul>${items.map((item) => `<li>${text(item)}</li>`).join('')}</ul>`;
const textCell = (value: string): string => `<td class="text">${text(value)}</td>`;

/** Within a page SVG needs no declaration of its namespace, and the page stays free of addresses. */
const inline = (svg: string): string => svg.replace(/ xmlns(:\w+)?="[^"]*"/g, '');

const text = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
