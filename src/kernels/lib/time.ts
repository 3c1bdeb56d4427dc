/** Time and work: the time-stamp counter, waiting by it, and computing for a while. */
import type { Assembler } from '../../asm/assembler.ts';
import { eax, edi, rax, rdi, rdx } from '../../asm/register.ts';

/** RAX is the time-stamp counter. Changes RDX. */
export function readTsc(a: Assembler): void {
  a.rdtsc();
  a.shl(rdx, 32);
  a.or(rax, rdx);
}

/** Instructions of one turn of `compute`. */
const COMPUTE_TURN = 4;

/** `delay(RDI = cycles of the TSC)`; `compute(RDI = instructions)`: work that takes as long whenever it is done. */
export function time(a: Assembler): void {
  a.proc('delay', {}, () => {
    readTsc(a);
    a.add(rdi, rax);
    a.repeat_while('b', () => {
      a.pause();
      readTsc(a);
      a.cmp(rax, rdi);
    });
  });

  a.proc('compute', {}, () => {
    a.mov(eax, edi);
    a.shr(rdi, Math.log2(COMPUTE_TURN));
    a.return_if('z');
    a.repeat_while('nz', () => {
      a.imul(eax, eax, 1_664_525);
      a.add(eax, 1_013_904_223);
      a.dec(rdi);
    });
  });
}
