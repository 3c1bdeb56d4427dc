/**
 * `npm run bench -- [--seconds S] [--engine NAME]… [--only ID,…] [--no-peers] [--no-figures] [--compare [--with COMMIT|FILE]] [--save] [--json FILE]`
 *
 * Measures every kernel on every engine and every installed peer, in one run on one machine, and prints rates and ratios. A short run first checks
 * that all agree on the checksum. `--save` appends the report to bench/history.jsonl, `--compare` compares with an earlier one. Exit status 1
 * when checksums disagree. See docs/bench.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { endWithUsage, toolOptions } from '../scripts/toolOptions.ts';
import { ENGINES, type EngineName } from '../src/cpu/engines/registry.ts';
import { bochsPeers } from './bochs.ts';
import { engineFigures } from './figures.ts';
import { appendHistory, earlierReport } from './history.ts';
import { BENCH_CASES, type BenchCase } from './kernels.ts';
import { type Measurement, measureFor } from './measurement.ts';
import type { Peer } from './peer.ts';
import { qemuPeers } from './qemu.ts';
import {
  type BenchReport,
  type CaseResult,
  comparisonTable,
  engineTable,
  type Figures,
  figuresTable,
  type Results,
  ratesTable,
} from './report.ts';
import { runWorker } from './runWorker.ts';
import { scalingOf } from './scaling.ts';
import { v86Peers } from './v86/v86.ts';

const LATEST = 'bench/results/latest.json';

const values = toolOptions('npm run bench --', 'Every kernel on every engine and every installed peer: rates and ratios.', {
  seconds: { kind: 'number', fraction: true, doc: 'for each measurement (1)' },
  engine: { kind: 'list', choices: ENGINES, doc: 'engines to measure (all)' },
  only: { kind: 'text', doc: 'kernels to measure, by their ids with commas between them (all)' },
  'no-peers': { kind: 'flag', doc: 'no other emulators' },
  'no-figures': { kind: 'flag', doc: 'rates of the kernels only' },
  compare: { kind: 'flag', doc: 'show the ratio to an earlier report, too' },
  with: { kind: 'text', doc: 'that report: a commit of the history, or a file (the last one)' },
  save: { kind: 'flag', doc: 'append the report to bench/history.jsonl' },
  json: { kind: 'text', doc: `where the report goes (${LATEST})` },
});
const { seconds = 1, json = LATEST } = values;
/** The reference first: the others are checked against it. */
const engines: EngineName[] = ENGINES.filter((name) => values.engine === undefined || values.engine.includes(name)).sort(
  (a, b) => Number(b === 'reference') - Number(a === 'reference'),
);
const only = values.only?.split(',');
for (const id of only ?? [])
  if (!BENCH_CASES.some((one) => one.id === id))
    endWithUsage(`--only: there is no '${id}'; there is ${BENCH_CASES.map((one) => one.id).join(', ')}`);
const cases = BENCH_CASES.filter(({ id }) => only === undefined || only.includes(id));
const peers = values['no-peers'] ? [] : [...qemuPeers(), ...bochsPeers(), ...v86Peers()];
const results: Results = {};
const disagreements: string[] = [];
for (const name of [...engines, ...peers.map((peer) => peer.name)]) results[name] = {};

for (const one of cases) await measureCase(one);
const figures: Figures = {};
const scaling: Figures = {};
if (!values['no-figures']) {
  for (const engine of engines.toReversed()) {
    note(`figures of ${engine}`);
    figures[engine] = await engineFigures(engine, seconds * 2);
    scaling[engine] = await scalingOf(engine, seconds);
  }
}
const report: BenchReport = {
  date: new Date().toISOString(),
  node: process.versions.node,
  processor: cpus()[0]?.model ?? 'unknown',
  commit: commit(),
  peers: Object.fromEntries(peers.map(({ name, version }) => [name, version])),
  results,
  figures,
  scaling,
  disagreements,
};
note('');
console.log(ratesTable(report));
console.log(`\n${engineTable(report)}`);
if (!values['no-figures']) {
  console.log(`\n${figuresTable('figures', figures)}`);
  console.log(`\n${figuresTable('scaling', scaling)}`);
}
const before = values.compare ? earlierReport(values.with ?? '', report) : undefined;
if (values.compare) console.log(before === undefined ? '\nnothing to compare with' : `\n${comparisonTable(report, before)}`);
mkdirSync(dirname(json), { recursive: true });
writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
if (values.save) appendHistory(report);
for (const line of disagreements) console.error(line);
process.exitCode = disagreements.length > 0 ? 1 : 0;

