/**
 * System calls on threads and time: clone, exit, exit_group, gettid, getpid, sched_yield, set_tid_address, arch_prctl, getcpu,
 * sched_getaffinity, clock_gettime.
 *
 * clone makes threads, not processes: CLONE_VM, CLONE_SIGHAND and CLONE_THREAD are required, CLONE_FS, CLONE_FILES and CLONE_SYSVSEM are accepted
 * (a thread shares everything anyway), CLONE_SETTLS, CLONE_PARENT_SETTID, CLONE_CHILD_SETTID and CLONE_CHILD_CLEARTID are done, CLONE_DETACHED is ignored;
 * everything else is -EINVAL. These are the flags of pthread_create. arch_prctl knows ARCH_SET_FS and ARCH_GET_FS. Clocks 0, 1 and their coarse and raw
 * kin all count from the start of the machine.
 */
import { IA32_FS_BASE } from '../../arch/msr.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { sizeOf } from '../../asm/record.ts';
import { eax, ecx, edi, edx, esi, r8, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi, rsp } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { readTsc } from '../lib/time.ts';
import { TrapFrame } from '../lib/trap.ts';
import { EAGAIN, EINVAL } from './errors.ts';
import { USER_END } from './layout.ts';
import { Process } from './process.ts';
import { current, Thread } from './thread.ts';

export const CLONE_VM = 0x100;
export const CLONE_FS = 0x200;
export const CLONE_FILES = 0x400;
export const CLONE_SIGHAND = 0x800;
export const CLONE_THREAD = 0x1_0000;
export const CLONE_SYSVSEM = 0x4_0000;
export const CLONE_SETTLS = 0x8_0000;
export const CLONE_PARENT_SETTID = 0x10_0000;
export const CLONE_CHILD_CLEARTID = 0x20_0000;
const CLONE_DETACHED = 0x40_0000;
export const CLONE_CHILD_SETTID = 0x100_0000;
const REQUIRED = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
const KNOWN =
  REQUIRED |
  CLONE_FS |
  CLONE_FILES |
  CLONE_SYSVSEM |
  CLONE_SETTLS |
  CLONE_PARENT_SETTID |
  CLONE_CHILD_CLEARTID |
  CLONE_CHILD_SETTID |
  CLONE_DETACHED;

export const ARCH_SET_FS = 0x1002;
export const ARCH_GET_FS = 0x1003;
/** CLOCK_REALTIME, CLOCK_MONOTONIC, …_RAW, …_COARSE are 0, 1, 4, 5, 6; 2 and 3 would be processor time. */
const CLOCKS = 0b111_0011;

