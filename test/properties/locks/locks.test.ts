/**
 * Every lock under every schedule: mutual exclusion, no lost wake-up, progress, order where it is promised, and what lock_try says. A run that
 * fails belongs, shrunk, into test/regressions/locks.
 */
import '../../propertySeed.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { lockCase } from '../../arbitraries/lockCase.ts';
import { LockRig } from './lockRig.ts';
import { parametersOf } from './smallParameters.ts';

/** Its known fault is the subject of a test of its own. */
const FAULTY = 'preemptable-v1';

describe.each(LOCKS.map((lock) => ({ name: lock.name, lock })).filter(({ name }) => name !== FAULTY))('$name', ({ lock }) => {
  test.each(parametersOf(lock))('keeps its promises under every schedule with %j', (parameters) => {
    const rig = new LockRig(lock, parameters);
    fc.assert(
      fc.property(lockCase(lock.name, parameters), (one) => {
        expect(rig.run(one)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
