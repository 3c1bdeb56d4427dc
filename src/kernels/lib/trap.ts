/** What the entry code leaves on the stack of every exception and interrupt, lowest address first; handlers get its address in RDI. */
import { record, u64 } from '../../asm/record.ts';
import { r8, r9, r10, r11, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';

/** In the order in which they are pushed. */
export const SAVED_REGISTERS = [rax, rcx, rdx, rdi, rsi, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15] as const;

export const TrapFrame = record({
  r15: u64,
  r14: u64,
  r13: u64,
  r12: u64,
  rbp: u64,
  rbx: u64,
  r11: u64,
  r10: u64,
  r9: u64,
  r8: u64,
  rsi: u64,
  rdi: u64,
  rdx: u64,
  rcx: u64,
  rax: u64,
  vector: u64,
  /** 0 for vectors without one. */
  error: u64,
  rip: u64,
  cs: u64,
  rflags: u64,
  rsp: u64,
  ss: u64,
});
