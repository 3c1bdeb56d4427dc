/**
 * Long runs of "reference = every other engine". `npm run fuzz:engines -- --seconds 600 [--seed N] [--engine NAME] [--pieces N]`
 *
 * A difference is shrunk, shown, and written to test/regressions/engines/, where the tests find it. Exit status 1 then.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { ENGINES, type EngineName } from '../../src/cpu/engines/registry.ts';
import { engineCase, flagCase } from '../arbitraries/engineCase.ts';
import { difference } from './difference.ts';
import type { EngineCase } from './engineCase.ts';
import { MemoryPool } from './memoryPool.ts';
import { runCase } from './runCase.ts';

const REGRESSIONS = 'test/regressions/engines';
/** Shrinking stops after this many seconds with what it has. */
const SHRINK_SECONDS = 120;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    engine: { type: 'string', default: ENGINES.find((name) => name !== 'reference')! },
    pieces: { type: 'string', default: '100' },
  },
});
const engine = ENGINES.find((name) => name === values.engine);
if (engine === undefined) throw new Error(`no engine '${values.engine}'; there is ${ENGINES.join(', ')}`);
if (engine === 'reference') throw new Error('the reference engine is what the others are compared with');
const begin = performance.now();
const end = begin + Number(values.seconds) * 1000;
const first = Number(values.seed ?? Date.now() % 1_000_000_000);
/** By batch: machines that one program after the other is loaded into; machines of all kinds; long programs; virtual machines; flags. */
const KINDS: readonly { readonly cases: number; readonly arbitrary: fc.Arbitrary<EngineCase> }[] = [
  ...[1, 2, 3].map(() => ({ cases: 20, arbitrary: engineCase({ pieces: 25, maxCycles: 3000, virtual: false, reloads: 30 }) })),
  { cases: 20, arbitrary: engineCase({ pieces: 25, maxCycles: 4000 }) },
  { cases: 4, arbitrary: engineCase({ pieces: Number(values.pieces), maxCycles: 30_000 }) },
  { cases: 10, arbitrary: engineCase({ pieces: 40, maxCycles: 8000, virtual: true }) },
  { cases: 20, arbitrary: flagCase },
];

const memories = new MemoryPool();
let programs = 0;
let instructions = 0;
for (let seed = first; performance.now() < end; seed++) {
  const found = check(seed, engine);
  if (found !== undefined) {
    report(seed, found);
    process.exit(1);
  }
  process.stderr.write(`\rseed ${seed}: ${programs} programs, ${(instructions / 1e6).toFixed(1)} M instructions, ${rate()}/s, no difference `);
}
process.stderr.write('\n');

function rate(): string {
  return (programs / ((performance.now() - begin) / 1000)).toFixed(1);
}

/** A case of this seed in which the engines differ, shrunk. */
function check(seed: number, other: EngineName): EngineCase | undefined {
  let shrinkEnd = Number.POSITIVE_INFINITY;
  const { cases, arbitrary } = KINDS[seed % KINDS.length]!;
  const result = fc.check(
    fc.property(arbitrary, (one) => {
      // Past its time, shrinking sees nothing but success, and so ends.
      if (performance.now() > shrinkEnd) return true;
      memories.release();
      const expected = runCase(one, 'reference', memories.allocate);
      programs += 1 + (one.reloads?.length ?? 0);
      for (const { state } of expected.machine.cores) instructions += state.counters[0]!;
      let same: boolean;
      try {
        same = difference(expected, runCase(one, other, memories.allocate)) === undefined;
      } catch {
        same = false;
      }
      if (!same) shrinkEnd = Math.min(shrinkEnd, performance.now() + SHRINK_SECONDS * 1000);
      return same;
    }),
    { seed, numRuns: cases },
  );
  return result.failed ? result.counterexample![0] : undefined;
}

function report(seed: number, one: EngineCase): void {
  const file = join(REGRESSIONS, `${engine}-${seed}.json`);
  writeFileSync(file, `${JSON.stringify(one, null, 1)}\n`);
  let what: string | undefined;
  try {
    what = difference(runCase(one, 'reference'), runCase(one, engine!));
  } catch (error) {
    what = error instanceof Error ? error.stack : String(error);
  }
  console.error(`\nseed ${seed}: ${engine} differs from the reference; shrunk to ${file}\n${what}`);
}
