/**
 * Exceptions of user mode other than page faults: the process ends as by the signal that Linux would send, with a message. The same exceptions in the
 * kernel end the run (lib/interrupts).
 */
import {
  VECTOR_AC,
  VECTOR_BP,
  VECTOR_BR,
  VECTOR_DB,
  VECTOR_DE,
  VECTOR_GP,
  VECTOR_MF,
  VECTOR_NP,
  VECTOR_OF,
  VECTOR_SS,
  VECTOR_UD,
  VECTOR_XM,
} from '../../arch/vectors.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem8 } from '../../asm/operand.ts';
import { ecx, edi, rax, rbp, rbx, rcx, rdi } from '../../asm/register.ts';
import { setHandler } from '../lib/interrupts.ts';
import { print, printDecimal, printHex, printing } from '../lib/serial.ts';
import { TrapFrame } from '../lib/trap.ts';
import { statusOfSignal } from './process.ts';

const SIGILL = 4;
const SIGTRAP = 5;
const SIGBUS = 7;
const SIGFPE = 8;
const SIGSEGV = 11;

const SIGNALS: readonly (readonly [vector: number, signal: number])[] = [
  [VECTOR_DE, SIGFPE],
  [VECTOR_DB, SIGTRAP],
  [VECTOR_BP, SIGTRAP],
  [VECTOR_OF, SIGSEGV],
  [VECTOR_BR, SIGSEGV],
  [VECTOR_UD, SIGILL],
  [VECTOR_NP, SIGBUS],
  [VECTOR_SS, SIGBUS],
  [VECTOR_GP, SIGSEGV],
  [VECTOR_MF, SIGFPE],
  [VECTOR_AC, SIGBUS],
  [VECTOR_XM, SIGFPE],
];

/** From here on these exceptions are the process's own business. */
export function handleUserExceptions(a: Assembler): void {
  for (const [vector] of SIGNALS) setHandler(a, vector, 'user_exception');
}

export function exceptions(a: Assembler): void {
  a.section('rodata', () => {
    a.label('signal_of_exception');
    a.u8(...Array.from({ length: 32 }, (_, vector) => SIGNALS.find(([one]) => one === vector)?.[1] ?? 0));
  });

  a.proc('user_exception', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.test(mem8(rbx, TrapFrame.cs), 3);
    a.jz('unexpected_trap');
    a.sti();
    a.mov(rax, at(rbx, TrapFrame.vector));
    a.movzx(ecx, mem8('signal_of_exception', rax));
    a.mov(rbp, rcx);
    printing(a, () => {
      a.call('print_program');
      print(a, ': signal ');
      printDecimal(a, rbp);
      print(a, ', exception ');
      printDecimal(a, at(rbx, TrapFrame.vector));
      print(a, ', RIP 0x');
      printHex(a, at(rbx, TrapFrame.rip));
      print(a, '\n');
    });
    a.lea(edi, mem8(rbp, statusOfSignal(0)));
    a.call('process_end');
    a.call('return_to_user');
  });
}
