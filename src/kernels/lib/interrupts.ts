/**
 * Exceptions and interrupts: entry stubs for all 256 vectors, dispatch through a table, and what happens to those nobody expects.
 *
 * A handler is a procedure that gets the trap frame in RDI, runs with interrupts off, and may change the frame. Interrupt handlers send
 * their EOI themselves. GS is exchanged only when user mode was interrupted.
 */
import { AR_P, TYPE_INTERRUPT_GATE } from '../../arch/segments.ts';
import { VECTOR_DF, VECTOR_MC, VECTOR_NMI, VECTORS_WITH_ERROR_CODE } from '../../arch/vectors.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem8, mem16, mem64 } from '../../asm/operand.ts';
import { ax, cr2, eax, ecx, edi, rax, rbx, rdi, rsp } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { exit } from './exit.ts';
import { KERNEL_CS, VECTOR_SPURIOUS } from './layout.ts';
import { cpu, PerCpu } from './percpu.ts';
import { print, printDecimal, printHex, serial } from './serial.ts';
import { SAVED_REGISTERS, TrapFrame } from './trap.ts';

const VECTORS = 256;
const GATE_SIZE = 16;
/** As large as a gate: stub and gate of a vector lie equally far into their tables. */
const STUB_SIZE = GATE_SIZE;
/** These must not rely on the stack they interrupt. */
const ON_EMERGENCY_STACK = [VECTOR_NMI, VECTOR_DF, VECTOR_MC];

const pushesErrorCode = (vector: number): boolean => vector < 32 && ((VECTORS_WITH_ERROR_CODE >>> vector) & 1) === 1;

/** From here on, `handler` serves `vector`. */
export function setHandler(a: Assembler, vector: number, handler: string): void {
  a.mov(mem64('handlers', vector * 8), addr(handler));
}

/** `idt_build` fills the IDT; `idt_register` is what LIDT takes. */
export function interrupts(a: Assembler): void {
  a.include(serial);
  a.include(exit);
  a.section('data', () => {
    a.align(8);
    a.label('handlers');
    a.u64(...Array.from({ length: VECTORS }, (_, vector) => addr(vector === VECTOR_SPURIOUS ? 'ignore_trap' : 'unexpected_trap')));
    a.label('idt_register');
    a.u16(VECTORS * GATE_SIZE - 1);
    a.u64(addr('idt'));
  });
  a.room('idt', VECTORS * GATE_SIZE, 16);

  stubs(a);

  a.proc('ignore_trap', {}, () => {});

  a.proc('idt_build', {}, () => {
    a.mov(edi, addr('idt'));
    a.mov(eax, addr('vector_stubs'));
    a.mov(ecx, VECTORS);
    a.repeat_while('nz', () => {
      a.comment('offset 15:0, selector, IST and type, offset 31:16; offset 63:32 stays zero');
      a.mov(mem16(rdi), ax);
      a.mov(mem16(rdi, 2), KERNEL_CS);
      a.mov(mem16(rdi, 4), (AR_P | TYPE_INTERRUPT_GATE) << 8);
      a.shr(eax, 16);
      a.mov(mem16(rdi, 6), ax);
      a.add(rdi, GATE_SIZE);
      a.comment('the next stub, from how far the table has been filled');
      a.mov(eax, edi);
      a.sub(eax, addr('idt'));
      a.add(eax, addr('vector_stubs'));
      a.dec(ecx);
    });
    for (const vector of ON_EMERGENCY_STACK) a.mov(mem8('idt', vector * GATE_SIZE + 4), 1);
  });

  a.comment('nobody expects this vector here: say what happened and end the run');
  a.proc('unexpected_trap', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.call('begin_failure');
    print(a, '\nunexpected trap: vector ');
    printDecimal(a, at(rbx, TrapFrame.vector));
    print(a, ', error code 0x');
    printHex(a, at(rbx, TrapFrame.error));
    print(a, ', RIP 0x');
    printHex(a, at(rbx, TrapFrame.rip));
    print(a, ', RSP 0x');
    printHex(a, at(rbx, TrapFrame.rsp));
    print(a, ', CR2 0x');
    a.mov(rax, cr2);
    printHex(a, rax);
    print(a, ', core ');
    a.mov(eax, cpu(PerCpu.number));
    printDecimal(a, rax);
    print(a, '\n');
    a.mov(edi, 1);
    a.jmp('fail');
  });
}

function stubs(a: Assembler): void {
  a.align(STUB_SIZE);
  a.label('vector_stubs');
  for (let vector = 0; vector < VECTORS; vector++) {
    a.align(STUB_SIZE);
    if (!pushesErrorCode(vector)) a.push(0);
    a.push(vector);
    a.jmp('trap_entry');
  }

  a.align(16);
  a.label('trap_entry');
  for (const register of SAVED_REGISTERS) a.push(register);
  a.cld();
  exchangeGsOfUser(a);
  a.mov(rdi, rsp);
  a.mov(rax, at(rdi, TrapFrame.vector));
  a.call(mem64('handlers', rax.times(8)));
  exchangeGsOfUser(a);
  for (const register of SAVED_REGISTERS.toReversed()) a.pop(register);
  a.comment('vector and error code');
  a.lea(rsp, mem64(rsp, 16));
  a.iretq();
}

/** GS is the kernel's afterwards (before: the user's), or the other way round, if user mode was interrupted. */
function exchangeGsOfUser(a: Assembler): void {
  a.test(mem8(rsp, TrapFrame.cs), 3);
  a.if_('nz', () => a.swapgs());
}
