/**
 * Threads: their records, making and ending them.
 *
 * A thread's record lies at the lower end of its kernel stack. `thread_create(RDI = procedure, RSI = argument)` → RAX = a thread that, once
 * it is woken, calls the procedure with the argument; 0 when there is no room. `thread_exit` ends the running thread; it does not return.
 *
 * States. A thread that waits has put itself into a wait queue under that queue's lock, and BLOCKED before it let the lock go; whoever takes it
 * out of the queue calls `thread_wake`. INTERRUPTIBLE is BLOCKED for a wait that the end of the process may cut short. `onCore` is 1 until
 * the registers of a thread that left a core are safe in its record: nobody else may run it before that.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { aligned, record, sizeOf, space, u32, u64 } from '../../asm/record.ts';
import { eax, ecx, edi, esi, r12, r13, rax, rbp, rbx, rdi, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { failWith } from '../lib/exit.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { TrapFrame } from '../lib/trap.ts';
import { core, KernelCore } from './core.ts';
import { MAX_THREADS, THREAD_SHIFT } from './layout.ts';

export const Thread = record({
  /** Kernel RSP while it does not run. */
  stack: u64,
  /** What lies just above its kernel stack. */
  stackTop: u64,
  /** THREAD_… */
  state: u32,
  /** 1 while a core runs it or is about to. */
  onCore: u32,
  /** Where it last ran. */
  core: u32,
  /** 1 for a kernel thread that belongs to its core. */
  bound: u32,
  /** Next in a run queue, or in a wait queue: never in both. */
  next: u64,
  waitNext: u64,
  /** 0 for kernel threads. */
  process: u64,
  mm: u64,
  tid: u32,
  /** 1: it must end before it enters user mode again. */
  dying: u32,
  fsBase: u64,
  /** User address of a word that is cleared, and its futex woken, when the thread ends; or 0. */
  clearTid: u64,
  /** Not 0 while a fault on user memory must not be served: the copy fails instead. */
  faultsOff: u64,
  /** What it waits for: the key of a futex and whether it is still in the queue; or the kind of rwsem waiter. */
  waitKey: u64,
  waiting: u64,
  /** Pages taken out of an address space, to be freed after its next shootdown (gather.ts). */
  gatherBatch: u64,
  gatherCount: u64,
  gatherStart: u64,
  gatherEnd: u64,
  gatherMm: u64,
  /** x87, MMX and SSE state. */
  fpu: aligned(64, space(512)),
  /** A word that is never written: the stack has grown too far when it has changed. */
  guard: u64,
});
if (sizeOf(Thread) > 1024) throw new Error('a thread record leaves too little of its stack');

export const THREAD_FREE = 0;
export const THREAD_RUNNABLE = 1;
export const THREAD_BLOCKED = 2;
export const THREAD_INTERRUPTIBLE = 3;
export const THREAD_DEAD = 4;

export const STACK_GUARD = 0x5afe_57ac;

/** The register is the running thread. */
export const current = core(KernelCore.current);

/** Registers that `thread_switch` leaves on the stack of a thread that does not run. */
const SWITCH_FRAME = 6 * 8;
/** Above them, for the return address and for the frame of the thread's entry into the kernel from user mode. */
const TOP_ROOM = SWITCH_FRAME + 16 + sizeOf(TrapFrame);

