/** bench-alu: arithmetic in registers, and a branch that depends on it: what a core does between accesses. */
import type { Assembler } from '../../asm/assembler.ts';
import { eax, edx, rax, rdi, rdx } from '../../asm/register.ts';
import { benchGuest } from './benchGuest.ts';

/** Multiplier and increment of a linear congruential generator. */
const MULTIPLIER = 1_664_525;
const INCREMENT = 1_013_904_223;
/** The bit that the branch looks at: its sequence is long enough to be unpredictable. */
const DECIDING_BIT = 1 << 21;

/** RDI iterations of eight instructions. RAX = sum of what the two ways have made. */
export function aluWork(a: Assembler): void {
  a.proc('bench_work', {}, () => {
    a.mov(eax, 1);
    a.xor(edx, edx);
    a.repeat_while('nz', () => {
      a.imul(eax, eax, MULTIPLIER);
      a.add(eax, INCREMENT);
      a.test(eax, DECIDING_BIT);
      a.if_(
        'z',
        () => a.add(rdx, rax),
        () => a.xor(rdx, rdi),
      );
      a.dec(rdi);
    });
    a.mov(rax, rdx);
  });
}

export const alu = benchGuest({
  name: 'alu',
  doc: 'bench: arithmetic in registers with a branch that depends on it',
  iterations: 250_000,
  write: aluWork,
});

export const busy = benchGuest({
  name: 'busy',
  doc: 'bench: the work of bench-alu on every core at once',
  iterations: 100_000,
  everyCore: true,
  write: aluWork,
});
