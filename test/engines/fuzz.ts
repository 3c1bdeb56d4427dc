/**
 * Long runs of "reference = every other engine": `npm run fuzz:engines -- --seconds 600 [--programs N] [--jobs N] [--seed N] [--engine NAME]`
 *
 * Ends after so many seconds or programs, whichever comes first. Several jobs are as many processes, each with seeds of its own.
 * A difference is shrunk, shown, and written to test/regressions/engines/, where the tests find it. Exit status 1 then.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENGINES, type EngineName } from '../../src/cpu/engines/registry.ts';
import { difference } from './difference.ts';
import type { EngineCase } from './engineCase.ts';
import { type BatchResult, runBatch } from './fuzzBatch.ts';
import { runCase } from './runCase.ts';

const REGRESSIONS = 'test/regressions/engines';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    programs: { type: 'string', default: 'Infinity' },
    jobs: { type: 'string', default: '1' },
    seed: { type: 'string' },
    engine: { type: 'string', default: ENGINES.find((name) => name !== 'reference')! },
    /** A job of a run: every so many seeds. */
    stride: { type: 'string' },
  },
});
const engine = engineNamed(values.engine);
const first = Number(values.seed ?? Date.now() % 1_000_000_000);
const begin = performance.now();

if (values.stride !== undefined) work(Number(values.stride));
else process.exitCode = await supervise(Number(values.jobs));

function engineNamed(name: string): EngineName {
  const known = ENGINES.find((engine) => engine === name);
  if (known === undefined) throw new Error(`no engine '${name}'; there is ${ENGINES.join(', ')}`);
  if (known === 'reference') throw new Error('the reference engine is what the others are compared with');
  return known;
}

/** A job: batch after batch, each told to the process that started it, until that one ends it or a difference is found. */
function work(stride: number): void {
  let seed = first;
  const next = (): void => {
    const result = runBatch(seed, engine);
    if (result.found !== undefined) report(seed, result.found);
    process.send!(result);
    seed += stride;
    if (result.found === undefined) setImmediate(next);
  };
  process.once('disconnect', () => process.exit());
  next();
}

/** The exit status of a run of this many jobs. */
async function supervise(jobs: number): Promise<number> {
  let programs = 0;
  let instructions = 0;
  let batches = 0;
  const children: ChildProcess[] = [];
  const status = await new Promise<number>((resolve) => {
    setTimeout(() => resolve(0), Number(values.seconds) * 1000).unref();
    for (let job = 0; job < jobs; job++) {
      const child = fork(process.argv[1]!, ['--seed', `${first + job}`, '--stride', `${jobs}`, '--engine', engine]);
      children.push(child);
      child.on('message', (message) => {
        const result = message as BatchResult;
        programs += result.programs;
        instructions += result.instructions;
        batches++;
        const rate = (programs / ((performance.now() - begin) / 1000)).toFixed(1);
        const outcome = result.found === undefined ? 'no difference' : 'A DIFFERENCE';
        process.stderr.write(
          `\rseed ${first}, ${batches} batches: ${programs} programs, ${(instructions / 1e6).toFixed(1)} M instructions, ${rate}/s, ${outcome} `,
        );
        if (result.found !== undefined) resolve(1);
        else if (programs >= Number(values.programs)) resolve(0);
      });
      child.on('exit', (code) => resolve(code === 0 ? 0 : 1));
    }
  });
  process.stderr.write('\n');
  for (const child of children) child.kill();
  return status;
}

function report(seed: number, one: EngineCase): void {
  const file = join(REGRESSIONS, `${engine}-${seed}.json`);
  writeFileSync(file, `${JSON.stringify(one, null, 1)}\n`);
  let what: string | undefined;
  try {
    what = difference(runCase(one, 'reference'), runCase(one, engine));
  } catch (error) {
    what = error instanceof Error ? error.stack : String(error);
  }
  console.error(`\nseed ${seed}: ${engine} differs from the reference; shrunk to ${file}\n${what}`);
}
