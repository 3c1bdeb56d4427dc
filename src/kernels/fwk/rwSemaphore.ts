/**
 * A reader/writer lock for long sections: the mmap lock.
 *
 * `read_lock`, `read_unlock`, `write_lock`, `write_unlock`, each with RDI = lock. Without contention one locked instruction each. Who must wait either
 * sleeps in a queue, first come, first served, or spins, by the choice of whoever builds the kernel; spinners are not in any order, but a writer
 * that waits keeps new readers out. Holders may sleep, take spinlocks and shoot down; waiting is done with interrupts on.
 *
 * `state`: readers in bits 31:0, WRITER, WAITERS. While WAITERS is set, which only the holder of `queueLock` changes, nobody takes the lock
 * past the queue.
 *
 * Unlike Linux's, a sleeping writer does not first spin while the holder runs.
 */
import { MARK_SPIN_BEGIN, MARK_SPIN_END, WAIT_LOCK } from '../../arch/marks.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem } from '../../asm/operand.ts';
import { record, u64 } from '../../asm/record.ts';
import { eax, ecx, edi, r12, rax, rbp, rbx, rcx, rdi, rdx } from '../../asm/register.ts';
import type { KernelChoices } from './parameters.ts';
import { current, THREAD_BLOCKED, Thread } from './thread.ts';

export const RwSemaphore = record({
  state: u64,
  queueLock: u64,
  queueHead: u64,
  queueTail: u64,
});

const WRITER_BIT = 32;
const WAITERS_BIT = 33;
/** What a waiter wants: `Thread.waitKey`. */
const READ = 0;
const WRITE = 1;

export const rwSemaphore =
  (choices: KernelChoices) =>
  (a: Assembler): void => {
    a.proc('read_lock', {}, () => {
      a.mov(rax, at(rdi, RwSemaphore.state));
      a.loop(() => {
        a.mov(rcx, rax);
        a.shr(rcx, WRITER_BIT);
        a.jnz('.wait');
        a.lea(rcx, mem(rax, 1));
        a.lock.cmpxchg(at(rdi, RwSemaphore.state), rcx);
        a.return_if('e');
      });
      a.label('.wait');
      a.mov(ecx, READ);
      a.call('rwsem_wait');
    });

    a.proc('write_lock', {}, () => {
      a.xor(eax, eax);
      a.mov(ecx, 1);
      a.shl(rcx, WRITER_BIT);
      a.lock.cmpxchg(at(rdi, RwSemaphore.state), rcx);
      a.return_if('e');
      a.mov(ecx, WRITE);
      a.call('rwsem_wait');
    });

    a.proc('read_unlock', {}, () => {
      a.mov(rax, -1);
      a.lock.xadd(at(rdi, RwSemaphore.state), rax);
      a.dec(rax);
      a.comment('the last reader hands over, if anybody waits');
      a.mov(ecx, 1);
      a.shl(rcx, WAITERS_BIT);
      a.cmp(rax, rcx);
      a.return_if('ne');
      a.call('rwsem_hand_over');
    });

    a.proc('write_unlock', {}, () => {
      a.lock.btr(at(rdi, RwSemaphore.state), WRITER_BIT);
      a.bt(at(rdi, RwSemaphore.state), WAITERS_BIT);
      a.return_if('nc');
      a.call('rwsem_hand_over');
    });

    if (choices.spinningMmapLock) spinningWait(a);
    else sleepingWait(a);
  };

