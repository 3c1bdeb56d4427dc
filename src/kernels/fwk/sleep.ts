/**
 * Sleeping: nanosleep, in ticks. A thread sleeps until the first tick after its time, on whatever core that comes; as in Linux without high-resolution
 * timers.
 *
 * Sleepers are in one list in order of time. `sleep_next` is the first one's time, 0 when there is none; ticks read it without the list's lock, and
 * leave the waking to `sleep_expire`, which `deferred_work` calls. While anybody sleeps, idle cores go on ticking, if they have not stopped before.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { al, eax, ecx, edx, r12, r13, rax, rbx, rcx, rdi, rdx, rsi, rsp } from '../../asm/register.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { readTsc } from '../lib/time.ts';
import { EINTR, EINVAL } from './errors.ts';
import { current, THREAD_INTERRUPTIBLE, Thread } from './thread.ts';

const NANOSECONDS = 1_000_000_000;
/** More than 30 years are as good as any time: a product of them and the frequency fits in 64 bits. */
const MOST_SECONDS = 1_000_000_000;

export function sleep(a: Assembler): void {
  a.variable('sleep_lock');
  a.variable('sleep_head');
  a.variable('sleep_next');

  a.comment(
    '(timespec, remaining time: never written, as nothing but the end of the process cuts a sleep short). RBX = thread, R12 = its time',
  );
  a.proc('sys_nanosleep', { saves: [rbx, r12], frame: 16 }, () => {
    a.mov(rsi, rdi);
    a.mov(rdi, rsp);
    a.mov(edx, 16);
    a.call('copy_from_user');
    a.test(rax, rax);
    a.return_if('nz');
    a.cmp(mem64(rsp), MOST_SECONDS);
    a.ja('.invalid');
    a.cmp(mem64(rsp, 8), NANOSECONDS);
    a.jae('.invalid');
    a.mov(rax, mem64(rsp, 8));
    a.mul(mem64('boot_tsc_hz'));
    a.mov(ecx, NANOSECONDS);
    a.div(rcx);
    a.mov(r12, rax);
    a.mov(rax, mem64(rsp));
    a.mul(mem64('boot_tsc_hz'));
    a.add(r12, rax);
    readTsc(a);
    a.add(r12, rax);

    a.mov(rbx, current);
    acquire(a, 'sleep_lock');
    a.mov(at(rbx, Thread.waitKey), r12);
    a.mov(at(rbx, Thread.waiting), 1);
    a.mov(eax, THREAD_INTERRUPTIBLE);
    a.comment('a full barrier before thread_block asks whether the process is ending');
    a.xchg(at(rbx, Thread.state), eax);
    a.call('sleep_link');
    release(a, 'sleep_lock');
    a.call('thread_block');

    a.xor(eax, eax);
    a.comment('woken by sleep_expire, which has taken it out of the list; or, if it is to die, maybe not');
    a.cmp(at(rbx, Thread.dying), 0);
    a.return_if('e');
    acquire(a, 'sleep_lock');
    a.cmp(at(rbx, Thread.waiting), 0);
    a.if_('ne', () => a.call('sleep_unlink'));
    release(a, 'sleep_lock');
    a.mov(rax, -EINTR);
    a.return_();
    a.label('.invalid');
    a.mov(rax, -EINVAL);
  });

  a.comment('RBX = thread, R12 = its time, the list locked: into its place, behind those of the same time. Changes RAX, RCX');
  a.label('sleep_link');
  a.xor(ecx, ecx);
  a.mov(rax, mem64('sleep_head'));
  a.loop(() => {
    a.test(rax, rax);
    a.break_if('z');
    a.cmp(at(rax, Thread.waitKey), r12);
    a.break_if('a');
    a.mov(rcx, rax);
    a.mov(rax, at(rax, Thread.waitNext));
  });
  a.mov(at(rbx, Thread.waitNext), rax);
  a.test(rcx, rcx);
  a.if_(
    'nz',
    () => {
      a.mov(at(rcx, Thread.waitNext), rbx);
      a.ret();
    },
    () => a.mov(mem64('sleep_head'), rbx),
  );
  a.label('sleep_note');
  a.comment('RAX changes: when the first one is to wake');
  a.mov(rax, mem64('sleep_head'));
  a.test(rax, rax);
  a.if_('nz', () => a.mov(rax, at(rax, Thread.waitKey)));
  a.mov(mem64('sleep_next'), rax);
  a.ret();

  a.comment('RBX = thread in the list, which is locked: out of it. Changes RAX, RCX, RDX');
  a.label('sleep_unlink');
  a.xor(ecx, ecx);
  a.mov(rax, mem64('sleep_head'));
  a.while_(
    () => a.cmp(rax, rbx),
    'ne',
    () => {
      a.mov(rcx, rax);
      a.mov(rax, at(rax, Thread.waitNext));
    },
  );
  a.mov(rdx, at(rbx, Thread.waitNext));
  a.test(rcx, rcx);
  a.if_(
    'z',
    () => a.mov(mem64('sleep_head'), rdx),
    () => a.mov(at(rcx, Thread.waitNext), rdx),
  );
  a.mov(at(rbx, Thread.waiting), 0);
  a.jmp('sleep_note');

  a.comment('RAX = 1 if somebody’s time has come, without the lock: it is looked at again with it. Changes RCX, RDX');
  a.proc('sleep_due', {}, () => {
    a.mov(rcx, mem64('sleep_next'));
    a.xor(eax, eax);
    a.test(rcx, rcx);
    a.return_if('z');
    readTsc(a);
    a.cmp(rax, rcx);
    a.mov(eax, 0);
    a.setae(al);
  });

  a.comment('whoever’s time has come is woken. RBX = thread, R13 = now');
  a.proc('sleep_expire', { saves: [rbx, r13] }, () => {
    readTsc(a);
    a.mov(r13, rax);
    acquire(a, 'sleep_lock');
    a.loop(() => {
      a.mov(rbx, mem64('sleep_head'));
      a.test(rbx, rbx);
      a.break_if('z');
      a.cmp(at(rbx, Thread.waitKey), r13);
      a.break_if('a');
      a.call('sleep_unlink');
      a.mov(rdi, rbx);
      a.comment('under the lock: a thread that has been told to die meanwhile waits for it before it goes');
      a.call('thread_wake');
    });
    release(a, 'sleep_lock');
  });
}