export function threads(a: Assembler): void {
  a.room('thread_table', MAX_THREADS << THREAD_SHIFT, 1 << THREAD_SHIFT);
  a.variable('threads_lock');
  a.comment('records that have been used and are free, linked by `next`; how many have ever been used');
  a.variable('threads_free');
  a.variable('threads_used');
  a.variable('next_tid', 1);
  a.comment('x87 and SSE state as every thread begins');
  a.room('initial_fpu', 512, 64);

  a.proc('thread_create', { saves: [rbx, r12, r13] }, () => {
    a.mov(r12, rdi);
    a.mov(r13, rsi);
    acquire(a, 'threads_lock');
    a.mov(rbx, mem64('threads_free'));
    a.test(rbx, rbx);
    a.if_(
      'nz',
      () => {
        a.mov(rax, at(rbx, Thread.next));
        a.mov(mem64('threads_free'), rax);
      },
      () => {
        a.mov(rax, mem64('threads_used'));
        a.cmp(rax, MAX_THREADS);
        a.if_('b', () => {
          a.lea(rbx, mem(rax));
          a.shl(rbx, THREAD_SHIFT);
          a.add(rbx, addr('thread_table'));
          a.inc(rax);
          a.mov(mem64('threads_used'), rax);
        });
      },
    );
    release(a, 'threads_lock');
    a.test(rbx, rbx);
    a.if_('z', () => {
      a.xor(eax, eax);
      a.return_();
    });

    a.mov(rdi, rbx);
    a.call('thread_clear');
    a.mov(eax, 1);
    a.lock.xadd(mem64('next_tid'), rax);
    a.mov(at(rbx, Thread.tid), eax);
    a.mov(at(rbx, Thread.state), THREAD_BLOCKED);
    a.mov(eax, cpu(PerCpu.number));
    a.mov(at(rbx, Thread.core), eax);
    a.comment('the stack as thread_switch would have left it: RBX = procedure, RBP = argument, R12–R15; then where it goes on');
    a.lea(rax, mem(rbx, 1 << THREAD_SHIFT));
    a.mov(at(rbx, Thread.stackTop), rax);
    a.sub(rax, TOP_ROOM);
    a.mov(mem64(rax, SWITCH_FRAME), addr('thread_begin'));
    a.mov(mem64(rax, SWITCH_FRAME - 8), r12);
    a.mov(mem64(rax, SWITCH_FRAME - 16), r13);
    a.mov(at(rbx, Thread.stack), rax);
    a.mov(rax, rbx);
  });

  a.comment('RDI = record: fresh, but for the page of its batch, which it keeps for good');
  a.proc('thread_clear', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.mov(rsi, at(rbx, Thread.gatherBatch));
    a.xor(eax, eax);
    a.mov(ecx, sizeOf(Thread) / 8);
    a.rep.stosq();
    a.mov(at(rbx, Thread.gatherBatch), rsi);
    a.mov(eax, STACK_GUARD);
    a.mov(at(rbx, Thread.guard), rax);
    a.mov(esi, addr('initial_fpu'));
    a.lea(rdi, mem(rbx, Thread.fpu));
    a.mov(ecx, 512 / 8);
    a.rep.movsq();
  });

  a.comment('the first instructions of every thread: RAX = the thread before it, RBX = procedure, RBP = argument');
  a.label('thread_begin');
  a.mov(rdi, rax);
  a.call('switch_finish');
  a.mov(rdi, rbp);
  a.call(rbx);
  a.jmp('thread_exit');

  a.comment('the running kernel thread waits until somebody wakes it');
  a.proc('worker_wait', {}, () => {
    a.mov(rax, current);
    a.mov(at(rax, Thread.state), THREAD_BLOCKED);
    a.xor(edi, edi);
    a.call('schedule');
  });

  a.comment('kernel threads that return, and threads of processes when process_leave has done its part');
  a.label('thread_exit');
  a.mov(rbx, current);
  a.mov(at(rbx, Thread.state), THREAD_DEAD);
  a.xor(edi, edi);
  a.call('schedule');
  failWith(a, 'fwk: a dead thread runs\n');

  a.comment('RDI = a dead thread whose core has left its stack: the record may be used again');
  a.proc('thread_free', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.mov(at(rbx, Thread.state), THREAD_FREE);
    acquire(a, 'threads_lock');
    a.mov(rax, mem64('threads_free'));
    a.mov(at(rbx, Thread.next), rax);
    a.mov(mem64('threads_free'), rbx);
    release(a, 'threads_lock');
  });
}
