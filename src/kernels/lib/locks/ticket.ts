/**
 * Ticket lock: whoever comes draws the next ticket and waits until it is served. First come, first served, also when the next in line
 * is not running: that is what makes it suffer under a hypervisor that preempts.
 *
 * Layout: bits 31:0 the next ticket, bits 63:32 the one being served; equal when free. They run through 2^32 values and are compared for
 * equality only, so that wrapping around means nothing.
 * Ordering: XADD is a full barrier; the release is a plain store to `serving`, written by the holder only.
 */
import { at, mem } from '../../../asm/operand.ts';
import { record, u32 } from '../../../asm/record.ts';
import { eax, edx, rax, rdi } from '../../../asm/register.ts';
import type { LockAlgorithm } from './lock.ts';
import { lockMarks, MARKS, obtained } from './lockMarks.ts';

const TicketLock = record({ next: u32, serving: u32 });

export const ticket: LockAlgorithm = {
  name: 'ticket',
  doc: 'ticket lock: strictly first come, first served',
  parameters: [MARKS],
  write(a, parameters) {
    const marks = lockMarks(a, parameters);
    a.proc('lock_acquire', {}, () => {
      a.mov(edx, 1);
      a.lock.xadd(at(rdi, TicketLock.next), edx);
      a.mov(eax, edx);
      a.sub(edx, at(rdi, TicketLock.serving));
      marks.tried();
      a.return_if('z');

      marks.waiting({ poll: 2, inOrder: true }, () => {
        a.repeat_while('ne', () => {
          a.pause();
          a.cmp(eax, at(rdi, TicketLock.serving));
        });
        obtained(a, marks);
      });
    });

    a.comment('free when the next ticket is the one being served: then take it, unless somebody has drawn it meanwhile');
    a.proc('lock_try', {}, () => {
      a.mov(eax, at(rdi, TicketLock.serving));
      a.lea(edx, mem(rax, 1));
      a.lock.cmpxchg(at(rdi, TicketLock.next), edx);
      marks.answerTry();
    });

    a.proc('lock_release', {}, () => {
      a.inc(at(rdi, TicketLock.serving));
      marks.released();
    });
  },
};
