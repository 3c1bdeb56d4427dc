/**
 * Long runs of generated C programs: `npm run fuzz:programs -- [--seconds N] [--seed N] [--units N] [--variant NAME]…`
 *
 * What gcc makes of them runs on this host and on every engine. A difference is shown with its seed and variant, and the folder with the
 * program and its kernel is kept; exit status 1 then.
 */
import { rmSync } from 'node:fs';
import { toolOptions } from '../../../scripts/toolOptions.ts';
import { buildFolder } from '../compiler.ts';
import { canCompile } from './generatedKernel.ts';
import { runGenerated } from './generatedRun.ts';
import { VARIANTS } from './variant.ts';

const values = toolOptions('npm run fuzz:programs --', 'Generated C programs on this host and on every engine.', {
  seconds: { kind: 'number', doc: 'how long to run (60)' },
  seed: { kind: 'number', doc: 'of the first program (of the time of day)' },
  units: { kind: 'number', min: 1, doc: 'parts of a program (8)' },
  variant: { kind: 'list', choices: VARIANTS.map(({ name }) => name), doc: 'ways of compiling (all, in turn)' },
  'keep-going': { kind: 'flag', doc: 'go on after a difference' },
});
const { seconds = 60, seed: first = Date.now() % 1_000_000_000, units = 8 } = values;
const folder = buildFolder().path;
const variants = VARIANTS.filter(({ name, bits }) => (values.variant?.includes(name) ?? true) && canCompile(bits, folder));
for (const bits of [64, 32] as const)
  if (!canCompile(bits, folder)) console.log(`fuzz:programs skips programs of ${bits} bits: no gcc that links and runs them here`);

let [programs, instructions, differences, tooLong] = [0, 0, 0, 0];
const end = performance.now() + seconds * 1000;
for (let seed = first; variants.length > 0 && performance.now() < end; seed++) {
  const variant = variants[seed % variants.length]!;
  const run = runGenerated(seed, units, variant, folder);
  programs++;
  instructions += run.instructions;
  if (run.instructions === 0) tooLong++;
  if (run.difference !== undefined) {
    differences++;
    console.log(`\nseed ${seed}, variant ${variant.name}, ${units} units: ${run.difference}\n  see ${folder}`);
    if (!values['keep-going']) break;
  }
  if (process.stderr.isTTY) process.stderr.write(`\rseed ${seed}: ${programs} programs, ${differences} differences `);
}
if (differences === 0) rmSync(folder, { recursive: true });
console.log(
  `seed ${first}: ${programs} programs, ${(instructions / 1e6).toFixed(1)} M instructions, ${tooLong} too long, ${differences} differences`,
);
process.exitCode = differences > 0 ? 1 : 0;
