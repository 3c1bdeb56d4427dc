/** A batch of random cases that one seed gives, on the reference engine and another. */
import fc from 'fast-check';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import { engineCase, flagCase } from '../arbitraries/engineCase.ts';
import { difference } from './difference.ts';
import type { EngineCase } from './engineCase.ts';
import { MemoryPool } from './memoryPool.ts';
import { runCase } from './runCase.ts';

/** Shrinking stops after this many seconds with what it has. */
const SHRINK_SECONDS = 120;

export interface BatchResult {
  readonly programs: number;
  readonly instructions: number;
  /** A case in which the engines differ, shrunk. */
  readonly found: EngineCase | undefined;
}

/** By seed: machines that one program after the other is loaded into, most of all; machines of all kinds; long programs; virtual machines; flags. */
const KINDS: readonly { readonly cases: number; readonly arbitrary: fc.Arbitrary<EngineCase> }[] = [
  ...[1, 2, 3].map(() => ({ cases: 3, arbitrary: engineCase({ pieces: 16, maxCycles: 3000, virtual: false, reloads: 60 }) })),
  { cases: 8, arbitrary: engineCase({ pieces: 25, maxCycles: 4000 }) },
  { cases: 2, arbitrary: engineCase({ pieces: 100, maxCycles: 30_000 }) },
  { cases: 4, arbitrary: engineCase({ pieces: 40, maxCycles: 8000, virtual: true }) },
  { cases: 8, arbitrary: flagCase },
];

const memories = new MemoryPool();

/** Runs the batch of a seed until its end or the first difference. */
export function runBatch(seed: number, other: EngineName): BatchResult {
  let shrinkEnd = Number.POSITIVE_INFINITY;
  let programs = 0;
  let instructions = 0;
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
  return { programs, instructions, found: result.failed ? result.counterexample![0] : undefined };
}
