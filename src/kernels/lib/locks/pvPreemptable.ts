/**
 * Preemptable ticket lock with a paravirtual end: in line as in preemptableCompact.ts; who competes in vain for long halts, and whoever lets go
 * of the lock wakes the first of those that sleep. The published code of this variant is not public: this one follows the paper's description.
 *
 * Layout: as the compact lock; bits 63:32 count those that sleep, or are about to look once more before they do.
 *
 * Ordering: as the compact lock. Against lost wake-ups: a sleeper publishes its slot, adds itself to the count, then looks at `head`; the release
 * frees `head`, then looks at the count, then at the slots. All by locked instructions, so that one of the two sees the other. Each
 * release kicks one sleeper, and a sleeper that was kicked competes until it holds the lock or goes to sleep with the lock held by another,
 * whose release kicks again. So a free lock never has sleepers only.
 */
import { HYPERCALL_KICK_CPU } from '../../../arch/hypercalls.ts';
import { at } from '../../../asm/operand.ts';
import { record, u16, u32 } from '../../../asm/record.ts';
import { dx, eax, edx, r8d, r9d, r10, r11d, rcx, rdi, rsi } from '../../../asm/register.ts';
import type { LockAlgorithm } from './lock.ts';
import { lockMarks, MARKS } from './lockMarks.ts';
import {
  COMPACT_POLL,
  CompactLock,
  compete,
  drawTicket,
  HELD,
  letGo,
  looksFree,
  waitForTurn,
  writeCompactTry,
} from './preemptableCompact.ts';
import { unit } from './preemptableFlag.ts';
import { kickCore, SPIN, sleepUnless } from './sleep.ts';
import { announceSleeper, forSleepers, retractSleeper, Sleeper, sleepers } from './sleepers.ts';

const PvLock = record({ head: u16, tail: u16, sleeping: u32 });
/** More than any distance between tickets. */
const NOBODY = 0x1_0000;

export const pvPreemptable: LockAlgorithm = {
  name: 'pv-preemptable',
  doc: 'preemptable ticket lock whose waiters halt in the end and are kicked; only in a virtual machine',
  hypercall: HYPERCALL_KICK_CPU,
  parameters: [MARKS, unit(8), SPIN],
  write(a, parameters) {
    const marks = lockMarks(a, parameters);
    a.include(sleepers);
    a.include(kickCore);

    a.proc('lock_acquire', {}, () => {
      drawTicket(a, marks);
      a.return_if('z');
      marks.waiting({ poll: COMPACT_POLL, inOrder: true, ticket: r8d }, () => {
        waitForTurn(a, marks, parameters['lock-unit']!);
        a.label('.compete');
        a.mov(edx, 1 << parameters[SPIN.name]!);
        a.repeat_while('nz', () => {
          looksFree(a);
          a.jz('.try');
          a.pause();
          a.dec(edx);
        });
        sleepUnless(
          a,
          () => {
            a.mov(eax, r8d);
            announceSleeper(a);
            a.lock.inc(at(rdi, PvLock.sleeping));
            a.test(at(rdi, PvLock.head), HELD);
          },
          'e',
          () => {
            a.lock.dec(at(rdi, PvLock.sleeping));
            retractSleeper(a);
          },
        );
        a.jmp('.compete');
        a.label('.try');
        compete(a, marks);
        a.jnz('.compete');
      });
    });

    writeCompactTry(a, marks);

    a.proc('lock_release', {}, () => {
      letGo(a, marks);
      a.cmp(at(rdi, PvLock.sleeping), 0);
      a.return_if('e');

      a.comment('the sleeper with the lowest ticket from `head` on; those that were passed over come after all others, the oldest first');
      a.movzx(r9d, at(rdi, CompactLock.head));
      a.and(r9d, ~HELD);
      a.mov(r11d, NOBODY);
      forSleepers(a, () => {
        a.cmp(at(rsi, Sleeper.lock), rdi);
        a.if_('e', () => {
          a.mov(edx, at(rsi, Sleeper.ticket));
          a.sub(edx, r9d);
          a.movzx(edx, dx);
          a.cmp(edx, r11d);
          a.if_('b', () => {
            a.mov(r11d, edx);
            a.mov(r10, rcx);
          });
        });
      });
      a.cmp(r11d, NOBODY);
      a.return_if('e');
      a.mov(rdi, r10);
      a.call('kick_core');
    });
  },
};
