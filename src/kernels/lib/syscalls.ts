/**
 * System calls: SYSCALL with RAX = number, argument in RDI, result in RAX; RCX and R11 are lost, as the instruction has it.
 *
 * The table is the scenario's: `syscallTable` writes it. `syscall_init` prepares the running core.
 * SDM: Vol. 3, "Fast System Calls in 64-Bit Mode".
 */
import { IA32_FMASK, IA32_LSTAR, IA32_STAR } from '../../arch/msr.ts';
import { RFLAGS_AC, RFLAGS_DF, RFLAGS_IF, RFLAGS_TF } from '../../arch/rflags.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { mem64 } from '../../asm/operand.ts';
import { eax, ecx, edx, r10, r10d, r11, rax, rcx, rsp } from '../../asm/register.ts';
import { addr, distance } from '../../asm/symbolValue.ts';
import { KERNEL_CS, SYSRET_BASE } from './layout.ts';
import { cpu, PerCpu } from './percpu.ts';

/** System calls by number. */
export function syscallTable(a: Assembler, procedures: readonly string[]): void {
  a.section('rodata', () => {
    a.align(8);
    a.label('syscall_table');
    for (const procedure of procedures) a.u64(addr(procedure));
    a.label('syscall_table_end');
  });
}

/** `syscall_init`: SYSCALL of the running core goes to the label `syscall_entry`, with these flags clear. */
export function syscallInit(a: Assembler, clearedFlags: number): void {
  a.proc('syscall_init', {}, () => {
    a.mov(ecx, IA32_STAR);
    a.xor(eax, eax);
    a.mov(edx, (SYSRET_BASE << 16) | KERNEL_CS);
    a.wrmsr();
    a.mov(ecx, IA32_LSTAR);
    a.mov(eax, addr('syscall_entry'));
    a.xor(edx, edx);
    a.wrmsr();
    a.mov(ecx, IA32_FMASK);
    a.mov(eax, clearedFlags);
    a.xor(edx, edx);
    a.wrmsr();
  });
}

export function syscalls(a: Assembler): void {
  syscallInit(a, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC);

  a.label('syscall_entry');
  a.swapgs();
  a.mov(cpu(PerCpu.userStack), rsp);
  a.mov(rsp, cpu(PerCpu.kernelStack));
  a.comment('return address and flags of the user; its stack pointer, before another core or call can overwrite it');
  a.push(cpu(PerCpu.userStack));
  a.push(rcx);
  a.push(r11);
  a.sti();
  a.mov(r10d, distance('syscall_table', 'syscall_table_end'));
  a.shr(r10d, 3);
  a.cmp(rax, r10);
  a.if_(
    'b',
    () => a.call(mem64('syscall_table', rax.times(8))),
    () => a.mov(rax, -1),
  );
  a.cli();
  a.pop(r11);
  a.pop(rcx);
  a.pop(rsp);
  a.swapgs();
  a.sysretq();
}
