/**
 * A user program: as many threads as it is told, that count under a mutex, meet at a barrier, keep their SSE registers and FS base apart, and end. What
 * the calls on threads, time and files return is checked by the first one.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { inSegment, mem, mem32, mem64 } from '../../../asm/operand.ts';
import { record, u64 } from '../../../asm/record.ts';
import { eax, ebp, ebx, ecx, edi, edx, esi, fs, r10, r12, r13, rax, rbp, rbx, rcx, rdi, rdx, rsi, rsp } from '../../../asm/register.ts';
import { EAGAIN, EBADF, EFAULT, EINVAL, ENOSYS } from '../errors.ts';
import { ARCH_GET_FS, ARCH_SET_FS } from '../threadCalls.ts';
import { expect, expectations, orFail } from '../user/expect.ts';
import { onThreads } from '../user/onThreads.ts';
import { exit, runtime, syscall } from '../user/runtime.ts';

const ROUNDS = 20;
const UNKNOWN_CALL = 400;
const Local = record({ self: u64 });

export const threadProgram =
  (threads: number) =>
  (a: Assembler): void => {
    a.include(runtime);
    a.include(expectations);
    a.section('data', () => {
      a.align(64);
      a.label('mutex');
      a.u32(0);
      a.label('barrier');
      a.u32(0, 0, threads);
      a.align(8);
      a.label('counter');
      a.u64(0);
    });
    a.room('handles', threads * 8);
    a.room('locals', threads * 64, 64);
    a.room('scratch', 64, 64);

    a.comment('RDI = number of this thread');
    a.proc('work', { saves: [rbx, rbp, r12, r13] }, () => {
      a.mov(rbp, rdi);
      a.comment('FS is this thread’s own place');
      a.lea(r13, mem('locals'));
      a.mov(rax, rbp);
      a.shl(rax, 6);
      a.add(r13, rax);
      a.mov(mem64(r13), r13);
      a.mov(edi, ARCH_SET_FS);
      a.mov(rsi, r13);
      syscall(a, 'arch_prctl');
      expect(a, 'arch_prctl', 0);
      a.call('fpu_mark');
      a.xor(ebx, ebx);
      a.repeat_while('b', () => {
        a.lea(rdi, mem('mutex'));
        a.call('mutex_lock');
        a.comment('not atomic: it is the mutex that must make it so');
        a.mov(r12, mem64('counter'));
        syscall(a, 'sched_yield');
        a.inc(r12);
        a.mov(mem64('counter'), r12);
        a.lea(rdi, mem('mutex'));
        a.call('mutex_unlock');
        a.mov(rax, inSegment(fs, Local.self));
        expect(a, 'the FS base of a thread stays its own', r13);
        a.call('fpu_check');
        a.lea(rdi, mem('barrier'));
        a.call('barrier_wait');
        a.inc(ebx);
        a.comment('between two barriers nobody counts: everybody must see the same');
        a.imul(rcx, rbx, threads);
        a.mov(rax, mem64('counter'));
        expect(a, 'the count at a barrier', rcx);
        a.lea(rdi, mem('barrier'));
        a.call('barrier_wait');
        a.cmp(ebx, ROUNDS);
      });
    });

    a.comment('the rounding bits of MXCSR stand for all of the x87 and SSE state: they are set from RBP');
    a.proc('fpu_mark', { frame: 16 }, () => {
      mxcsrOfThread(a);
      a.mov(mem32(rsp), edx);
      a.ldmxcsr(mem32(rsp));
    });

    a.proc('fpu_check', { frame: 16 }, () => {
      a.stmxcsr(mem32(rsp));
      mxcsrOfThread(a);
      a.mov(eax, mem32(rsp));
      expect(a, 'the SSE state of a thread stays its own', rdx);
    });

    a.label('main');
    onThreads(a, threads, 'work', 'handles', () => expect(a, 'munmap of a stack', 0));
    a.mov(rax, mem64('counter'));
    expect(a, 'the count', threads * ROUNDS);
    calls(a);
    exit(a, 0);
  };

/** EDX is the MXCSR of the thread with number RBP: the reset value with its own rounding. */
function mxcsrOfThread(a: Assembler): void {
  a.mov(edx, ebp);
  a.and(edx, 3);
  a.shl(edx, 13);
  a.or(edx, 0x1f80);
}

