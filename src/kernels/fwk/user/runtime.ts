/**
 * What user programs written in the assembler share: system calls by name, printing, threads, mutexes, barriers.
 *
 * Programs are linked above 4 GiB: they take the address of a symbol by `lea`, relative to RIP. `main` is entered, not called; it ends by `exit`.
 * A thread is started by `thread_start(RDI = procedure, RSI = argument)` → RAX = handle, or a negated error; `thread_join(RDI = handle)` returns when it has
 * ended. A mutex is 4 bytes, zero when free: `mutex_lock(RDI)`, `mutex_unlock(RDI)`. A barrier is 12 bytes, zero but for the number of threads in the
 * third word: `barrier_wait(RDI)`; its waiters sleep.
 */
import { MARK_FIGURE } from '../../../arch/marks.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { mem, mem8, mem32, mem64 } from '../../../asm/operand.ts';
import {
  dl,
  eax,
  ebp,
  ecx,
  edi,
  edx,
  esi,
  type Register,
  r8,
  r9,
  r10,
  r12,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
  rsp,
} from '../../../asm/register.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE } from '../memoryCalls.ts';
import { SYSCALLS, type SyscallName } from '../syscallTable.ts';
import { CLONE_CHILD_CLEARTID, CLONE_FILES, CLONE_FS, CLONE_PARENT_SETTID, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from '../threadCalls.ts';
import { PROT_READ, PROT_WRITE } from '../vma.ts';

const THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;
const EVERYBODY = 0x7fff_ffff;
const STACK = 0x1_0000;
/** Above a thread's stack: procedure, argument, the word that is cleared when it ends. A handle is their address. */
const ARGUMENT = 8;
const ALIVE = 16;
const HEADER = 64;

/** RAX is the result of the system call. Changes RCX and R11. */
export function syscall(a: Assembler, name: SyscallName): void {
  a.mov(eax, SYSCALLS[name][0]);
  a.syscall();
}

/** The program ends with this status. */
export function exit(a: Assembler, status: number): void {
  a.mov(edi, status);
  syscall(a, 'exit_group');
}

/** Prints a constant text. Changes what a call changes. */
export function say(a: Assembler, text: string): void {
  a.lea(rdi, mem(a.literal(text)));
  a.call('print_text');
}

/** The figure of that number, in a callee-saved register, is printed as `name: value`, and told to observers. */
export function report(a: Assembler, figures: readonly string[], name: string, value: Register<64>): void {
  const number = figures.indexOf(name);
  if (number < 0) throw new Error(`the guest does not declare the figure '${name}'`);
  a.mov(edi, number);
  a.mov(rsi, value);
  a.mark(MARK_FIGURE);
  say(a, `${name}: `);
  a.mov(rdi, value);
  a.call('print_decimal');
  say(a, '\n');
}

export function runtime(a: Assembler): void {
  a.comment('RDI = zero-terminated text');
  a.proc('print_text', {}, () => {
    a.mov(rsi, rdi);
    a.xor(edx, edx);
    a.while_(
      () => a.cmp(mem8(rsi, rdx), 0),
      'ne',
      () => a.inc(rdx),
    );
    a.mov(edi, 1);
    syscall(a, 'write');
  });

  a.comment('RDI = number, printed in decimal');
  a.proc('print_decimal', { frame: 32 }, () => {
    a.mov(rax, rdi);
    a.lea(rsi, mem(rsp, 32));
    a.mov(ecx, 10);
    a.repeat_while('nz', () => {
      a.xor(edx, edx);
      a.div(rcx);
      a.add(dl, 0x30);
      a.dec(rsi);
      a.mov(mem8(rsi), dl);
      a.test(rax, rax);
    });
    a.lea(rdx, mem(rsp, 32));
    a.sub(rdx, rsi);
    a.mov(edi, 1);
    syscall(a, 'write');
  });

  a.comment('RDI = bytes: RAX = memory, or a negated error');
  a.proc('map_memory', {}, () => {
    a.mov(rsi, rdi);
    a.xor(edi, edi);
    a.mov(edx, PROT_READ | PROT_WRITE);
    a.mov(r10, MAP_PRIVATE | MAP_ANONYMOUS);
    a.mov(r8, -1);
    a.xor(r9, r9);
    syscall(a, 'mmap');
  });

  a.proc('thread_start', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbp, rdi);
    a.mov(r12, rsi);
    a.mov(edi, STACK);
    a.call('map_memory');
    a.test(rax, rax);
    a.return_if('s');
    a.lea(rbx, mem(rax, STACK - HEADER));
    a.mov(mem64(rbx), rbp);
    a.mov(mem64(rbx, ARGUMENT), r12);
    a.mov(edi, THREAD_FLAGS);
    a.mov(rsi, rbx);
    a.lea(rdx, mem(rbx, ALIVE));
    a.mov(r10, rdx);
    syscall(a, 'clone');
    a.test(rax, rax);
    a.if_('z', () => {
      a.comment('the new thread, on its own stack');
      a.pop(rax);
      a.pop(rdi);
      a.call(rax);
      a.xor(edi, edi);
      syscall(a, 'exit');
    });
    a.return_if('s');
    a.mov(rax, rbx);
  });

  a.proc('thread_join', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.loop(() => {
      a.mov(edx, mem32(rbx, ALIVE));
      a.test(edx, edx);
      a.break_if('z');
      a.lea(rdi, mem(rbx, ALIVE));
      a.call('futex_sleep');
    });
    a.lea(rdi, mem(rbx, HEADER - STACK));
    a.mov(esi, STACK);
    syscall(a, 'munmap');
  });

  a.comment('RDI = word, EDX = value: sleeps while it has that value, or not at all');
  a.proc('futex_sleep', {}, () => {
    a.mov(esi, FUTEX_WAIT_PRIVATE);
    a.xor(r10, r10);
    syscall(a, 'futex');
  });

  a.comment('RDI = word, EDX = how many to wake');
  a.proc('futex_rouse', {}, () => {
    a.mov(esi, FUTEX_WAKE_PRIVATE);
    syscall(a, 'futex');
  });

  a.comment('0 free, 1 held, 2 held and somebody may sleep');
  a.proc('mutex_lock', { saves: [rbx] }, () => {
    a.xor(eax, eax);
    a.mov(ecx, 1);
    a.lock.cmpxchg(mem32(rdi), ecx);
    a.return_if('e');
    a.mov(rbx, rdi);
    a.loop(() => {
      a.mov(eax, 2);
      a.xchg(mem32(rbx), eax);
      a.test(eax, eax);
      a.break_if('z');
      a.mov(rdi, rbx);
      a.mov(edx, 2);
      a.call('futex_sleep');
    });
  });

  a.proc('mutex_unlock', {}, () => {
    a.xor(eax, eax);
    a.xchg(mem32(rdi), eax);
    a.cmp(eax, 1);
    a.return_if('be');
    a.mov(edx, 1);
    a.call('futex_rouse');
  });

  a.comment('words: arrived, openings, threads');
  a.proc('barrier_wait', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.comment('read before arriving: the opening that counts comes after');
    a.mov(ebp, mem32(rbx, 4));
    a.mov(eax, 1);
    a.lock.xadd(mem32(rbx), eax);
    a.inc(eax);
    a.cmp(eax, mem32(rbx, 8));
    a.if_(
      'e',
      () => {
        a.mov(mem32(rbx), 0);
        a.lock.inc(mem32(rbx, 4));
        a.lea(rdi, mem(rbx, 4));
        a.mov(edx, EVERYBODY);
        a.call('futex_rouse');
      },
      () => {
        a.while_(
          () => a.cmp(mem32(rbx, 4), ebp),
          'e',
          () => {
            a.lea(rdi, mem(rbx, 4));
            a.mov(edx, ebp);
            a.call('futex_sleep');
          },
        );
      },
    );
  });
}
