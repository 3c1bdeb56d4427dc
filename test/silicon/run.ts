/**
 * The model against the processor at hand, for long runs.
 * `npm run test:silicon -- --seconds N [--seed S] [--family general|vector|x87|mmx|state] [--form PATTERN] [--engine reference|jit|both] [--size 16|32|64]
 * [--keep-going]`
 *
 * Prints the processor's name, a table by family, and what was left out. A difference is shrunk where that can be, shown, and written to
 * test/regressions/silicon/, where the ordinary suite replays it. Exit status 1 then.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { type Family, type Finding, Tally } from './family.ts';
import { type FamilyOptions, generalFamily } from './generalFamily.ts';
import { processorName } from './processor.ts';
import { vectorFamily } from './vectorFamily.ts';
import { X87_SETS } from './x87Cases.ts';
import { x87Family } from './x87Family.ts';

const REGRESSIONS = 'test/regressions/silicon';
const FAMILIES: Readonly<Record<string, (options: FamilyOptions) => Family | string>> = {
  general: generalFamily,
  vector: vectorFamily,
  ...Object.fromEntries(X87_SETS.map((set) => [set, (options: FamilyOptions): Family | string => x87Family(set, options)])),
};

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    family: { type: 'string' },
    form: { type: 'string', default: '' },
    engine: { type: 'string', default: 'both' },
    size: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
  },
});

const engines = ENGINES.filter((name) => values.engine === 'both' || values.engine === name);
if (engines.length === 0) throw new Error(`no engine '${values.engine}'; there is ${ENGINES.join(', ')} and both`);
const options = { engines, pattern: new RegExp(values.form, 'i'), size: values.size === undefined ? undefined : Number(values.size) };
const families: Family[] = [];
for (const [name, open] of Object.entries(FAMILIES)) {
  if (values.family !== undefined && values.family !== name) continue;
  const family = open(options);
  if (typeof family === 'string') console.log(`test:silicon skips ${name}: ${family}`);
  else families.push(family);
}
if (families.length === 0) process.exit(0);

const first = Number(values.seed ?? Date.now() % 1_000_000_000);
const end = performance.now() + Number(values.seconds) * 1000;
console.log(`processor: ${processorName()}`);
console.log(`seed ${first}, engines ${engines.join(' and ')}`);
for (const { notes } of families) for (const note of notes) console.log(note);

const tally = new Tally();
const shown = new Set<string>();
let stopped = false;
for (let seed = first; performance.now() < end && !stopped; seed++) {
  for (const family of families) {
    for (const finding of family.compare(seed, tally)) {
      show(finding);
      if (stopped) break;
    }
    if (stopped) break;
  }
  if (process.stdout.isTTY) process.stdout.write(`\rseed ${seed}: ${tally.cases} cases, ${tally.differences} differences `);
}
const missing = families.flatMap((family) => [...family.missing]).sort();
for (const family of families) family.close();
for (const line of tally.lines) console.log(line);
if (missing.length > 0) console.log(`not implemented:\n  ${missing.join('\n  ')}`);
console.log(`${tally.cases} cases, ${tally.differences} differences, ${missing.length} forms not implemented`);
if (tally.differences > 0) process.exitCode = 1;

/** Once for each form and kind of difference; without `--keep-going` the first is the end. */
function show({ engine, form, kind, explain }: Finding): void {
  const key = `${engine} ${form} ${kind}`;
  if (shown.has(key)) return;
  shown.add(key);
  const { text, file, contents } = explain();
  console.log(text);
  if (values['keep-going']) return;
  mkdirSync(REGRESSIONS, { recursive: true });
  writeFileSync(join(REGRESSIONS, file), contents);
  console.log(`written to ${join(REGRESSIONS, file)}`);
  stopped = true;
}
