/** Control flow inside regions, against the reference engine. */
import { describe, expect, it } from 'vitest';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { al, eax, ebx, ecx, edx, esi, rbx, rdi } from '../../../../src/asm/register.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';
import { PROGRAMS } from '../../../engines/rigLayout.ts';

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

/** A procedure that ends with flags on top of flags, called from three places that look at them, and once from another page. */
function returnsWithFlags(a: Assembler): void {
  a.mov(ecx, 20);
  a.mov(edx, 0x7fff_fff8);
  a.mov(rdi, BigInt(PROGRAMS + 4096));
  a.label('again');
  for (let site = 0; site < 3; site++) {
    a.call('counted');
    for (const set of ['setc', 'setz', 'setl', 'setbe'] as const) {
      a[set](al);
      a.add(ebx, eax);
      a.rol(rbx, 3);
      a.call('counted');
    }
  }
  a.call(rdi);
  a.add(ebx, eax);
  a.dec(ecx);
  a.jnz('again');
  a.hlt();
  a.align(16);
  a.label('counted');
  a.add(esi, 0x4000_0001);
  a.inc(edx);
  a.ret();
  a.align(4096);
  a.call('counted');
  a.setbe(al);
  a.adc(ebx, 0);
  a.ret();
}

describe('RegionCompiler', () => {
  it.each([17, 1000])('takes pending flags along to whichever call a return leads behind, in turns of %i cycles', (quantum) => {
    const { differs, reference } = compare(codeCase(returnsWithFlags, { cores: 2, quantum }));
    expect(differs).toBeUndefined();
    expect(reference.machine.cores[0]!.state.u64[1]).toBe(0n);
  });

  it.each([1, 2, 4, 8, 12, 28])('enters loops %i deep wherever a turn or an interrupt left them', (depth) => {
    const timers = [{ vector: 64, ticks: 7, periodic: true }, null];
    for (const quantum of [17, 1000]) {
      const one = codeCase((a) => nest(a, depth), { cores: 2, quantum, timers });
      const program = { ...one.programs[0]!, interruptsOn: true };
      expect(compare({ ...one, programs: [program] }).differs).toBeUndefined();
    }
  });
});
