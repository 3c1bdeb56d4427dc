/**
 * The scheduler: which thread a core runs next, and the change from one to the other.
 *
 * `schedule(RDI = 1: the running thread stays runnable, 0: it does not)` returns when the thread that called it runs again. Round robin over
 * the core's queue; a core whose queue is empty takes from the longest one. Kernel code is not preempted: `schedule` is called by a thread that
 * blocks or yields, and on the way to user mode. `thread_block`: the running thread, which has put itself into a wait queue, waits there;
 * an INTERRUPTIBLE one that is to die does not. `thread_stay`: it goes on after all, and is out of all wait queues already.
 *
 * `idle_loop`: what a core does when there is nothing to do. SDM: Vol. 2, "HLT—Halt".
 */
import { IA32_FS_BASE } from '../../arch/msr.ts';
import { TSS64_RSP0 } from '../../arch/segments.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { eax, ebx, ecx, edi, gs, r12, r13, r14, r15, rax, rbp, rbx, rdi, rdx, rsp } from '../../asm/register.ts';
import { failWith } from '../lib/exit.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { core, KernelCore } from './core.ts';
import type { KernelChoices } from './parameters.ts';
import { current, STACK_GUARD, THREAD_DEAD, THREAD_INTERRUPTIBLE, THREAD_RUNNABLE, Thread } from './thread.ts';

export const scheduler =
  (choices: KernelChoices) =>
  (a: Assembler): void => {
    a.proc('schedule', { saves: [rbx, rbp, r12, r13] }, () => {
      a.mov(rbp, rdi);
      a.mov(core(KernelCore.needResched), 0);
      a.mov(r13, cpu(PerCpu.self));
      a.lea(r13, mem(r13, PerCpu.kernel));
      a.mov(rbx, current);
      a.lea(rdi, at(r13, KernelCore.queueLock));
      a.call('lock_acquire');
      a.test(rbp, rbp);
      a.if_('nz', () => {
        a.comment('behind those that wait, if any do');
        a.cmp(at(r13, KernelCore.queueHead), 0);
        a.if_('ne', () => a.call('queue_append'));
      });
      a.call('queue_take');
      a.mov(r12, rax);
      a.lea(rdi, at(r13, KernelCore.queueLock));
      a.call('lock_release');

      a.mov(core(KernelCore.sliceLeft), choices.sliceTicks);
      a.test(r12, r12);
      a.if_('z', () => {
        a.test(rbp, rbp);
        a.return_if('nz');
        a.xor(edi, edi);
        a.call('queue_steal');
        a.test(rax, rax);
        a.cmovz(rax, core(KernelCore.idle));
        a.mov(r12, rax);
      });
      a.cmp(r12, rbx);
      a.return_if('e');
      a.mov(rdi, r12);
      a.call('thread_switch');
      a.mov(rdi, rax);
      a.call('switch_finish');
    });

    a.comment('RDI = next thread: returns, on its stack, as it once called this; RAX = the thread that ran before. Interrupts come out on');
    a.proc('thread_switch', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
      a.mov(rbx, current);
      a.mov(r12, rdi);
      a.mov(eax, STACK_GUARD);
      a.cmp(at(rbx, Thread.guard), rax);
      a.jne('stack_overflow');
      a.comment('the kernel itself uses no SSE: only what user threads have there is kept');
      a.cmp(at(rbx, Thread.mm), 0);
      a.if_('ne', () => a.fxsave64(at(rbx, Thread.fpu)));
      a.cmp(at(r12, Thread.mm), 0);
      a.if_('ne', () => {
        a.fxrstor64(at(r12, Thread.fpu));
        a.mov(rax, at(r12, Thread.fsBase));
        a.mov(rdx, rax);
        a.shr(rdx, 32);
        a.mov(ecx, IA32_FS_BASE);
        a.wrmsr();
      });
      a.comment('a core that has stopped its ticks takes them up again with its first thread');
      a.cmp(core(KernelCore.tickStopped), 0);
      a.if_('ne', () => a.call('tick_start'));

      a.cli();
      a.mov(rdi, at(r12, Thread.mm));
      a.call('space_switch');
      a.mov(core(KernelCore.current), r12);
      a.inc(core(KernelCore.switches));
      a.mov(eax, cpu(PerCpu.number));
      a.mov(at(r12, Thread.core), eax);
      a.mov(rax, at(r12, Thread.stackTop));
      a.mov(cpu(PerCpu.kernelStack), rax);
      a.mov(mem64(gs, PerCpu.tss, TSS64_RSP0), rax);
      a.mov(at(rbx, Thread.stack), rsp);
      a.mov(rsp, at(r12, Thread.stack));
      a.comment('from here on another core may run the thread that was left');
      a.mov(rax, rbx);
      a.mov(at(rbx, Thread.onCore), 0);
      a.sti();
    });

    a.comment('RDI = thread that this core has left: what could not be done while it still stood on its stack and in its address space');
    a.proc('switch_finish', { saves: [rbx] }, () => {
      a.cmp(at(rdi, Thread.state), THREAD_DEAD);
      a.if_('e', () => a.call('thread_free'));
      a.xor(ebx, ebx);
      a.xchg(core(KernelCore.droppedMm), rbx);
      a.test(rbx, rbx);
      a.return_if('z');
      a.mov(rdi, rbx);
      a.call('mm_drop');
    });

    a.proc('thread_block', {}, () => {
      a.mov(rdi, current);
      a.cmp(at(rdi, Thread.dying), 0);
      a.jne('thread_stay');
      a.xor(edi, edi);
      a.call('schedule');
    });

    a.proc('thread_stay', {}, () => {
      a.mov(rdi, current);
      a.comment('unless somebody has woken it already: then it is in a run queue, and comes back from there');
      a.mov(eax, THREAD_INTERRUPTIBLE);
      a.mov(ecx, THREAD_RUNNABLE);
      a.lock.cmpxchg(at(rdi, Thread.state), ecx);
      a.return_if('e');
      a.xor(edi, edi);
      a.call('schedule');
    });

    a.label('idle_loop');
    a.call('deferred_work');
    a.xor(edi, edi);
    a.call('schedule');
    a.mov(ebx, cpu(PerCpu.number));
    a.cli();
    a.lock.bts(mem64('idle_cores'), rbx);
    a.cmp(core(KernelCore.queueLength), 0);
    a.if_('e', () => {
      a.cmp(core(KernelCore.workDue), 0);
      a.if_('e', () => {
        a.sti();
        a.hlt();
      });
    });
    a.sti();
    a.lock.btr(mem64('idle_cores'), rbx);
    a.jmp('idle_loop');

    a.label('stack_overflow');
    failWith(a, 'fwk: a kernel stack has grown into its thread record\n');
  };
