/**
 * The full-weight kernel: processes and threads in user mode, demand paging, system calls by Linux's numbers, preemptive scheduling.
 *
 * `buildFwk` makes the image of a guest that starts the given programs, each as a process of its own, and ends when all have ended.
 *
 * Order of locks, outermost first; a lock is taken only while those that are held come before it:
 *   lock of a pipe, readLock of a socket (sleep) > mmap lock (sleeps or spins) > page-table lock > page frames
 *   lock of a socket's end > its queueLock, or its waitLock; that, mmap lock or futex bucket > queue of a sleeping lock > run queue
 *   lock of a cache of objects: nothing is taken under it
 * Interrupt handlers take none. All of them are waited for with interrupts on, so whoever waits serves shootdowns; and no spinlock is held during
 * a shootdown. So two cores that shoot each other down, each waiting for a lock of the other, both come through: what each waits for in the end is a core
 * that runs, or one that its hypervisor has put aside.
 */

import { CPUID_80000001_EDX_NX } from '../../arch/cpuidBits.ts';
import { VECTOR_PF } from '../../arch/vectors.ts';
import type { Assembled, Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { sizeOf } from '../../asm/record.ts';
import { eax, ebx, edi, edx, esi, rax, rbx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import type { GuestChoices } from '../guest.ts';
import { setHandler } from '../lib/interrupts.ts';
import { buildKernel } from '../lib/kernel.ts';
import { MAX_CORES, VECTOR_CALL_FUNCTION, VECTOR_TIMER } from '../lib/layout.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { shootdown } from '../lib/shootdown/shootdown.ts';
import { smp } from '../lib/smp.ts';
import { startApart } from '../lib/startApart.ts';
import { core, KernelCore } from './core.ts';
import { entry } from './entry.ts';
import { exceptions, handleUserExceptions } from './exceptions.ts';
import { files } from './file.ts';
import { futex } from './futex.ts';
import { gather } from './gather.ts';
import { VECTOR_RESCHEDULE } from './layout.ts';
import { lazySpace } from './lazySpace.ts';
import { memoryCalls } from './memoryCalls.ts';
import { messageBuffers } from './messageBuffer.ts';
import { mm } from './mm.ts';
import { pageAllocator } from './pageAllocator.ts';
import { pageFault } from './pageFault.ts';
import { userPageTables } from './pageTables.ts';
import { kernelChoices } from './parameters.ts';
import { pipes } from './pipe.ts';
import { processes } from './process.ts';
import { Program, programTable, type StartedProgram } from './program.ts';
import { protect } from './protect.ts';
import { runQueues } from './runQueue.ts';
import { rwSemaphore } from './rwSemaphore.ts';
import { scheduler } from './scheduler.ts';
import { sleep } from './sleep.ts';
import { sockets } from './socket.ts';
import { socketReceive } from './socketReceive.ts';
import { socketSend } from './socketSend.ts';
import { socketWait } from './socketWait.ts';
import { syscallTable } from './syscallTable.ts';
import { teardown } from './teardown.ts';
import { STACK_GUARD, THREAD_RUNNABLE, Thread, threads } from './thread.ts';
import { threadCalls } from './threadCalls.ts';
import { tick } from './tick.ts';
import { userAccess } from './userAccess.ts';
import { vmas } from './vma.ts';
import { waitQueues } from './waitQueue.ts';

/** The kernel with these programs. `choices.parameters` hold KERNEL_PARAMETERS (parameters.ts). */
export const buildFwk = (choices: GuestChoices, programs: readonly StartedProgram[]): Assembled =>
  buildKernel(choices.lock, (a) => write(a, choices, programs));

function write(a: Assembler, { parameters, shootdown: scheme }: GuestChoices, programs: readonly StartedProgram[]): void {
  const choices = kernelChoices(parameters);
  const parts = [
    ...[threads, runQueues, scheduler(choices), tick(choices), rwSemaphore(choices)],
    ...[pageAllocator, userPageTables, vmas, mm(choices), gather, teardown, pageFault, userAccess],
    ...[waitQueues, entry(choices), syscallTable, memoryCalls, protect, threadCalls, futex, sleep],
    ...[files, pipes, messageBuffers, sockets, socketWait, socketSend, socketReceive, processes, exceptions],
  ];
  a.include(smp);
  for (const part of parts) a.include(part);
  shootdown(scheme, lazySpace(choices))(a);
  programTable(a, programs);
  a.room('idle_threads', MAX_CORES * sizeOf(Thread), 64);
  a.variable('cores_started');

  a.proc('main', { saves: [rbx] }, () => {
    setHandler(a, VECTOR_PF, 'page_fault');
    setHandler(a, VECTOR_TIMER, 'tick');
    setHandler(a, VECTOR_RESCHEDULE, 'reschedule_interrupt');
    handleUserExceptions(a);
    a.mov(eax, 0x8000_0001);
    a.cpuid();
    a.test(edx, CPUID_80000001_EDX_NX);
    a.if_('nz', () => {
      a.mov(eax, 1);
      a.shl(rax, 63);
      a.mov(mem64('no_execute'), rax);
    });
    a.fxsave64(mem('initial_fpu'));
    a.call('shootdown_setup');
    a.call('messages_setup');
    a.call('smp_start');
    setHandler(a, VECTOR_CALL_FUNCTION, 'shootdown_interrupt');
    a.call('core_begin');
    a.mov(ebx, addr('programs'));
    a.while_(
      () => a.cmp(rbx, addr('programs_end')),
      'b',
      () => {
        a.mov(rdi, rbx);
        a.call('process_create');
        a.add(rbx, sizeOf(Program));
      },
    );
    if (choices.staggerMicros > 0) a.call('start_apart');
    else {
      a.mov(edi, addr('core_run'));
      a.call('smp_run');
    }
  });
  if (choices.staggerMicros > 0) startApart(a, 'core_run', choices.staggerMicros);

  a.comment('every core once: the record of what it runs now, which becomes its idle thread, and its worker');
  a.proc('core_begin', { saves: [rbx] }, () => {
    a.mov(ebx, cpu(PerCpu.number));
    a.imul(rbx, rbx, sizeOf(Thread));
    a.add(rbx, addr('idle_threads'));
    a.mov(eax, STACK_GUARD);
    a.mov(at(rbx, Thread.guard), rax);
    a.mov(at(rbx, Thread.state), THREAD_RUNNABLE);
    a.mov(at(rbx, Thread.onCore), 1);
    a.mov(at(rbx, Thread.bound), 1);
    a.mov(eax, cpu(PerCpu.number));
    a.mov(at(rbx, Thread.core), eax);
    a.mov(rax, cpu(PerCpu.kernelStack));
    a.mov(at(rbx, Thread.stackTop), rax);
    a.mov(core(KernelCore.current), rbx);
    a.mov(core(KernelCore.idle), rbx);
    a.mov(core(KernelCore.workerLeft), choices.workerTicks);
    a.call('syscall_init');
    a.call('tick_setup');
    a.mov(edi, addr('worker'));
    a.xor(esi, esi);
    a.call('thread_create');
    a.mov(at(rax, Thread.bound), 1);
    a.mov(core(KernelCore.worker), rax);
  });

  a.proc('core_run', {}, () => {
    a.cmp(cpu(PerCpu.number), 0);
    a.if_('ne', () => a.call('core_begin'));
    if (choices.staggerMicros > 0) {
      a.comment('those that wait for the last one keep their cores: they are not to be woken together');
      a.lock.inc(mem64('cores_started'));
      a.mov(rax, mem64('boot_cores'));
      a.while_(
        () => a.cmp(mem64('cores_started'), rax),
        'ne',
        () => a.pause(),
      );
    }
    a.jmp('idle_loop');
  });
}
