/**
 * Preemptable ticket lock, first version, that of the VEE 2013 paper. preemptableFlag.ts has the algorithm, layout and ordering.
 *
 * Known fault, as published: whether a waiter has been passed over is `ticket <= head`, on 16-bit numbers that wrap around. Near the wrap-around a
 * waiter whose ticket has wrapped takes itself for passed over and jumps the line, and one that was passed over does not notice, and waits for
 * nearly 2^16 times the unit. Mutual exclusion is not concerned. test/properties/locks/wrapAround.test.ts finds it, and
 * test/regressions/locks/preemptable-v1-wrap-around-*.json show it.
 */
import { eax, esi } from '../../../asm/register.ts';
import type { LockAlgorithm } from './lock.ts';
import { MARKS } from './lockMarks.ts';
import { unit, writeFlagLock } from './preemptableFlag.ts';

export const preemptableV1: LockAlgorithm = {
  name: 'preemptable-v1',
  doc: 'preemptable ticket lock as in VEE 2013, with its fault at wrap-around',
  parameters: [MARKS, unit(14)],
  write(a, parameters) {
    writeFlagLock(a, parameters, {
      length: 2,
      test(label) {
        a.cmp(eax, esi);
        a.jbe(label);
      },
    });
  },
};
