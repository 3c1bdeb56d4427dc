/**
 * The known fault of the first published version of the preemptable lock: near the wrap-around of its tickets it takes those that have come for
 * passed over, and does not notice those that were. The same property that the other locks keep finds it.
 */
import '../../propertySeed.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { lockCase } from '../../arbitraries/lockCase.ts';
import { LockRig } from './lockRig.ts';

const lock = LOCKS.find(({ name }) => name === 'preemptable-v1')!;

/** What the property finds wrong with the lock, near the wrap-around or away from it. */
function findings(unit: number, near: boolean): { failed: boolean; kinds: string[] } {
  const parameters = { 'lock-marks': 1, 'lock-unit': unit };
  const rig = new LockRig(lock, parameters);
  const kinds = new Set<string>();
  const { failed } = fc.check(
    fc.property(lockCase(lock.name, parameters), (one) => {
      const violation = rig.run(near ? one : { ...one, beforeWrap: -1 });
      if (violation !== undefined) kinds.add(violation.split(':')[0]!);
      return violation === undefined;
    }),
    { numRuns: 200, endOnFailure: true },
  );
  return { failed, kinds: [...kinds] };
}

test('preemptable-v1 does not keep the order when its tickets wrap around', () => {
  expect(findings(14, true)).toEqual({ failed: true, kinds: ['order'] });
});

test('preemptable-v1 keeps its promises as long as they do not', () => {
  expect(findings(14, false)).toEqual({ failed: false, kinds: [] });
  expect(findings(0, false)).toEqual({ failed: false, kinds: [] });
});