export function threadCalls(a: Assembler): void {
  a.comment(
    '(flags, stack, parent tid, child tid, tls). RBX = new thread, RBP = this one, R12–R15 = the arguments but the last, which is pushed',
  );
  a.proc('sys_clone', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(eax, ~KNOWN >>> 0);
    a.test(rdi, rax);
    a.jnz('.invalid');
    a.mov(eax, edi);
    a.and(eax, REQUIRED);
    a.cmp(eax, REQUIRED);
    a.jne('.invalid');
    a.comment('a thread without a stack of its own would share that of its maker');
    a.test(rsi, rsi);
    a.jz('.invalid');
    a.mov(rax, USER_END);
    a.cmp(rsi, rax);
    a.ja('.invalid');
    a.test(rdi, CLONE_SETTLS);
    a.if_('nz', () => {
      a.cmp(r8, rax);
      a.jae('.invalid');
    });
    a.mov(r12, rdi);
    a.mov(r13, rsi);
    a.mov(r14, rdx);
    a.mov(r15, rcx);
    a.push(r8);
    a.mov(rbp, current);
    a.mov(edi, addr('user_begin'));
    a.xor(esi, esi);
    a.call('thread_create');
    a.pop(r8);
    a.mov(rbx, rax);
    a.test(rax, rax);
    a.if_('z', () => {
      a.mov(rax, -EAGAIN);
      a.return_();
    });

    a.comment('the same frame, but for the result and the stack; the same x87 and SSE state');
    a.mov(rsi, at(rbp, Thread.stackTop));
    a.sub(rsi, sizeOf(TrapFrame));
    a.mov(rdi, at(rbx, Thread.stackTop));
    a.sub(rdi, sizeOf(TrapFrame));
    a.mov(rdx, rdi);
    a.mov(ecx, sizeOf(TrapFrame) / 8);
    a.rep.movsq();
    a.mov(at(rdx, TrapFrame.rax), 0);
    a.mov(at(rdx, TrapFrame.rsp), r13);
    a.fxsave64(at(rbx, Thread.fpu));
    a.mov(rax, at(rbp, Thread.fsBase));
    a.test(r12, CLONE_SETTLS);
    a.cmovnz(rax, r8);
    a.mov(at(rbx, Thread.fsBase), rax);
    a.mov(rax, at(rbp, Thread.mm));
    a.mov(at(rbx, Thread.mm), rax);
    a.mov(rcx, at(rbp, Thread.process));
    a.lock.inc(at(rcx, Process.threads));
    a.comment('from here on the end of the process reaches it: it is either found in the table, or sees that its process is ending');
    a.xchg(at(rbx, Thread.process), rcx);
    a.mov(rcx, at(rbp, Thread.process));
    a.cmp(at(rcx, Process.ending), 0);
    a.if_('ne', () => a.mov(at(rbx, Thread.dying), 1));

    a.comment('both words before either thread goes on; a bad address is the caller’s loss, as in Linux');
    a.test(r12, CLONE_PARENT_SETTID);
    a.if_('nz', () => {
      a.mov(rdi, r14);
      a.mov(esi, at(rbx, Thread.tid));
      a.call('put_user32');
    });
    a.test(r12, CLONE_CHILD_SETTID);
    a.if_('nz', () => {
      a.mov(rdi, r15);
      a.mov(esi, at(rbx, Thread.tid));
      a.call('put_user32');
    });
    a.test(r12, CLONE_CHILD_CLEARTID);
    a.if_('nz', () => a.mov(at(rbx, Thread.clearTid), r15));
    a.mov(eax, at(rbx, Thread.tid));
    a.mov(rbp, rax);
    a.mov(rdi, rbx);
    a.call('thread_wake');
    a.mov(rax, rbp);
    a.return_();
    a.label('.invalid');
    a.mov(rax, -EINVAL);
  });

  a.comment('(status): this thread ends; the status is the process’s if it is the last');
  a.proc('sys_exit', {}, () => {
    a.mov(rax, current);
    a.mov(rcx, at(rax, Thread.process));
    a.and(edi, 0xff);
    a.cmp(at(rcx, Process.ending), 0);
    a.if_('e', () => a.mov(at(rcx, Process.status), rdi));
    a.mov(at(rax, Thread.dying), 1);
  });

  a.proc('sys_exit_group', {}, () => {
    a.and(edi, 0xff);
    a.call('process_end');
  });

  a.proc('sys_gettid', {}, () => {
    a.mov(rax, current);
    a.mov(eax, at(rax, Thread.tid));
  });

  a.proc('sys_getpid', {}, () => {
    a.mov(rax, current);
    a.mov(rax, at(rax, Thread.process));
    a.mov(rax, at(rax, Process.pid));
  });

  a.proc('sys_sched_yield', {}, () => {
    a.mov(edi, 1);
    a.call('schedule');
    a.xor(eax, eax);
  });

  a.proc('sys_set_tid_address', {}, () => {
    a.mov(rax, current);
    a.mov(at(rax, Thread.clearTid), rdi);
    a.mov(eax, at(rax, Thread.tid));
  });

  a.proc('sys_arch_prctl', { frame: 16 }, () => {
    a.mov(rcx, current);
    a.cmp(rdi, ARCH_SET_FS);
    a.if_('e', () => {
      a.mov(rax, USER_END);
      a.cmp(rsi, rax);
      a.jae('.invalid');
      a.mov(at(rcx, Thread.fsBase), rsi);
      a.mov(rax, rsi);
      a.mov(rdx, rsi);
      a.shr(rdx, 32);
      a.mov(ecx, IA32_FS_BASE);
      a.wrmsr();
      a.xor(eax, eax);
      a.return_();
    });
    a.cmp(rdi, ARCH_GET_FS);
    a.if_('e', () => {
      a.mov(rax, at(rcx, Thread.fsBase));
      a.mov(mem64(rsp), rax);
      a.mov(rdi, rsi);
      a.mov(rsi, rsp);
      a.mov(edx, 8);
      a.call('copy_to_user');
      a.return_();
    });
    a.label('.invalid');
    a.mov(rax, -EINVAL);
  });

  a.comment('(processor, node): either may be null. There is one node');
  a.proc('sys_getcpu', { saves: [rbx] }, () => {
    a.mov(rbx, rsi);
    a.xor(eax, eax);
    a.test(rdi, rdi);
    a.if_('nz', () => {
      a.mov(esi, cpu(PerCpu.number));
      a.call('put_user32');
    });
    a.test(rbx, rbx);
    a.return_if('z');
    a.test(rax, rax);
    a.return_if('nz');
    a.mov(rdi, rbx);
    a.xor(esi, esi);
    a.call('put_user32');
  });

  a.comment('(thread, bytes, mask): all cores, whatever thread it is; the result is the size of the mask');
  a.proc('sys_sched_getaffinity', { frame: 16 }, () => {
    a.cmp(rsi, 8);
    a.jb('.invalid');
    a.mov(rax, mem64('cores_online'));
    a.mov(mem64(rsp), rax);
    a.mov(rdi, rdx);
    a.mov(rsi, rsp);
    a.mov(edx, 8);
    a.call('copy_to_user');
    a.test(rax, rax);
    a.return_if('nz');
    a.mov(eax, 8);
    a.return_();
    a.label('.invalid');
    a.mov(rax, -EINVAL);
  });

  a.comment('(clock, timespec)');
  a.proc('sys_clock_gettime', { saves: [rbx], frame: 16 }, () => {
    a.mov(rbx, rsi);
    a.cmp(rdi, 63);
    a.ja('.invalid');
    a.mov(eax, CLOCKS);
    a.bt(rax, rdi);
    a.jnc('.invalid');
    readTsc(a);
    a.xor(edx, edx);
    a.div(mem64('boot_tsc_hz'));
    a.mov(mem64(rsp), rax);
    a.mov(rax, rdx);
    a.mov(ecx, 1_000_000_000);
    a.mul(rcx);
    a.div(mem64('boot_tsc_hz'));
    a.mov(mem64(rsp, 8), rax);
    a.mov(rdi, rbx);
    a.mov(rsi, rsp);
    a.mov(edx, 16);
    a.call('copy_to_user');
    a.return_();
    a.label('.invalid');
    a.mov(rax, -EINVAL);
  });
}
