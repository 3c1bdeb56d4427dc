/**
 * Run queues, one for each core, and putting threads into them.
 *
 * `queue_put(RDI = runnable thread, RSI = core number)`: the thread is last in that core's queue, and the core, if it is idle, on its way to
 * it. `thread_wake(RDI = thread)` → RAX = 1: a thread that was blocked is runnable, 0: it was not blocked. `queue_steal(RDI)` → RAX = a thread out of
 * the longest queue, if that has more than RDI threads and one that may go, else 0. `queue_balance`: a queue that is longer by two or more than this
 * core's has given up one.
 *
 * A queue's lock is the last one that is ever taken: nothing is called under it. `idle_cores` names the cores that halt or are about to; whoever
 * clears a bit there has to send the core an interrupt. Setting and clearing are locked, and so is an order between them and the queue: an
 * idle core sets its bit, then looks at its queue; who puts a thread there looks at the bit afterwards.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { eax, ecx, edi, edx, esi, r12, r13, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { FIXED_IPI } from '../lib/callFunction.ts';
import { areaOf, cpu, PerCpu } from '../lib/percpu.ts';
import { core, coreRecord, KernelCore } from './core.ts';
import { VECTOR_RESCHEDULE } from './layout.ts';
import { THREAD_BLOCKED, THREAD_INTERRUPTIBLE, THREAD_RUNNABLE, Thread } from './thread.ts';

export function runQueues(a: Assembler): void {
  a.variable('idle_cores');

  a.proc('thread_wake', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.mov(eax, at(rbx, Thread.state));
    a.loop(() => {
      a.cmp(eax, THREAD_BLOCKED);
      a.if_('ne', () => {
        a.cmp(eax, THREAD_INTERRUPTIBLE);
        a.if_('ne', () => {
          a.xor(eax, eax);
          a.return_();
        });
      });
      a.mov(ecx, THREAD_RUNNABLE);
      a.lock.cmpxchg(at(rbx, Thread.state), ecx);
      a.break_if('e');
    });
    a.call('choose_core');
    a.mov(rsi, rax);
    a.mov(rdi, rbx);
    a.call('queue_put');
    a.mov(eax, 1);
  });

  a.comment('RBX = thread that was woken: RAX = the core that shall run it');
  a.label('choose_core');
  a.mov(eax, at(rbx, Thread.core));
  a.comment('its registers are still on their way to its record: only the core that it leaves may run it');
  a.cmp(at(rbx, Thread.onCore), 0);
  a.jne('.chosen');
  a.cmp(at(rbx, Thread.bound), 0);
  a.jne('.chosen');
  a.comment('where it ran last, when that core is idle; any idle core; else where it ran last');
  a.bt(mem64('idle_cores'), rax);
  a.jc('.chosen');
  a.mov(rcx, mem64('idle_cores'));
  a.bsf(rcx, rcx);
  a.cmovnz(rax, rcx);
  a.label('.chosen');
  a.ret();

  a.proc('queue_put', { saves: [rbx, r12, r13] }, () => {
    a.mov(rbx, rdi);
    a.mov(r12, rsi);
    a.mov(r13, rsi);
    coreRecord(a, r13);
    a.lea(rdi, at(r13, KernelCore.queueLock));
    a.call('lock_acquire');
    a.call('queue_append');
    a.lea(rdi, at(r13, KernelCore.queueLock));
    a.call('lock_release');
    a.mov(rdi, r12);
    a.call('core_kick');
  });

  a.comment('RBX = thread, R13 = core record whose lock is held: last in the queue. Changes RAX');
  a.label('queue_append');
  a.mov(at(rbx, Thread.next), 0);
  a.mov(rax, at(r13, KernelCore.queueTail));
  a.test(rax, rax);
  a.if_(
    'z',
    () => a.mov(at(r13, KernelCore.queueHead), rbx),
    () => a.mov(at(rax, Thread.next), rbx),
  );
  a.mov(at(r13, KernelCore.queueTail), rbx);
  a.inc(at(r13, KernelCore.queueLength));
  a.ret();

  a.comment('R13 = core record whose lock is held: RAX = its first thread, taken out and bound to be run, or 0');
  a.label('queue_take');
  a.mov(rax, at(r13, KernelCore.queueHead));
  a.test(rax, rax);
  a.if_('nz', () => {
    a.mov(rcx, at(rax, Thread.next));
    a.mov(at(r13, KernelCore.queueHead), rcx);
    a.test(rcx, rcx);
    a.if_('z', () => a.mov(at(r13, KernelCore.queueTail), rcx));
    a.dec(at(r13, KernelCore.queueLength));
    a.mov(at(rax, Thread.onCore), 1);
  });
  a.ret();

  a.comment('RDI = core: an interrupt makes it look at its queue, if it is idle and nobody has woken it yet');
  a.proc('core_kick', {}, () => {
    a.lock.btr(mem64('idle_cores'), rdi);
    a.return_if('nc');
    a.call('core_interrupt');
  });

  a.proc('core_interrupt', {}, () => {
    a.comment('a core that wakes itself is awake');
    a.cmp(edi, cpu(PerCpu.number));
    a.return_if('e');
    areaOf(a, rdi);
    a.mov(edi, at(rdi, PerCpu.apicId));
    a.mov(esi, FIXED_IPI | VECTOR_RESCHEDULE);
    a.call('lapic_send');
  });

  a.proc('queue_steal', { saves: [rbx, rbp, r12, r13] }, () => {
    a.comment('the longest queue, read without locks: it is a guess, which the lock then confirms');
    a.mov(rdx, rdi);
    a.xor(r13, r13);
    a.xor(ecx, ecx);
    a.repeat_while('b', () => {
      a.mov(rax, rcx);
      coreRecord(a, rax);
      a.mov(rsi, at(rax, KernelCore.queueLength));
      a.cmp(rsi, rdx);
      a.if_('a', () => {
        a.mov(rdx, rsi);
        a.mov(r13, rax);
      });
      a.inc(rcx);
      a.cmp(rcx, mem64('boot_cores'));
    });
    a.xor(rbx, rbx);
    a.test(r13, r13);
    a.if_('nz', () => {
      a.lea(rdi, at(r13, KernelCore.queueLock));
      a.call('lock_acquire');
      a.call('queue_take_movable');
      a.mov(rbx, rax);
      a.lea(rdi, at(r13, KernelCore.queueLock));
      a.call('lock_release');
    });
    a.mov(rax, rbx);
  });

  a.proc('queue_balance', {}, () => {
    a.mov(rdi, core(KernelCore.queueLength));
    a.inc(rdi);
    a.call('queue_steal');
    a.test(rax, rax);
    a.return_if('z');
    a.mov(at(rax, Thread.onCore), 0);
    a.mov(rdi, rax);
    a.mov(esi, cpu(PerCpu.number));
    a.call('queue_put');
  });

  a.comment('R13 = core record whose lock is held: RAX = the first thread that may go to another core, taken out, or 0');
  a.label('queue_take_movable');
  a.xor(edx, edx);
  a.mov(rax, at(r13, KernelCore.queueHead));
  a.label('.look');
  a.test(rax, rax);
  a.jz('.none');
  a.cmp(at(rax, Thread.onCore), 0);
  a.jne('.next');
  a.cmp(at(rax, Thread.bound), 0);
  a.je('.found');
  a.label('.next');
  a.mov(rdx, rax);
  a.mov(rax, at(rax, Thread.next));
  a.jmp('.look');
  a.label('.found');
  a.mov(rcx, at(rax, Thread.next));
  a.test(rdx, rdx);
  a.if_(
    'z',
    () => a.mov(at(r13, KernelCore.queueHead), rcx),
    () => a.mov(at(rdx, Thread.next), rcx),
  );
  a.test(rcx, rcx);
  a.if_('z', () => a.mov(at(r13, KernelCore.queueTail), rdx));
  a.dec(at(r13, KernelCore.queueLength));
  a.mov(at(rax, Thread.onCore), 1);
  a.label('.none');
  a.ret();
}
