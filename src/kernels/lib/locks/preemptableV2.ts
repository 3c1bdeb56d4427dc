/**
 * Preemptable ticket lock, second version: the first one with a test for having been passed over that takes tickets for what they are, numbers
 * modulo 2^16. preemptableFlag.ts has the algorithm, layout and ordering.
 */
import { eax, esi, r8d, r8w } from '../../../asm/register.ts';
import type { LockAlgorithm } from './lock.ts';
import { MARKS } from './lockMarks.ts';
import { unit, writeFlagLock } from './preemptableFlag.ts';

export const preemptableV2: LockAlgorithm = {
  name: 'preemptable-v2',
  doc: 'preemptable ticket lock, second version: correct at wrap-around',
  parameters: [MARKS, unit(14)],
  write(a, parameters) {
    writeFlagLock(a, parameters, {
      length: 4,
      test(label) {
        a.comment('the difference as a signed 16-bit number');
        a.mov(r8d, eax);
        a.sub(r8d, esi);
        a.test(r8w, r8w);
        a.jle(label);
      },
    });
  },
};
