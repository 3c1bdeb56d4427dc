/**
 * Long runs of "reference = every other engine": `npm run fuzz:engines -- --seconds 600 [--programs N] [--jobs N] [--seed N] [--engine NAME]`
 *
 * Ends after so many seconds or programs, whichever comes first. Several jobs are as many processes, each with seeds of its own.
 * A difference is shrunk, shown, and written to test/regressions/engines/, where the tests find it. Exit status 1 then.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolOptions } from '../../scripts/toolOptions.ts';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { difference } from './difference.ts';
import type { EngineCase } from './engineCase.ts';
import { type BatchResult, runBatch } from './fuzzBatch.ts';
import { runCase } from './runCase.ts';

const REGRESSIONS = 'test/regressions/engines';

const OTHERS = ENGINES.filter((name) => name !== 'reference');
const values = toolOptions('npm run fuzz:engines --', 'Generated programs on the reference engine and on another one.', {
  seconds: { kind: 'number', fraction: true, doc: 'how long to run, at most (60)' },
  programs: { kind: 'number', min: 1, doc: 'how many to run, at most (no limit)' },
  jobs: { kind: 'number', min: 1, doc: 'processes (1)' },
  seed: { kind: 'number', doc: 'of the first programs (of the time of day)' },
  engine: { kind: 'text', choices: OTHERS, doc: `what is compared with the reference (${OTHERS[0]})` },
  stride: { kind: 'number', min: 1, doc: 'of a process that works for another one: every so many seeds' },
});
const { seconds = 60, programs: mostPrograms = Number.POSITIVE_INFINITY, jobs: wantedJobs = 1 } = values;
const engine = ENGINES.find((name) => name === (values.engine ?? OTHERS[0]))!;
const first = values.seed ?? Date.now() % 1_000_000_000;
const begin = performance.now();

if (values.stride !== undefined) work(values.stride);
else process.exitCode = await supervise(wantedJobs);

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
    setTimeout(() => resolve(0), seconds * 1000).unref();
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
        else if (programs >= mostPrograms) resolve(0);
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
