/**
 * Test-and-set lock: whoever changes a word from 0 to 1 has it. Unfair: who polls at the right moment wins, so nobody waits for a core that
 * does not run, unless it holds the lock.
 *
 * Layout: bits 31:0, 1 when held.
 * Ordering: XCHG is a full barrier; the release is a plain store, which x86 does not reorder with earlier accesses.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { at } from '../../../asm/operand.ts';
import { record, u32 } from '../../../asm/record.ts';
import { edx, rdi } from '../../../asm/register.ts';
import type { LockAlgorithm } from './lock.ts';
import { lockMarks, MARKS } from './lockMarks.ts';

const TasLock = record({ held: u32 });

export const tas: LockAlgorithm = {
  name: 'tas',
  doc: 'test-and-set with a read-only wait; unfair',
  parameters: [MARKS],
  write(a, parameters) {
    const marks = lockMarks(a, parameters);
    a.proc('lock_acquire', {}, () => {
      exchange(a);
      marks.tried();
      a.test(edx, edx);
      a.return_if('z');

      marks.waiting({ poll: 3, inOrder: false }, () => {
        a.repeat_while('nz', () => {
          a.comment('wait reading: only a free lock is worth the bus');
          a.loop(() => {
            a.cmp(at(rdi, TasLock.held), 0);
            a.break_if('e');
            a.pause();
          });
          exchange(a);
          marks.tried();
          a.test(edx, edx);
        });
      });
    });

    a.proc('lock_try', {}, () => {
      exchange(a);
      a.test(edx, edx);
      marks.answerTry();
    });

    a.proc('lock_release', {}, () => {
      a.mov(at(rdi, TasLock.held), 0);
      marks.released();
    });
  },
};

/** The lock is held; EDX = 0 when it is this core that has it now. */
function exchange(a: Assembler): void {
  a.mov(edx, 1);
  a.xchg(at(rdi, TasLock.held), edx);
}
