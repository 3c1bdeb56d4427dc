import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/sources.ts';
import type { PointRun } from '../../src/experiments/experiment.ts';
import type { PointOutcome } from '../../src/experiments/measurement.ts';
import { parameters, runOptions } from '../../src/experiments/runSettings.ts';
import type * as pools from '../../src/experiments/workerPool.ts';
import { ensureBuilt } from '../built.ts';

let built: typeof pools;
beforeAll(async () => {
  // Threads run what was built: nothing translates for them.
  ensureBuilt();
  built = (await import(pathToFileURL(join(ROOT, 'dist/experiments/workerPool.js')).href)) as typeof pools;
});

const shootdowns = (seed: number): PointRun => ({
  options: runOptions({ guest: 'shootdown', cores: 2, seed, params: parameters({ iterations: 5, think: 1000 }) }),
  seconds: undefined,
  observeFills: false,
});

async function outcomes(jobs: number, runs: readonly PointRun[]): Promise<readonly PointOutcome[]> {
  const pool = new built.WorkerPool(jobs);
  try {
    return await Promise.all(runs.map((run) => pool.measure(run)));
  } finally {
    await pool.close();
  }
}

describe('a pool of threads', () => {
  test('gives the same bytes with any number of threads', async () => {
    const runs = [1, 2, 3, 4, 5].map(shootdowns);
    const one = await outcomes(1, runs);
    expect(JSON.stringify(await outcomes(3, runs))).toBe(JSON.stringify(one));
    expect(new Set(one.map((outcome) => JSON.stringify(outcome))).size).toBe(5);
    expect(one.every(({ kind }) => kind === 'measured')).toBe(true);
  });

  test('survives points that fail', async () => {
    const bad = { ...shootdowns(1), options: runOptions({ guest: 'nobody' }) };
    // No options at all: a defect, which throws in the thread.
    const broken = { seconds: undefined, observeFills: false } as unknown as PointRun;
    const found = await outcomes(1, [bad, broken, shootdowns(1)]);
    expect(found.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'measured']);
    expect(found[1]).toEqual({ kind: 'failed', reason: expect.stringMatching(/^the emulator failed: [^\n]+$/) });
  });

  test('ends at once when it is closed', async () => {
    const pool = new built.WorkerPool(1);
    let settled = false;
    void pool.measure({ ...shootdowns(1), options: runOptions({ guest: 'cpu-bound' }) }).then(() => {
      settled = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await pool.close();
    expect(settled).toBe(false);
  });
});
