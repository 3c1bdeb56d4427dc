/**
 * The system calls, by Linux's numbers for x86-64. What is not here returns -ENOSYS.
 *
 * A procedure gets its arguments as the calling convention has them (the fourth moved from R10 to RCX) and returns the result in RAX; the trap frame of
 * the caller lies at the top of the thread's stack.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { rax } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { ENOSYS } from './errors.ts';

export const SYSCALLS = {
  read: [0, 'sys_read'],
  write: [1, 'sys_write'],
  close: [3, 'sys_close'],
  mmap: [9, 'sys_mmap'],
  mprotect: [10, 'sys_mprotect'],
  munmap: [11, 'sys_munmap'],
  brk: [12, 'sys_brk'],
  pipe: [22, 'sys_pipe'],
  sched_yield: [24, 'sys_sched_yield'],
  madvise: [28, 'sys_madvise'],
  nanosleep: [35, 'sys_nanosleep'],
  getpid: [39, 'sys_getpid'],
  sendto: [44, 'sys_sendto'],
  recvfrom: [45, 'sys_recvfrom'],
  shutdown: [48, 'sys_shutdown'],
  socketpair: [53, 'sys_socketpair'],
  clone: [56, 'sys_clone'],
  exit: [60, 'sys_exit'],
  arch_prctl: [158, 'sys_arch_prctl'],
  gettid: [186, 'sys_gettid'],
  futex: [202, 'sys_futex'],
  sched_getaffinity: [204, 'sys_sched_getaffinity'],
  set_tid_address: [218, 'sys_set_tid_address'],
  clock_gettime: [228, 'sys_clock_gettime'],
  exit_group: [231, 'sys_exit_group'],
  getcpu: [309, 'sys_getcpu'],
} as const satisfies Readonly<Record<string, readonly [number: number, procedure: string]>>;

export type SyscallName = keyof typeof SYSCALLS;

/** Numbers from here on are unknown. */
export const SYSCALL_LIMIT = Math.max(...Object.values(SYSCALLS).map(([number]) => number)) + 1;

export function syscallTable(a: Assembler): void {
  const procedures = new Map<number, string>(Object.values(SYSCALLS).map(([number, procedure]) => [number, procedure]));
  a.section('rodata', () => {
    a.align(8);
    a.label('syscall_table');
    for (let number = 0; number < SYSCALL_LIMIT; number++) a.u64(addr(procedures.get(number) ?? 'sys_none'));
  });
  a.proc('sys_none', {}, () => {
    a.mov(rax, -ENOSYS);
  });
}
