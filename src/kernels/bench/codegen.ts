/** bench-codegen: writes a function, calls it, and writes the next one: code that is always new. */
import { mem8, mem32 } from '../../asm/operand.ts';
import { eax, r8, rax, rbp, rbx, rdi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { benchGuest } from './benchGuest.ts';

/** Functions in turn, and bytes from one to the next. */
const FUNCTIONS = 1024;
const SIZE_SHIFT = 6;

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
        a.call(rdi);
        a.add(rbp, rax);
        a.dec(rbx);
      });
      a.mov(rax, rbp);
    });
  },
});
