/** bench-codegen: writes a function, calls it, writes the next one: code that is always new. */
import type { Assembler } from '../../asm/assembler.ts';
import { mem8, mem32 } from '../../asm/operand.ts';
import { eax, r8, r12, r12d, r13, r13d, rax, rbp, rbx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { MAX_CORES } from '../lib/layout.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { benchGuest } from './benchGuest.ts';

/** Functions in turn, and bytes from one to the next. */
const FUNCTIONS = 1024;
const SIZE_SHIFT = 6;
const CORE_SHIFT = 16;

/** RDI points to a new function that returns a value made of RBX. Changes RAX, R8. */
function writeFunction(a: Assembler): void {
  a.imul(r8, rbx, 2_654_435_761 - 2 ** 32);
  a.comment('mov eax, R8D; add eax, RBX modulo 128; ret');
  a.mov(mem8(rdi), 0xb8);
  a.mov(rax, r8);
  a.mov(mem32(rdi, 1), eax);
  a.mov(rax, rbx);
  a.and(eax, 0x7f);
  a.shl(eax, 16);
  a.or(eax, 0xc300_c083 - 2 ** 32);
  a.mov(mem32(rdi, 5), eax);
}

export const codegen = benchGuest({
  name: 'codegen',
  doc: 'bench: code that writes new code and calls it',
  iterations: 20_000,
  write(a) {
    a.room('generated', FUNCTIONS << SIZE_SHIFT, 4096);

    a.comment('RBX = functions left, RBP = sum');
    a.proc('bench_work', { saves: [rbx, rbp] }, () => {
      a.mov(rbx, rdi);
      a.xor(rbp, rbp);
      a.repeat_while('nz', () => {
        a.mov(rdi, rbx);
        a.and(rdi, FUNCTIONS - 1);
        a.shl(rdi, SIZE_SHIFT);
        a.add(rdi, addr('generated'));
        writeFunction(a);
        a.call(rdi);
        a.add(rbp, rax);
        a.dec(rbx);
      });
      a.mov(rax, rbp);
    });
  },
});

/** Every core in pages of its own, and each function often enough to be worth compiling. */
export const codegenAll = benchGuest({
  name: 'codegen-all',
  doc: 'bench: every core writes new code and calls it many times',
  iterations: 1000,
  parameters: [{ name: 'calls', default: 40, min: 1, max: 1_000_000, doc: 'calls of each function' }],
  everyCore: true,
  write(a, { parameters }) {
    a.room('generated', MAX_CORES << CORE_SHIFT, 4096);

    a.comment('RBX = functions left, RBP = sum, R12 = pages of this core, R13 = calls left');
    a.proc('bench_work', { saves: [rbx, rbp, r12, r13] }, () => {
      a.mov(rbx, rdi);
      a.xor(rbp, rbp);
      a.mov(r12d, cpu(PerCpu.number));
      a.shl(r12, CORE_SHIFT);
      a.add(r12, addr('generated'));
      a.repeat_while('nz', () => {
        a.mov(rdi, rbx);
        a.and(rdi, FUNCTIONS - 1);
        a.shl(rdi, SIZE_SHIFT);
        a.add(rdi, r12);
        writeFunction(a);
        a.mov(r13d, parameters['calls']!);
        a.repeat_while('nz', () => {
          a.call(rdi);
          a.add(rbp, rax);
          a.dec(r13);
        });
        a.dec(rbx);
      });
      a.mov(rax, rbp);
    });
  },
});
