/**
 * Who waits at an end of a socket, for data to read or for room to write: `socket_wake(RDI = end)`, and what those do who wait there themselves.
 *
 * As in Linux 3.5 (`sk_wq`) an end has one queue for both, all are woken, and look again; and the queue is looked at without its lock first. Nobody is woken in vain
 * for long, and nobody is forgotten. A reader puts itself into the queue under the end's lock, having seen no message; a writer of the other end looks
 * at the queue after it let go of the lock under which it put one there. A writer that needs room puts itself there, then looks at its bound once more; who lowers it (a
 * locked instruction) looks at the queue afterwards.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { eax, r12, rax, rbx, rdi, rsi } from '../../asm/register.ts';
import { EINTR } from './errors.ts';
import { SocketEnd } from './socket.ts';
import { current, Thread } from './thread.ts';
import { WaitQueue } from './waitQueue.ts';

export function socketWait(a: Assembler): void {
  a.proc('socket_wake', { saves: [rbx] }, () => {
    a.cmp(mem64(rdi, SocketEnd.waiters, WaitQueue.head), 0);
    a.return_if('e');
    a.mov(rbx, rdi);
    a.lea(rdi, at(rbx, SocketEnd.waitLock));
    a.call('lock_acquire');
    a.repeat_while('nz', () => {
      a.lea(rdi, at(rbx, SocketEnd.waiters));
      a.call('wait_wake');
      a.test(rax, rax);
    });
    a.lea(rdi, at(rbx, SocketEnd.waitLock));
    a.call('lock_release');
  });

  a.comment('RBX = end: the running thread is one of those who wait there, and INTERRUPTIBLE. `waitLock` is held');
  a.label('socket_line_up');
  a.lea(rdi, at(rbx, SocketEnd.waitLock));
  a.call('lock_acquire');
  a.lea(rdi, at(rbx, SocketEnd.waiters));
  a.mov(rsi, current);
  a.call('wait_append');
  a.comment('a full barrier, so that what the caller looks at next is looked at after this');
  a.jmp('wait_prepare');

  a.comment('RBX = end: the running thread, which was woken, is not among those who wait there. RAX = 0, or -EINTR when it is to die');
  a.proc('socket_wait_over', { saves: [r12] }, () => {
    a.mov(r12, current);
    a.cmp(at(r12, Thread.waiting), 0);
    a.if_('ne', () => {
      a.lea(rdi, at(rbx, SocketEnd.waitLock));
      a.call('lock_acquire');
      a.call('socket_step_out');
      a.lea(rdi, at(rbx, SocketEnd.waitLock));
      a.call('lock_release');
    });
    a.xor(eax, eax);
    a.cmp(at(r12, Thread.dying), 0);
    a.return_if('e');
    a.mov(rax, -EINTR);
  });

  a.comment('the same, with `waitLock` held: somebody may have been faster');
  a.label('socket_step_out');
  a.mov(rsi, current);
  a.cmp(at(rsi, Thread.waiting), 0);
  a.if_('ne', () => {
    a.lea(rdi, at(rbx, SocketEnd.waiters));
    a.call('wait_remove');
  });
  a.ret();
}
