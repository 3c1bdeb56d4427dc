/** Random numbers: one xorshift64 generator per core, seeded from the seed of the run and the core's number. */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem64 } from '../../asm/operand.ts';
import { edx, rax, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { cpu, PerCpu } from './percpu.ts';

/** 2^64 divided by the golden ratio: spreads the core numbers over all bits. */
const SPREAD = 0x9e37_79b9_7f4a_7c15n;

/** `random` → RAX: any number but 0. `random_below(RDI)` → RAX < RDI. `random_init(RDI = core number, RSI = its area)`. */
export function random(a: Assembler): void {
  a.proc('random_init', {}, () => {
    a.lea(rax, mem64(rdi, 1));
    a.mov(rcx, SPREAD);
    a.imul(rax, rcx);
    a.xor(rax, mem64('boot_seed'));
    a.comment('zero is the one state that has no successor');
    a.test(rax, rax);
    a.cmovz(rax, rcx);
    a.mov(at(rsi, PerCpu.random), rax);
  });

  a.proc('random', {}, () => {
    a.mov(rax, cpu(PerCpu.random));
    for (const [shift, left] of [
      [13, true],
      [7, false],
      [17, true],
    ] as const) {
      a.mov(rdx, rax);
      if (left) a.shl(rdx, shift);
      else a.shr(rdx, shift);
      a.xor(rax, rdx);
    }
    a.mov(cpu(PerCpu.random), rax);
  });

  a.proc('random_below', {}, () => {
    a.call('random');
    a.comment('the upper half: its low bits are better than those of the lower one');
    a.shr(rax, 32);
    a.xor(edx, edx);
    a.div(rdi);
    a.mov(rax, rdx);
  });
}
