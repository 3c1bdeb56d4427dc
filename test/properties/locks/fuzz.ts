/**
 * Locks under random schedules for as long as one likes: `npm run fuzz:locks -- [--lock NAME]… [--seconds N] [--seed N] [--out FILE]`, and one of them again,
 * step by step: `npm run fuzz:locks -- --replay FILE`.
 *
 * A run in which a lock breaks a promise is shrunk and written to a file; exit status 1 then. What such a file says is in lockCase.ts; those that are kept are in
 * test/regressions/locks.
 */
import fc from 'fast-check';
import { endWithUsage, toolOptions, UsageError } from '../../../scripts/toolOptions.ts';
import type { LockAlgorithm } from '../../../src/kernels/lib/locks/lock.ts';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { lockCase } from '../../arbitraries/lockCase.ts';
import type { LockCase } from './lockCase.ts';
import { LockRig } from './lockRig.ts';
import { readFinding, writeFinding } from './scheduleFile.ts';
import { parametersOf } from './smallParameters.ts';

/** Runs of one lock before it is the turn of the next. */
const BATCH = 300;

const values = toolOptions('npm run fuzz:locks --', 'Locks under random schedules: exclusion, progress, wake-ups, order, tries.', {
  lock: { kind: 'list', choices: LOCKS.map(({ name }) => name), doc: 'locks (all but those with a known fault, in turn)' },
  seconds: { kind: 'number', doc: 'how long to run (60)' },
  seed: { kind: 'number', doc: 'of the first schedules (of the time of day)' },
  out: { kind: 'text', doc: 'file for a run that fails (lock-schedule.json)' },
  replay: { kind: 'text', doc: 'make the run in this file, and tell what happens' },
});
const { seconds = 60, seed: first = Date.now() % 1_000_000_000, out = 'lock-schedule.json' } = values;
const KNOWN_FAULT = 'preemptable-v1';

process.exitCode = values.replay === undefined ? search() : replay(values.replay);

/** The exit status. */
function search(): number {
  const chosen = LOCKS.filter(({ name }) => values.lock?.includes(name) ?? name !== KNOWN_FAULT);
  const rigs = chosen.flatMap((lock) => parametersOf(lock).map((parameters) => ({ lock, parameters, rig: new LockRig(lock, parameters) })));
  const end = performance.now() + seconds * 1000;
  let runs = 0;
  for (let seed = first; performance.now() < end; seed++) {
    const { lock, parameters, rig } = rigs[(seed - first) % rigs.length]!;
    const { counterexample, numRuns, numShrinks } = fc.check(
      fc.property(lockCase(lock.name, parameters), (one) => rig.run(one) === undefined),
      { numRuns: BATCH, seed },
    );
    runs += numRuns;
    if (process.stderr.isTTY) process.stderr.write(`\rseed ${seed}: ${runs} schedules, ${lock.name} `);
    if (counterexample === null) continue;
    const [found] = counterexample;
    writeFinding(out, { violation: rig.run(found), case: found });
    console.log(`\nseed ${seed}, after ${numRuns} schedules and ${numShrinks} steps of shrinking:`);
    tell(lock, found);
    console.log(`in ${out}; again: npm run fuzz:locks -- --replay ${out}`);
    return 1;
  }
  console.log(`seed ${first}: ${runs} schedules of ${chosen.map(({ name }) => name).join(', ')}: no promise broken`);
  return 0;
}

/** The exit status. */
function replay(file: string): number {
  try {
    const { case: one } = readFinding(file);
    return tell(LOCKS.find(({ name }) => name === one.lock)!, one) === undefined ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    endWithUsage(error.message);
  }
}

/** What happens in the run, and what is wrong with it. */
function tell(lock: LockAlgorithm, one: LockCase): string | undefined {
  const settings = Object.entries(one.parameters).map(([name, value]) => `${name}=${value}`);
  const wrap = one.beforeWrap < 0 ? 'new locks' : `${one.beforeWrap} acquisitions before the tickets wrap around`;
  console.log(`${one.lock} (${settings.join(', ')}), ${wrap}`);
  for (const [core, { kind, rounds, masked }] of one.cores.entries())
    console.log(`  core ${core}: ${kind}, ${rounds} times${masked ? ', interrupts off' : ''}`);
  const violation = new LockRig(lock, one.parameters).run(one, (text) => console.log(`  ${text}`));
  console.log(violation ?? 'no promise broken');
  return violation;
}
