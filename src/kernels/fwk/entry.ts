import { RFLAGS_AC, RFLAGS_DF, RFLAGS_IF, RFLAGS_NT, RFLAGS_TF } from '../../arch/rflags.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem8, mem64 } from '../../asm/operand.ts';
import { sizeOf } from '../../asm/record.ts';
import { edi, r10, r11, rax, rbx, rcx, rdi, rsp } from '../../asm/register.ts';
import { USER_CS, USER_DS } from '../lib/layout.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { syscallInit } from '../lib/syscalls.ts';
import { SAVED_REGISTERS, TrapFrame } from '../lib/trap.ts';
import { anyWork, core, KernelCore } from './core.ts';
import { ENOSYS } from './errors.ts';
import type { KernelChoices } from './parameters.ts';
import { SYSCALL_LIMIT } from './syscallTable.ts';
import { current, Thread } from './thread.ts';

export const entry =
  ({ syscallWork }: KernelChoices) =>
  (a: Assembler): void => {
    syscallInit(a, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC | RFLAGS_NT);

    a.align(64);
    a.label('syscall_entry');
    a.swapgs();
    a.mov(cpu(PerCpu.userStack), rsp);
    a.mov(rsp, cpu(PerCpu.kernelStack));
    a.push(USER_DS);
    a.push(cpu(PerCpu.userStack));
    a.push(r11);
    a.push(USER_CS);
    a.push(rcx);
    a.comment('no error code, no vector');
    a.push(0);
    a.push(0);
    for (const register of SAVED_REGISTERS) a.push(register);
    a.sti();
    if (syscallWork > 0) spend(a, syscallWork);
    a.mov(rcx, r10);
    a.cmp(rax, SYSCALL_LIMIT);
    a.if_(
      'b',
      () => a.call(mem64('syscall_table', rax.times(8))),
      () => a.mov(rax, -ENOSYS),
    );
    a.mov(at(rsp, TrapFrame.rax), rax);
    a.call('return_to_user');
    a.comment('everything as it was, but for RCX and R11, which SYSRET takes RIP and RFLAGS from');
    for (const register of SAVED_REGISTERS.toReversed()) a.pop(register);
    a.mov(rcx, mem64(rsp, 16));
    a.mov(r11, mem64(rsp, 32));
    a.mov(rsp, mem64(rsp, 40));
    a.swapgs();
    a.sysretq();

    a.comment('the first way of a thread into user mode: the frame on top of its stack was written by whoever made it');
    a.label('user_begin');
    a.call('return_to_user');
    a.mov(rax, current);
    a.mov(rax, at(rax, Thread.stackTop));
    a.lea(rsp, mem(rax, -sizeOf(TrapFrame)));
    a.swapgs();
    for (const register of SAVED_REGISTERS.toReversed()) a.pop(register);
    a.lea(rsp, mem(rsp, 16));
    a.iretq();

    a.proc('return_to_user', { saves: [rbx] }, () => {
      a.loop(() => {
        a.cli();
        a.mov(rbx, current);
        a.cmp(at(rbx, Thread.dying), 0);
        a.if_('ne', () => {
          a.sti();
          a.jmp('thread_leave');
        });
        a.cmp(anyWork(), 0);
        a.break_if('e');
        a.sti();
        a.call('deferred_work');
        a.cmp(core(KernelCore.needResched), 0);
        a.if_('ne', () => {
          a.mov(edi, 1);
          a.call('schedule');
        });
      });
    });

    a.comment('an interrupt from another core: look at the run queue');
    a.proc('reschedule_interrupt', { saves: [rbx] }, () => {
      a.mov(rbx, rdi);
      a.call('lapic_eoi');
      a.mov(core(KernelCore.needResched), 1);
      returnIfUser(a);
    });
  };

/** The end of an interrupt handler whose frame is in RBX: if user mode was interrupted, what has to be done before it goes on is done. */
export function returnIfUser(a: Assembler): void {
  a.test(mem8(rbx, TrapFrame.cs), 3);
  a.if_('nz', () => a.call('return_to_user'));
}

/** So many instructions, between the number and the arguments of a system call and their use. Changes RCX, R11. */
function spend(a: Assembler, instructions: number): void {
  a.mov(rcx, rax);
  a.mov(r11, rdi);
  a.mov(edi, instructions);
  a.call('compute');
  a.mov(rax, rcx);
  a.mov(rdi, r11);
}
