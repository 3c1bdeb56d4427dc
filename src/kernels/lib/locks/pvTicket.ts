/**
 * Paravirtual ticket lock, after the one of Linux 3.12: a ticket lock whose waiters halt when it takes too long, and whose holder wakes the one that
 * comes next. In order like a ticket lock, but waiting costs nothing and the next in line is put on a core.
 *
 * Layout: bits 31:0 `head`, the ticket being served; bits 63:32 `tail`, the next ticket, with bit 32 set while somebody may sleep (the slow-path
 * flag). Tickets go up by two, and wrap around; they are compared for equality only.
 *
 * Ordering: XADD on `tail` is a full barrier, and so is the locked XADD of the release, which the load of the flag must not overtake. Against lost
 * wake-ups: a waiter publishes its slot, sets the flag, then looks at `head`; the holder advances `head`, then looks at the flag, then
 * at the slots. Whichever came first in the order of locked operations, the later one sees it.
 */
import { HYPERCALL_KICK_CPU } from '../../../arch/hypercalls.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem, mem64 } from '../../../asm/operand.ts';
import { record, u32 } from '../../../asm/record.ts';
import { eax, ecx, edx, r9d, rax, rcx, rdi, rdx, rsi } from '../../../asm/register.ts';
import type { LockAlgorithm } from './lock.ts';
import { lockMarks, MARKS, obtained } from './lockMarks.ts';
import { kickCore, SPIN, sleepUnless } from './sleep.ts';
import { announceSleeper, forSleepers, retractSleeper, Sleeper, sleepers } from './sleepers.ts';

const PvTicketLock = record({ head: u32, tail: u32 });
const STEP = 2;
const SLOW = 1;

export const pvTicket: LockAlgorithm = {
  name: 'pv-ticket',
  doc: 'ticket lock whose waiters halt and are kicked (Linux 3.12); only in a virtual machine',
  hypercall: HYPERCALL_KICK_CPU,
  parameters: [MARKS, SPIN],
  write(a, parameters) {
    const marks = lockMarks(a, parameters);
    a.include(sleepers);
    a.include(kickCore);

    a.proc('lock_acquire', {}, () => {
      a.mov(edx, STEP);
      a.lock.xadd(at(rdi, PvTicketLock.tail), edx);
      a.and(edx, ~SLOW);
      a.mov(eax, edx);
      a.sub(edx, at(rdi, PvTicketLock.head));
      marks.tried();
      a.return_if('z');

      marks.waiting({ poll: 4, inOrder: true }, () => {
        a.loop(() => {
          a.mov(ecx, 1 << parameters[SPIN.name]!);
          a.repeat_while('nz', () => {
            a.cmp(eax, at(rdi, PvTicketLock.head));
            a.je('.mine');
            a.pause();
            a.dec(ecx);
          });
          sleepUnless(
            a,
            () => {
              announceSleeper(a);
              a.lock.or(at(rdi, PvTicketLock.tail), SLOW);
              a.cmp(eax, at(rdi, PvTicketLock.head));
            },
            'e',
            () => retractSleeper(a),
          );
        });
        a.label('.mine');
        obtained(a, marks);
      });
    });

    a.comment('free, and nobody flagged as sleeping, when both halves are equal');
    a.proc('lock_try', {}, () => {
      a.mov(eax, at(rdi, PvTicketLock.head));
      a.lea(edx, mem(rax, STEP));
      a.lock.cmpxchg(at(rdi, PvTicketLock.tail), edx);
      marks.answerTry();
    });

    a.proc('lock_release', {}, () => {
      a.mov(eax, STEP);
      a.lock.xadd(at(rdi, PvTicketLock.head), eax);
      marks.released();
      a.test(at(rdi, PvTicketLock.tail), SLOW);
      a.return_if('z');
      a.add(eax, STEP);

      a.comment('EAX = ticket served next. Nobody has drawn it: clear the flag, unless somebody comes meanwhile');
      a.mov(r9d, eax);
      pair(a);
      a.lock.cmpxchg(mem64(rdi), rdx);
      a.return_if('e');

      a.comment('its owner sleeps, or will look before it does');
      forSleepers(a, () => {
        a.cmp(at(rsi, Sleeper.lock), rdi);
        a.if_('e', () => {
          a.cmp(at(rsi, Sleeper.ticket), r9d);
          a.if_('e', () => {
            a.mov(rdi, rcx);
            a.call('kick_core');
            a.return_();
          });
        });
      });
    });
  },
};

/** RAX = the lock when it is free but for the flag, RDX = the lock when it is free, both with EAX as the ticket served next. */
function pair(a: Assembler): void {
  a.mov(edx, eax);
  a.mov(rcx, rdx);
  a.shl(rcx, 32);
  a.or(rdx, rcx);
  a.comment('SLOW in the upper half');
  a.mov(rax, rdx);
  a.bts(rax, 32);
}
