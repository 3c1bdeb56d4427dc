/** Checks in user programs: what a call returns must be what was said; else a line, and the program ends with status 1. */
import type { Assembler } from '../../../asm/assembler.ts';
import { type Memory, mem } from '../../../asm/operand.ts';
import { type Register, r12, r13, rax, rdi } from '../../../asm/register.ts';
import { exit, say } from './runtime.ts';

/** RAX is this number. */
export function expect(a: Assembler, what: string, value: number | Register<64> | Memory<64>): void {
  a.cmp(rax, value);
  orFail(a, 'je', what);
}

/** RAX is no error. */
export function expectSuccess(a: Assembler, what: string): void {
  a.test(rax, rax);
  orFail(a, 'jns', what);
}

/** The flags that were set hold (je, jne, …), or the check has failed with what RAX is. */
export function orFail(a: Assembler, jump: 'je' | 'jne' | 'jns' | 'jb' | 'jae', what: string): void {
  const good = a.newLabel('good');
  a.branch(jump, good);
  a.lea(rdi, mem(a.literal(what)));
  a.jmp('check_failed');
  a.placeLabel(good);
}

export function expectations(a: Assembler): void {
  a.comment('RDI = what was checked, RAX = what there was');
  a.label('check_failed');
  a.mov(r12, rax);
  a.mov(r13, rdi);
  say(a, 'check failed: ');
  a.mov(rdi, r13);
  a.call('print_text');
  say(a, ': ');
  a.mov(rdi, r12);
  a.call('print_decimal');
  say(a, '\n');
  exit(a, 1);
}
