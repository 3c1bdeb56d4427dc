/**
 * Ticket lock: whoever comes draws the next ticket and waits until it is served. First come, first served, also when the next in line
 * is not running: that is what makes it suffer under a hypervisor that preempts.
 *
 * Ordering: XADD is a full barrier; the release is a plain store to `serving`, written by the holder only.
 */
import { at } from '../../../asm/operand.ts';
import { record, u32 } from '../../../asm/record.ts';
import { eax, rdi, rsi } from '../../../asm/register.ts';
import { type LockAlgorithm, spinning } from './lock.ts';

const TicketLock = record({ next: u32, serving: u32 });

export const ticket: LockAlgorithm = {
  name: 'ticket',
  doc: 'ticket lock: strictly first come, first served',
  write(a) {
    a.proc('lock_acquire', {}, () => {
      a.mov(eax, 1);
      a.lock.xadd(at(rdi, TicketLock.next), eax);
      a.cmp(eax, at(rdi, TicketLock.serving));
      a.return_if('e');

      a.mov(rsi, rdi);
      spinning(a, () => {
        a.repeat_while('ne', () => {
          a.pause();
          a.cmp(eax, at(rsi, TicketLock.serving));
        });
      });
    });

    a.proc('lock_release', {}, () => {
      a.inc(at(rdi, TicketLock.serving));
    });
  },
};