/** The first thread’s checks of single calls. */
function calls(a: Assembler): void {
  a.mov(eax, UNKNOWN_CALL);
  a.syscall();
  expect(a, 'an unknown call', -ENOSYS);
  a.mov(eax, 8);
  a.syscall();
  expect(a, 'a call that is not served', -ENOSYS);

  syscall(a, 'gettid');
  a.mov(rbx, rax);
  syscall(a, 'getpid');
  expect(a, 'the first thread has the number of the process', rbx);
  a.lea(rdi, mem('scratch'));
  syscall(a, 'set_tid_address');
  expect(a, 'set_tid_address', rbx);

  a.lea(rdi, mem('scratch'));
  a.lea(rsi, mem('scratch', 4));
  syscall(a, 'getcpu');
  expect(a, 'getcpu', 0);
  a.mov(eax, mem32('scratch', 4));
  expect(a, 'the node', 0);
  a.mov(rdi, 8);
  a.xor(esi, esi);
  syscall(a, 'getcpu');
  expect(a, 'getcpu to nowhere', -EFAULT);

  a.mov(edi, 1);
  a.lea(rsi, mem('scratch'));
  syscall(a, 'clock_gettime');
  expect(a, 'clock_gettime', 0);
  a.mov(rbx, mem64('scratch', 8));
  a.mov(edi, 1);
  a.lea(rsi, mem('scratch'));
  syscall(a, 'clock_gettime');
  a.mov(rax, mem64('scratch', 8));
  a.cmp(rbx, rax);
  orFail(a, 'jb', 'time goes on');
  a.mov(edi, 2);
  a.lea(rsi, mem('scratch'));
  syscall(a, 'clock_gettime');
  expect(a, 'a clock that is not there', -EINVAL);

  a.mov(edi, 7);
  a.lea(rsi, mem('scratch'));
  a.mov(edx, 1);
  syscall(a, 'write');
  expect(a, 'write to a file that is not open', -EBADF);
  a.mov(edi, 1);
  a.mov(rsi, 0x1000);
  a.mov(edx, 1);
  syscall(a, 'write');
  expect(a, 'write from nowhere', -EFAULT);

  const futex = (operation: number, value: number): void => {
    a.lea(rdi, mem('scratch', 16));
    a.mov(esi, operation);
    a.mov(edx, value);
    a.xor(r10, r10);
    syscall(a, 'futex');
  };
  futex(128, 5);
  expect(a, 'futex wait for another value', -EAGAIN);
  futex(129, 5);
  expect(a, 'futex wake of nobody', 0);
  futex(9, 0);
  expect(a, 'futex operation that is not there', -ENOSYS);
  a.mov(rdi, 0x1000);
  a.mov(esi, 128);
  syscall(a, 'futex');
  expect(a, 'futex nowhere', -EFAULT);
  a.lea(rdi, mem('scratch', 1));
  a.mov(esi, 128);
  syscall(a, 'futex');
  expect(a, 'futex across a boundary', -EINVAL);

  a.xor(edi, edi);
  a.lea(rsi, mem('scratch', 64));
  syscall(a, 'clone');
  expect(a, 'clone of a process', -EINVAL);
  a.mov(edi, ARCH_GET_FS);
  a.lea(rsi, mem('scratch'));
  syscall(a, 'arch_prctl');
  expect(a, 'arch_prctl', 0);
  a.lea(rcx, mem('locals'));
  a.mov(rax, mem64('scratch'));
  expect(a, 'the FS base that was set', rcx);
  a.mov(edi, ARCH_SET_FS);
  a.mov(rsi, -1);
  syscall(a, 'arch_prctl');
  expect(a, 'a base outside of user space', -EINVAL);
  a.mov(edi, 0);
  a.mov(esi, 8);
  a.lea(rdx, mem('scratch'));
  syscall(a, 'sched_getaffinity');
  expect(a, 'sched_getaffinity', 8);
  a.mov(ecx, 1);
  a.mov(rax, mem64('scratch'));
  a.and(rax, rcx);
  expect(a, 'core 0 is there', 1);
  a.comment('no word to clear: this thread’s scratch place goes with it');
  a.xor(edi, edi);
  syscall(a, 'set_tid_address');
}
