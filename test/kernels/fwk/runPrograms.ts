import { buildFwk } from '../../../src/kernels/fwk/fwk.ts';
import { KERNEL_PARAMETERS } from '../../../src/kernels/fwk/parameters.ts';
import type { StartedProgram } from '../../../src/kernels/fwk/program.ts';
import { chooseLock } from '../../../src/kernels/lib/locks/lock.ts';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from '../../../src/kernels/lib/shootdown/schemes.ts';
import type { RunOptions } from '../../../src/session/runOptions.ts';
import { planRun } from '../../../src/session/runPlan.ts';
import { Session } from '../../../src/session/session.ts';
import { options, type QuickResult } from '../../session/quickRun.ts';

/** Runs programs on the full-weight kernel to the end of the last one. @param choices parameters of the kernel and of the lock. */
export function runPrograms(
  programs: readonly StartedProgram[],
  given: Partial<RunOptions> = {},
  choices: Readonly<Record<string, number>> = {},
): QuickResult {
  const lock = LOCKS.find(({ name }) => name === (given.lock ?? LOCKS[0]!.name))!;
  const parameters = Object.fromEntries([...KERNEL_PARAMETERS, ...lock.parameters].map(({ name, default: value }) => [name, value]));
  const { image } = buildFwk(
    {
      parameters: { ...parameters, ...choices },
      options: {},
      lock: chooseLock(lock, { ...parameters, ...choices }),
      shootdown: SHOOTDOWN_SCHEMES.find(({ name }) => name === (given.shootdown ?? 'ipi'))!,
    },
    programs,
  );
  const bytes: number[] = [];
  // The plan is that of a guest with the same needs, with another image.
  const plan = { ...planRun(options('fwk-selftest', given)), image };
  const session = new Session(plan, { serial: (byte) => bytes.push(byte), probe: undefined });
  while (session.advance(10_000));
  return { session, stop: session.stopReason, serial: Buffer.from(bytes).toString(), stats: session.stats() };
}
