/**
 * User mode: `user_run(RDI = RIP, RSI = RSP)` enters it by IRETQ and returns, with what was given, when somebody calls
 * `user_leave(RDI)` on the same core: a system call, or a handler that ends the program.
 */
import { RFLAGS_FIXED, RFLAGS_IF } from '../../arch/rflags.ts';
import { TSS64_RSP0 } from '../../arch/segments.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { gs, r12, r13, r14, r15, rax, rbp, rbx, rdi, rsi, rsp } from '../../asm/register.ts';
import { USER_CS, USER_DS } from './layout.ts';
import { cpu, PerCpu } from './percpu.ts';

export function userMode(a: Assembler): void {
  a.proc('user_run', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.comment('what is on this stack now must survive: the kernel is entered below it');
    a.mov(cpu(PerCpu.userExit), rsp);
    a.mov(cpu(PerCpu.kernelStack), rsp);
    a.mov(mem64(gs, PerCpu.tss, TSS64_RSP0), rsp);
    a.cli();
    a.push(USER_DS);
    a.push(rsi);
    a.push(RFLAGS_FIXED | RFLAGS_IF);
    a.push(USER_CS);
    a.push(rdi);
    a.swapgs();
    a.iretq();

    a.label('user_run_returned');
    a.sti();
  });

  a.comment('in the kernel, on whatever stack it is on: back to the caller of user_run, RDI as its result');
  a.label('user_leave');
  a.cli();
  a.mov(rsp, cpu(PerCpu.userExit));
  a.mov(rax, rdi);
  a.jmp('user_run_returned');
}
