/** Figures besides the kernels: whole guests, warm-up, memory. */
import type { EngineName } from '../src/cpu/engines/registry.ts';
import { runWorker } from './runWorker.ts';

const MEGABYTE = 2 ** 20;
const WARM_UP_SECONDS = 0.1;
const WARM_UP_ROUNDS = 5;
export const WARM_UP = 'first 100 ms of a boot and what follows (shootdown on 4 cores), M instr';

/** Figures of one engine; the units are in the names. `seconds` of host time for each, at most. */
export async function engineFigures(engine: EngineName, seconds: number): Promise<Record<string, number>> {
  const shootdown = (cores: number, iterations: number) => ({ guest: 'shootdown', engine, cores, params: { iterations: `${iterations}` } });
  const one = await runWorker({ kind: 'whole', run: shootdown(1, 1_000_000), seconds: Math.max(3, seconds) });
  const many = await runWorker({ kind: 'whole', run: { ...shootdown(64, 2), memory: 256 * MEGABYTE }, seconds });
  const changing = await runWorker({
    kind: 'whole',
    run: { guest: 'bench-codegen', engine, cores: 1, params: { iterations: '4000000000' } },
    seconds,
  });
  return {
    'shootdown on one core, M instr/s': one.instructions / one.seconds / 1e6,
    [WARM_UP]: await warmUp(engine),
    '64 cores with 256 MB, process memory in MB': many.memoryBytes / MEGABYTE,
    'code that changes all the time, process memory in MB': changing.memoryBytes / MEGABYTE,
  };
}

/** Instructions in the first moments of a machine, the median of some processes, millions. */
async function warmUp(engine: EngineName): Promise<number> {
  const run = { guest: 'shootdown', engine, cores: 4, params: { iterations: '1000000' } };
  const counts: number[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS; round++) {
    counts.push((await runWorker({ kind: 'whole', run, seconds: WARM_UP_SECONDS })).instructions);
  }
  return counts.sort((a, b) => a - b)[WARM_UP_ROUNDS >> 1]! / 1e6;
}
