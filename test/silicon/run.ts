/**
 * The model against the processor at hand, for long runs.
 * `npm run test:silicon -- --seconds N [--seed S] [--family PATTERN] [--engine reference|jit|both] [--size 16|32|64] [--keep-going]`
 *
 * Prints the processor's name, the cases by mnemonic, and what was left out. A difference is shrunk, shown, and written to
 * test/regressions/silicon/, where the ordinary suite replays it. Exit status 1 then.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENGINES, type EngineName } from '../../src/cpu/engines/registry.ts';
import { differences, isUndefined } from './comparison.ts';
import { Generator, NOT_COMPARED, userForms } from './generator.ts';
import { Model } from './model.ts';
import { Processor, processorName } from './processor.ts';
import { shrink } from './shrink.ts';
import { caseText, outcomeText, TIMED_OUT } from './siliconCase.ts';

const STATES = 12;
const BATCH = 600;
const REGRESSIONS = 'test/regressions/silicon';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    family: { type: 'string', default: '' },
    engine: { type: 'string', default: 'both' },
    size: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
  },
});

const processor = Processor.open();
if (typeof processor === 'string') {
  console.log(`test:silicon skipped: ${processor}`);
  process.exit(0);
}
const engines = ENGINES.filter((name) => values.engine === 'both' || values.engine === name);
if (engines.length === 0) throw new Error(`no engine '${values.engine}'; there is ${ENGINES.join(', ')} and both`);
const pattern = new RegExp(values.family, 'i');
const all = userForms();
const forms = all.filter(({ form, size }) => pattern.test(form.form) && (values.size === undefined || size === Number(values.size)));
const first = Number(values.seed ?? Date.now() % 1_000_000_000);
const end = performance.now() + Number(values.seconds) * 1000;
console.log(`processor: ${processorName()}`);
console.log(`seed ${first}, ${forms.length} forms (by code size), engines ${engines.join(' and ')}`);
for (const [what, why] of NOT_COMPARED) console.log(`not compared: ${what.source.replace(/^\^|\(\?:|\)/g, '')}: ${why}`);

const models = new Map<EngineName, Model>(engines.map((name) => [name, new Model(name)]));
const counts = new Map<string, number>();
const missing = new Set<string>();
const shown = new Map<string, number>();
let total = 0;
let failures = 0;
let next = 0;

for (let seed = first; performance.now() < end; seed++) {
  const generator = new Generator(seed, all);
  const groups = [];
  for (let i = 0; i < BATCH; i++) {
    const { form, size } = forms[next++ % forms.length]!;
    const group = generator.make(form, size, STATES);
    if (group !== undefined) groups.push(group);
  }
  const outcomes = processor.run(groups.flatMap(({ cases }) => cases));
  let at = 0;
  for (const { form, insns, cases } of groups) {
    for (const one of cases) {
      const expected = outcomes[at++]!;
      if (expected.vector === TIMED_OUT || isUndefined(insns, one)) continue;
      total++;
      counts.set(form.mnemonic, (counts.get(form.mnemonic) ?? 0) + 1);
      for (const name of engines) {
        // Compiled code is 64-bit code only; the reference engine runs the rest for both.
        if (name === 'jit' && one.codeSize !== 64 && engines.length > 1) continue;
        const actual = models.get(name)!.run(one);
        if (typeof actual === 'string') {
          missing.add(`${form.form}: ${actual}`);
          continue;
        }
        const found = differences(insns, one, expected, actual);
        if (found.length > 0) report(name, form.form, one, found);
      }
    }
  }
  if (!process.stdout.isTTY) continue;
  process.stdout.write(`\rseed ${seed}: ${total} cases, ${failures} differences `);
}
processor.close();
const families = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([mnemonic, count]) => `${mnemonic} ${count}`);
console.log(`cases by mnemonic: ${families.join(', ')}`);
if (missing.size > 0) console.log(`not implemented:\n  ${[...missing].sort().join('\n  ')}`);
console.log(`${total} cases of ${counts.size} mnemonics, ${failures} differences, ${missing.size} forms not implemented`);
if (failures > 0) process.exitCode = 1;

function report(engine: EngineName, form: string, one: Parameters<Model['run']>[0], found: readonly string[]): void {
  failures++;
  const key = `${engine} ${form} ${one.codeSize} ${found[0]!.split(' ')[0]}`;
  const seen = shown.get(key) ?? 0;
  shown.set(key, seen + 1);
  if (seen > 0) return;
  const small = shrink(one, processor as Processor, models.get(engine)!);
  if (small === undefined) {
    console.log(`${engine} ${form}: does not show again: ${found.join('; ')}; ${JSON.stringify(caseText(one))}`);
    return;
  }
  const text = { about: form, engine, difference: small.differences, case: caseText(small.case), outcome: outcomeText(small.expected) };
  console.log(`${engine} ${form} (${one.codeSize}-bit) ${text.case.code}: ${small.differences.join('; ')}\n   ${small.summary}`);
  if (values['keep-going']) return;
  mkdirSync(REGRESSIONS, { recursive: true });
  const file = join(REGRESSIONS, `${form}-${one.codeSize}.json`);
  writeFileSync(file, `${JSON.stringify(text, null, 1)}\n`);
  console.log(`written to ${file}`);
  (processor as Processor).close();
  process.exit(1);
}
