/** Control flow inside regions, against the reference engine. */
import { describe, expect, it } from 'vitest';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { eax, ebx } from '../../../../src/asm/register.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';

/** Loops in loops, each with a branch back to its own beginning that is taken now and then; the outermost never ends. */
function nest(a: Assembler, depth: number): void {
  for (let level = 0; level < depth; level++) {
    a.label(`begin${level}`);
    a.inc(eax);
  }
  for (let level = depth - 1; level >= 0; level--) {
    a.imul(ebx, ebx, 1_103_515_245);
    a.add(ebx, 12_345);
    a.test(ebx, 1 << 29);
    a.jnz(`begin${level}`);
  }
  a.jmp('begin0');
}

describe('RegionCompiler', () => {
  it.each([1, 2, 4, 8, 12, 28])('enters loops %i deep wherever a turn or an interrupt left them', (depth) => {
    const timers = [{ vector: 64, ticks: 7, periodic: true }, null];
    for (const quantum of [17, 1000]) {
      const one = codeCase((a) => nest(a, depth), { cores: 2, quantum, timers });
      const program = { ...one.programs[0]!, interruptsOn: true };
      expect(compare({ ...one, programs: [program] }).differs).toBeUndefined();
    }
  });
});
