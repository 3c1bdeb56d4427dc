/**
 * The tick: the local APIC's timer, HZ times a second on every core that is not idle, in TSC-deadline mode.
 *
 * In the interrupt: a little work of the kernel's own, the slice of the running thread, and, when threads wait here while other cores idle, a word to
 * one of those. Nothing there takes a lock. What needs one is done on the way to user mode, or by the idle loop: `deferred_work`. A core that is idle
 * when the tick comes stops ticking until it runs a thread again, unless a thread sleeps somewhere (sleep.ts).
 *
 * `tick_setup` prepares the running core; `tick_start` arms it. SDM: Vol. 3, "TSC-Deadline Mode".
 */
import { APIC_LVT_TIMER_MODE_SHIFT, APIC_TIMER_TSC_DEADLINE } from '../../arch/apicRegisters.ts';
import { CPUID_1_ECX_TSC_DEADLINE } from '../../arch/cpuidBits.ts';
import { IA32_TSC_DEADLINE } from '../../arch/msr.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { eax, ebx, ecx, edi, edx, esi, rax, rbx, rcx, rdi, rdx } from '../../asm/register.ts';
import { failWith } from '../lib/exit.ts';
import { VECTOR_TIMER } from '../lib/layout.ts';
import { readTsc } from '../lib/time.ts';
import { core, KernelCore } from './core.ts';
import { returnIfUser } from './entry.ts';
import type { KernelChoices } from './parameters.ts';

/** Bits of `workDue`. */
const WORKER_DUE = 1;
const BALANCE_DUE = 2;
const SLEEP_DUE = 4;
/** Every how many ticks a core compares its queue with the longest; a power of two. */
const BALANCE_TICKS = 2;

export const tick =
  (choices: KernelChoices) =>
  (a: Assembler): void => {
    a.comment('cycles from tick to tick');
    a.variable('tick_cycles');

    a.proc('tick_setup', { saves: [rbx] }, () => {
      a.mov(eax, 1);
      a.cpuid();
      a.test(ecx, CPUID_1_ECX_TSC_DEADLINE);
      a.jz('no_deadline_timer');
      a.mov(rax, mem64('boot_tsc_hz'));
      a.xor(edx, edx);
      a.mov(ecx, choices.hz);
      a.div(rcx);
      a.mov(mem64('tick_cycles'), rax);
      a.mov(edi, (APIC_TIMER_TSC_DEADLINE << APIC_LVT_TIMER_MODE_SHIFT) | VECTOR_TIMER);
      a.xor(esi, esi);
      a.call('lapic_timer');
      a.mov(core(KernelCore.tickStopped), 1);
      a.mov(core(KernelCore.sliceLeft), choices.sliceTicks);
    });

    a.proc('tick_start', {}, () => {
      a.mov(core(KernelCore.tickStopped), 0);
      readTsc(a);
      a.add(rax, mem64('tick_cycles'));
      a.mov(rdx, rax);
      a.shr(rdx, 32);
      a.mov(ecx, IA32_TSC_DEADLINE);
      a.wrmsr();
    });

    a.comment('RDI = trap frame');
    a.proc('tick', { saves: [rbx] }, () => {
      a.mov(rbx, rdi);
      a.call('lapic_eoi');
      a.inc(core(KernelCore.ticks));
      a.mov(rax, core(KernelCore.current));
      a.cmp(rax, core(KernelCore.idle));
      a.if_('e', () => {
        a.comment('nothing to do here, unless somebody has to be woken');
        a.cmp(mem64('sleep_next'), 0);
        a.if_(
          'e',
          () => a.mov(core(KernelCore.tickStopped), 1),
          () => {
            a.call('tick_start');
            a.call('tick_sleepers');
          },
        );
        a.return_();
      });
      a.call('tick_start');
      a.call('tick_sleepers');
      if (choices.tickWork > 0) {
        a.mov(edi, choices.tickWork);
        a.call('compute');
      }
      a.dec(core(KernelCore.workerLeft));
      a.if_('z', () => {
        a.mov(core(KernelCore.workerLeft), choices.workerTicks);
        a.or(core(KernelCore.workDue), WORKER_DUE);
      });
      a.mov(rax, core(KernelCore.ticks));
      a.test(rax, BALANCE_TICKS - 1);
      a.if_('z', () => a.or(core(KernelCore.workDue), BALANCE_DUE));
      a.dec(core(KernelCore.sliceLeft));
      a.if_('le', () => {
        a.mov(core(KernelCore.sliceLeft), choices.sliceTicks);
        a.cmp(core(KernelCore.queueLength), 0);
        a.if_('ne', () => a.mov(core(KernelCore.needResched), 1));
      });
      a.comment('somebody waits here and somebody idles there: bring them together');
      a.cmp(core(KernelCore.queueLength), 0);
      a.if_('ne', () => {
        a.mov(rdi, mem64('idle_cores'));
        a.bsf(rdi, rdi);
        a.if_('nz', () => a.call('core_kick'));
      });
      returnIfUser(a);
    });

    a.proc('tick_sleepers', {}, () => {
      a.call('sleep_due');
      a.test(eax, eax);
      a.return_if('z');
      a.or(core(KernelCore.workDue), SLEEP_DUE);
    });

    a.proc('deferred_work', { saves: [rbx] }, () => {
      a.xor(ebx, ebx);
      a.xchg(core(KernelCore.workDue), ebx);
      a.test(ebx, WORKER_DUE);
      a.if_('nz', () => {
        a.mov(rdi, core(KernelCore.worker));
        a.call('thread_wake');
      });
      a.test(ebx, BALANCE_DUE);
      a.if_('nz', () => a.call('queue_balance'));
      a.test(ebx, SLEEP_DUE);
      a.if_('nz', () => a.call('sleep_expire'));
    });

    a.comment('the kernel thread of a core: some work, then it waits until it is wanted again');
    a.proc('worker', {}, () => {
      a.loop(() => {
        if (choices.workerWork > 0) {
          a.mov(edi, choices.workerWork);
          a.call('compute');
        }
        a.call('worker_wait');
      });
    });

    a.label('no_deadline_timer');
    failWith(a, 'fwk: this kernel needs the TSC-deadline timer\n');
  };