/** `rwsem_wait(RDI = lock, RCX = READ or WRITE)`: it is held; `rwsem_hand_over(RDI)`: whoever's turn it is has it. */
function sleepingWait(a: Assembler): void {
  a.proc('rwsem_wait', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, current);
    a.mov(at(rbp, Thread.waitKey), rcx);
    a.mov(at(rbp, Thread.waitNext), 0);
    a.lea(rdi, at(rbx, RwSemaphore.queueLock));
    a.call('lock_acquire');
    a.mov(at(rbp, Thread.state), THREAD_BLOCKED);
    a.mov(rax, at(rbx, RwSemaphore.queueTail));
    a.test(rax, rax);
    a.if_(
      'z',
      () => a.mov(at(rbx, RwSemaphore.queueHead), rbp),
      () => a.mov(at(rax, Thread.waitNext), rbp),
    );
    a.mov(at(rbx, RwSemaphore.queueTail), rbp);
    a.lock.bts(at(rbx, RwSemaphore.state), WAITERS_BIT);
    a.comment('it may have become free before it said that somebody waits');
    a.call('rwsem_grant');
    a.lea(rdi, at(rbx, RwSemaphore.queueLock));
    a.call('lock_release');
    a.xor(edi, edi);
    a.call('schedule');
  });

  a.proc('rwsem_hand_over', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.lea(rdi, at(rbx, RwSemaphore.queueLock));
    a.call('lock_acquire');
    a.call('rwsem_grant');
    a.lea(rdi, at(rbx, RwSemaphore.queueLock));
    a.call('lock_release');
  });

  a.comment(
    'RBX = lock, queueLock held: the first in the queue, if it is a reader with all readers behind it, get it if they can, and are woken',
  );
  a.label('rwsem_grant');
  a.push(r12);
  a.label('.next');
  a.mov(r12, at(rbx, RwSemaphore.queueHead));
  a.test(r12, r12);
  a.if_('z', () => {
    a.lock.btr(at(rbx, RwSemaphore.state), WAITERS_BIT);
    a.jmp('.done');
  });
  a.mov(rax, at(rbx, RwSemaphore.state));
  a.mov(ecx, 1);
  a.shl(rcx, WAITERS_BIT);
  a.cmp(at(r12, Thread.waitKey), READ);
  a.if_(
    'e',
    () => {
      a.comment('while somebody waits no other reader and no writer can come in: the state can only fall');
      a.bt(rax, WRITER_BIT);
      a.jc('.done');
      a.lock.inc(at(rbx, RwSemaphore.state));
    },
    () => {
      a.cmp(rax, rcx);
      a.jne('.done');
      a.lock.bts(at(rbx, RwSemaphore.state), WRITER_BIT);
    },
  );
  a.mov(rax, at(r12, Thread.waitNext));
  a.mov(at(rbx, RwSemaphore.queueHead), rax);
  a.test(rax, rax);
  a.if_('z', () => a.mov(at(rbx, RwSemaphore.queueTail), rax));
  a.mov(rdi, r12);
  a.call('thread_wake');
  a.jmp('.next');
  a.label('.done');
  a.pop(r12);
  a.ret();
}

/** The same contract, without sleeping: WAITERS is set by writers only, and cleared by the one that gets in. */
function spinningWait(a: Assembler): void {
  a.proc('rwsem_wait', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, rcx);
    a.mov(edi, WAIT_LOCK);
    a.mark(MARK_SPIN_BEGIN);
    a.loop(() => {
      a.cmp(rbp, READ);
      a.if_(
        'e',
        () => {
          a.mov(rax, at(rbx, RwSemaphore.state));
          a.mov(rcx, rax);
          a.shr(rcx, WRITER_BIT);
          a.if_('z', () => {
            a.lea(rcx, mem(rax, 1));
            a.lock.cmpxchg(at(rbx, RwSemaphore.state), rcx);
            a.break_if('e');
          });
        },
        () => {
          a.mov(ecx, 1);
          a.shl(rcx, WAITERS_BIT);
          a.mov(rax, at(rbx, RwSemaphore.state));
          a.mov(rdx, rax);
          a.or(rdx, rcx);
          a.cmp(rdx, rcx);
          a.if_(
            'e',
            () => {
              a.comment('nobody has it: take it. Other writers that wait set WAITERS anew');
              a.shr(rcx, WAITERS_BIT - WRITER_BIT);
              a.lock.cmpxchg(at(rbx, RwSemaphore.state), rcx);
              a.break_if('e');
            },
            () => {
              a.test(rax, rcx);
              a.if_('z', () => a.lock.bts(at(rbx, RwSemaphore.state), WAITERS_BIT));
            },
          );
        },
      );
      a.pause();
    });
    a.mark(MARK_SPIN_END);
  });

  a.comment('spinners help themselves');
  a.proc('rwsem_hand_over', {}, () => {});
}
