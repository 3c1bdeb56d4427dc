import fc from 'fast-check';
import type { CoreRole, Decision, LockCase } from '../properties/locks/lockCase.ts';
import { MAX_CORES } from '../properties/locks/lockRig.ts';

const core = fc.nat({ max: MAX_CORES - 1 });

const role: fc.Arbitrary<CoreRole> = fc.record({
  kind: fc.oneof({ weight: 4, arbitrary: fc.constant('acquire' as const) }, fc.constantFrom('try' as const, 'nest' as const)),
  rounds: fc.integer({ min: 1, max: 4 }),
  masked: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
});

/** Short turns find the windows between two instructions; long ones let a core wait until it halts, or go round several times. */
const instructions = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 60, max: 400 }));

const decision: fc.Arbitrary<Decision> = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.constant('run' as const), core, instructions) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('interrupt' as const), core) },
  { weight: 2, arbitrary: fc.constant(['kicks'] as const) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('wake' as const), core) },
);

/** Runs of one lock with these parameters. */
export const lockCase = (lock: string, parameters: Readonly<Record<string, number>>): fc.Arbitrary<LockCase> =>
  fc.record({
    lock: fc.constant(lock),
    parameters: fc.constant(parameters),
    beforeWrap: fc.integer({ min: -1, max: 6 }),
    cores: fc.array(role, { minLength: 2, maxLength: MAX_CORES }),
    schedule: fc.array(decision, { maxLength: 60 }),
  });
