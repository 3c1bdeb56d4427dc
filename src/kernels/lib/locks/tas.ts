/**
 * Test-and-set lock: one word, 1 when held; whoever changes it from 0 to 1 has it. Unfair.
 *
 * Ordering: XCHG is a full barrier; the release is a plain store, which x86 does not reorder with earlier accesses.
 */
import { at } from '../../../asm/operand.ts';
import { record, u32 } from '../../../asm/record.ts';
import { eax, rdi, rsi } from '../../../asm/register.ts';
import { type LockAlgorithm, spinning } from './lock.ts';

const TasLock = record({ held: u32 });

export const tas: LockAlgorithm = {
  name: 'tas',
  doc: 'test-and-set with a read-only wait; unfair',
  write(a) {
    a.proc('lock_acquire', {}, () => {
      a.mov(eax, 1);
      a.xchg(at(rdi, TasLock.held), eax);
      a.test(eax, eax);
      a.return_if('z');

      a.mov(rsi, rdi);
      spinning(a, () => {
        a.loop(() => {
          a.comment('wait reading: only a free lock is worth the bus');
          a.loop(() => {
            a.cmp(at(rsi, TasLock.held), 0);
            a.break_if('e');
            a.pause();
          });
          a.mov(eax, 1);
          a.xchg(at(rsi, TasLock.held), eax);
          a.test(eax, eax);
          a.break_if('z');
        });
      });
    });

    a.proc('lock_release', {}, () => {
      a.mov(at(rdi, TasLock.held), 0);
    });
  },
};