async function measureCase(one: BenchCase): Promise<void> {
  const { id, guest, cores, check } = one;
  const params = {};
  let expected: Measurement | undefined;
  let perIteration: number | undefined;
  let blocksPerIteration: number | undefined;
  for (const engine of engines) {
    note(`${guest} on ${engine}`);
    const run = { guest, engine, cores, params };
    try {
      const checked = await runWorker({ kind: 'check', run, iterations: check });
      if (expected === undefined) {
        expected = checked;
        const twice = await runWorker({ kind: 'check', run, iterations: check * 2 });
        if (!one.waits) {
          perIteration = (twice.instructions! - checked.instructions!) / check;
          const [blocks, more] = [checked, twice].map(({ statistics }) => statistics['blocks']);
          // Blocks are architectural: what one engine counts, every engine has executed.
          if (blocks !== undefined && more !== undefined) blocksPerIteration = (more - blocks) / check;
        }
      } else if (checked.checksum !== expected.checksum || checked.instructions !== expected.instructions) {
        disagreements.push(
          `${guest}: ${engine} has ${checked.checksum} after ${checked.instructions} instructions, not ${expected.checksum} after ${expected.instructions}`,
        );
      }
      results[engine]![id] = resultOf(await runWorker({ kind: 'time', run, first: check, seconds }), blocksPerIteration);
    } catch (error) {
      disagreements.push(`${guest}: ${engine} failed: ${error instanceof Error ? error.message : error}`);
    }
  }
  if (!one.portable) return;
  for (const peer of peers) {
    if (peer.runs?.(guest, cores) === false) continue;
    note(`${guest} on ${peer.name}`);
    try {
      const checked = await peer.run(guest, cores, check);
      if (expected !== undefined && !agrees(checked.checksum, expected.checksum, peer)) {
        disagreements.push(`${guest}: ${peer.name} has ${checked.checksum}, not ${expected.checksum}`);
      }
      results[peer.name]![id] = peerResult(await timePeer(peer, one), perIteration);
    } catch (error) {
      note(`no result: ${error instanceof Error ? error.message : error}`);
    }
  }
}

function timePeer(peer: Peer, { guest, cores, check }: BenchCase): Promise<Measurement> {
  return measureFor(seconds, check * 10, (iterations) => peer.run(guest, cores, iterations));
}

function resultOf(measurement: Measurement, blocksPerIteration: number | undefined): CaseResult {
  const { iterations, instructions, cycles, seconds: host, checksum, statistics } = measurement;
  const { compileMilliseconds, slowAccesses, regionCalls } = statistics;
  const perThousand = (count: number | undefined) => (count === undefined ? undefined : (count / instructions!) * 1000);
  return {
    instructionsPerSecond: instructions! / host,
    iterationsPerSecond: iterations / host,
    cyclesPerSecond: cycles! / host,
    checksum,
    nanosecondsPerBlock: blocksPerIteration === undefined ? undefined : (host * 1e9) / (iterations * blocksPerIteration),
    compileMilliseconds,
    compileShare: compileMilliseconds === undefined ? undefined : compileMilliseconds / 1000 / host,
    slowPerThousand: perThousand(slowAccesses),
    entriesPerThousand: perThousand(regionCalls),
  };
}

function agrees(checksum: string, expected: string, { narrow }: Peer): boolean {
  const bits = narrow === true ? 32 : 64;
  return BigInt.asUintN(bits, BigInt(checksum)) === BigInt.asUintN(bits, BigInt(expected));
}

/** A peer that does not count: its instructions follow from the iterations, as an engine counted them. */
function peerResult({ iterations, instructions, seconds: host, checksum }: Measurement, perIteration: number | undefined): CaseResult {
  const counted = instructions ?? (perIteration === undefined ? undefined : iterations * perIteration);
  return {
    instructionsPerSecond: counted === undefined ? undefined : counted / host,
    iterationsPerSecond: iterations / host,
    cyclesPerSecond: undefined,
    checksum,
    nanosecondsPerBlock: undefined,
    compileMilliseconds: undefined,
    compileShare: undefined,
    slowPerThousand: undefined,
    entriesPerThousand: undefined,
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function note(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '') process.stderr.write(`${text}\n`);
}
