/**
 * Queues of threads that wait, linked by `Thread.waitNext`. A queue is changed under the lock of whoever owns it, and `Thread.waiting` with it.
 *
 * `wait_append(RDI = queue, RSI = thread)`: the thread is last; `wait_remove(RDI, RSI)`: the thread, which is in it, is out; `wait_wake(RDI)` → RAX = 1: the
 * first one is out and runnable, 0: there was none. `wait_prepare`: the running thread is INTERRUPTIBLE, so that a wake-up, or the end of its process, from
 * here on is not lost; then it appends itself, lets the lock go and calls thread_block.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at } from '../../asm/operand.ts';
import { record, u64 } from '../../asm/record.ts';
import { eax, ecx, rax, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { current, THREAD_INTERRUPTIBLE, Thread } from './thread.ts';

export const WaitQueue = record({ head: u64, tail: u64 });

export function waitQueues(a: Assembler): void {
  a.proc('wait_prepare', {}, () => {
    a.mov(rcx, current);
    a.mov(eax, THREAD_INTERRUPTIBLE);
    a.comment('exchanged: a full barrier before thread_block asks whether the thread is to die');
    a.xchg(at(rcx, Thread.state), eax);
  });

  a.proc('wait_append', {}, () => {
    a.mov(at(rsi, Thread.waitNext), 0);
    a.mov(at(rsi, Thread.waiting), 1);
    a.mov(rax, at(rdi, WaitQueue.tail));
    a.test(rax, rax);
    a.if_(
      'z',
      () => a.mov(at(rdi, WaitQueue.head), rsi),
      () => a.mov(at(rax, Thread.waitNext), rsi),
    );
    a.mov(at(rdi, WaitQueue.tail), rsi);
  });

  a.proc('wait_remove', {}, () => {
    a.xor(ecx, ecx);
    a.mov(rax, at(rdi, WaitQueue.head));
    a.while_(
      () => a.cmp(rax, rsi),
      'ne',
      () => {
        a.mov(rcx, rax);
        a.mov(rax, at(rax, Thread.waitNext));
      },
    );
    a.mov(rdx, at(rsi, Thread.waitNext));
    a.test(rcx, rcx);
    a.if_(
      'z',
      () => a.mov(at(rdi, WaitQueue.head), rdx),
      () => a.mov(at(rcx, Thread.waitNext), rdx),
    );
    a.cmp(at(rdi, WaitQueue.tail), rsi);
    a.if_('e', () => a.mov(at(rdi, WaitQueue.tail), rcx));
    a.mov(at(rsi, Thread.waiting), 0);
  });

  a.proc('wait_wake', { saves: [rbx] }, () => {
    a.mov(rsi, at(rdi, WaitQueue.head));
    a.mov(rax, rsi);
    a.test(rsi, rsi);
    a.return_if('z');
    a.mov(rbx, rsi);
    a.call('wait_remove');
    a.mov(rdi, rbx);
    a.call('thread_wake');
    a.mov(eax, 1);
  });
}
