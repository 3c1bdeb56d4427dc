/** Serial output through the 16550 at COM1, polled. */
import { PORT_SERIAL } from '../../arch/platform.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { type Memory, mem, mem8 } from '../../asm/operand.ts';
import { al, dl, dx, eax, ecx, edi, edx, type Register, rax, rbx, rcx, rdi, rdx, rsp } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { acquire, release } from './locks/lock.ts';

/** Line status register, and its bit that says that a byte may be written. */
const LINE_STATUS = PORT_SERIAL + 5;
const TRANSMITTER_EMPTY = 0x20;

/** `put_char(DIL)`, `put_text(RDI)` (zero-terminated), `put_decimal(RDI)` and `put_hex(RDI)` (64 bits, unsigned). */
export function serial(a: Assembler): void {
  a.variable('serial_lock');

  a.proc('put_char', {}, () => {
    a.mov(edx, LINE_STATUS);
    a.repeat_while('z', () => {
      a.in(al, dx);
      a.test(al, TRANSMITTER_EMPTY);
    });
    a.mov(eax, edi);
    a.mov(edx, PORT_SERIAL);
    a.out(dx, al);
  });

  a.proc('put_text', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.loop(() => {
      a.movzx(edi, mem8(rbx));
      a.test(edi, edi);
      a.break_if('z');
      a.call('put_char');
      a.inc(rbx);
    });
  });

  a.proc('put_decimal', {}, () => {
    a.mov(ecx, 10);
    a.call('put_number');
  });

  a.proc('put_hex', {}, () => {
    a.mov(ecx, 16);
    a.call('put_number');
  });

  a.comment('RDI in base RCX; digits are made from the last to the first, on the stack');
  a.proc('put_number', { saves: [rbx], frame: 32 }, () => {
    a.mov(rax, rdi);
    a.lea(rbx, mem(rsp, 31));
    a.mov(mem8(rbx), 0);
    a.repeat_while('nz', () => {
      a.xor(edx, edx);
      a.div(rcx);
      a.mov(dl, mem8(rdx, addr(a.literal('0123456789abcdef'))));
      a.dec(rbx);
      a.mov(mem8(rbx), dl);
      a.test(rax, rax);
    });
    a.mov(rdi, rbx);
    a.call('put_text');
  });
}

/** Prints a constant text. Changes what a call changes. */
export function print(a: Assembler, text: string): void {
  a.mov(edi, addr(a.literal(text)));
  a.call('put_text');
}

/** Prints a number. */
export function printDecimal(a: Assembler, value: Register<64> | Memory<64>): void {
  a.mov(rdi, value);
  a.call('put_decimal');
}

export function printHex(a: Assembler, value: Register<64> | Memory<64>): void {
  a.mov(rdi, value);
  a.call('put_hex');
}

/** Output of `body` is not mixed with that of other cores that do the same. */
export function printing(a: Assembler, body: () => void): void {
  acquire(a, 'serial_lock');
  body();
  release(a, 'serial_lock');
}
