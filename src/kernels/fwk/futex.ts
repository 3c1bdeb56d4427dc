/**
 * Futexes: FUTEX_WAIT and FUTEX_WAKE (with or without FUTEX_PRIVATE_FLAG; no process shares memory with another, so all are private), without timeout
 * and without the other operations, which return -ENOSYS.
 *
 * A waiter is in the queue of the bucket of its key, an address space and an address in it. Whether the word still has the value that the
 * caller saw is decided under the bucket's lock, under which wakers look for it, too: a wake-up that follows the change of the word is not lost. A page
 * fault must not be served under that lock, as it may have to wait; the word is then touched without it and all is done again.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { aligned, record, sizeOf, space, u64 } from '../../asm/record.ts';
import { eax, ebx, edx, esi, r12, r13, r14, r14d, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { EAGAIN, EFAULT, EINTR, EINVAL, ENOSYS } from './errors.ts';
import { USER_END } from './layout.ts';
import { current, Thread } from './thread.ts';
import { WaitQueue } from './waitQueue.ts';

const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const FUTEX_PRIVATE_FLAG = 128;

const BUCKETS = 64;
const Bucket = record({ lock: aligned(64, u64), queue: space(sizeOf(WaitQueue)) });

export function futex(a: Assembler): void {
  a.room('futex_buckets', BUCKETS * sizeOf(Bucket), 64);

  a.comment('(address, operation, value, timeout)');
  a.proc('sys_futex', {}, () => {
    a.test(rdi, 3);
    a.jnz('.invalid');
    a.and(esi, ~FUTEX_PRIVATE_FLAG);
    a.cmp(esi, FUTEX_WAIT);
    a.if_('e', () => {
      a.test(rcx, rcx);
      a.jnz('.unknown');
      a.mov(rsi, rdx);
      a.jmp('futex_wait');
    });
    a.cmp(esi, FUTEX_WAKE);
    a.jne('.unknown');
    a.comment('at least one is woken, as in Linux');
    a.movsxd(rsi, edx);
    a.mov(eax, 1);
    a.cmp(rsi, rax);
    a.cmovl(rsi, rax);
    a.jmp('futex_wake');
    a.label('.unknown');
    a.mov(rax, -ENOSYS);
    a.return_();
    a.label('.invalid');
    a.mov(rax, -EINVAL);
  });

  a.comment('RDI = address: RBP = key, RBX = bucket. Keys of a space differ in the address, those of two spaces in the upper bits');
  a.label('futex_key');
  a.mov(rbp, current);
  a.mov(rbp, at(rbp, Thread.mm));
  a.comment('records of spaces lie below 2^32 and addresses below 2^47: 16 bits of one and 48 of the other make the key');
  a.shr(rbp, 6);
  a.shl(rbp, 48);
  a.xor(rbp, rdi);
  a.mov(rbx, rbp);
  a.shr(rbx, 2);
  a.mov(rax, rbp);
  a.shr(rax, 12);
  a.xor(rbx, rax);
  a.shr(rax, 36);
  a.xor(rbx, rax);
  a.and(ebx, BUCKETS - 1);
  a.imul(rbx, rbx, sizeOf(Bucket));
  a.add(rbx, addr('futex_buckets'));
  a.ret();

  a.comment('RDI = address, ESI = value. R12 = thread, R13 = address, R14 = value');
  a.proc('futex_wait', { saves: [rbx, rbp, r12, r13, r14] }, () => {
    a.mov(r13, rdi);
    a.mov(r14, rsi);
    a.mov(r12, current);
    a.call('futex_key');
    a.label('.again');
    a.mov(rdi, rbx);
    a.call('lock_acquire');
    a.mov(at(r12, Thread.faultsOff), 1);
    a.mov(rdi, r13);
    a.call('get_user32');
    a.mov(at(r12, Thread.faultsOff), 0);
    a.test(rdx, rdx);
    a.if_('nz', () => {
      a.mov(rdi, rbx);
      a.call('lock_release');
      a.mov(rdi, r13);
      a.call('get_user32');
      a.test(rdx, rdx);
      a.jz('.again');
      a.mov(rax, rdx);
      a.return_();
    });
    a.cmp(eax, r14d);
    a.if_('ne', () => {
      a.mov(rdi, rbx);
      a.call('lock_release');
      a.mov(rax, -EAGAIN);
      a.return_();
    });
    a.mov(at(r12, Thread.waitKey), rbp);
    a.call('wait_prepare');
    a.lea(rdi, at(rbx, Bucket.queue));
    a.mov(rsi, r12);
    a.call('wait_append');
    a.mov(rdi, rbx);
    a.call('lock_release');
    a.call('thread_block');

    a.xor(eax, eax);
    a.comment('woken by a waker, who has taken it out of the queue and has nothing more to do with it; or, if it is to die, maybe not');
    a.cmp(at(r12, Thread.dying), 0);
    a.return_if('e');
    a.mov(rdi, rbx);
    a.call('lock_acquire');
    a.cmp(at(r12, Thread.waiting), 0);
    a.if_('ne', () => {
      a.lea(rdi, at(rbx, Bucket.queue));
      a.mov(rsi, r12);
      a.call('wait_remove');
    });
    a.mov(rdi, rbx);
    a.call('lock_release');
    a.mov(rax, -EINTR);
  });

  a.comment('RDI = address, RSI = most: RAX = threads woken. R12 = how many more, R13 = woken, R14 = next');
  a.proc('futex_wake', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(r12, rsi);
    a.mov(rax, USER_END);
    a.cmp(rdi, rax);
    a.jae('.fault');
    a.call('futex_key');
    a.xor(r13, r13);
    a.mov(rdi, rbx);
    a.call('lock_acquire');
    a.mov(r14, mem64(rbx, Bucket.queue, WaitQueue.head));
    a.loop(() => {
      a.test(r14, r14);
      a.break_if('z');
      a.cmp(r13, r12);
      a.break_if('ae');
      a.mov(rsi, r14);
      a.mov(r14, at(r14, Thread.waitNext));
      a.cmp(at(rsi, Thread.waitKey), rbp);
      a.if_('e', () => {
        a.mov(r15, rsi);
        a.lea(rdi, at(rbx, Bucket.queue));
        a.call('wait_remove');
        a.comment('under the lock: a thread that has been told to die meanwhile waits for it before it goes');
        a.mov(rdi, r15);
        a.call('thread_wake');
        a.inc(r13);
      });
    });
    a.mov(rdi, rbx);
    a.call('lock_release');
    a.mov(rax, r13);
    a.return_();
    a.label('.fault');
    a.mov(rax, -EFAULT);
  });
}
