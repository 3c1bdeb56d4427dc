/** Flags that are pending, on top of each other, wherever blocks end and regions are left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { al, ebx, ecx, edx, esi, r8d, r9d, rax, rdi } from '../../../../src/asm/register.ts';
import { flagCase } from '../../../arbitraries/engineCase.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';

/** A block that every way leads to with INC as the last change, and that asks for CF, which INC has left alone; and the like with a single flag. */
function asksForWhatWasKept(a: Assembler, ask: (a: Assembler) => void): void {
  a.mov(ebx, 60);
  a.mov(esi, 0x1111_1111);
  a.label('again');
  a.rol(esi, 1);
  a.cmp(esi, 0x4444_4444);
  a.inc(edx);
  a.jmp('asked');
  a.align(16);
  a.label('asked');
  ask(a);
  a.rol(rdi, 1);
  a.add(rdi, rax);
  a.stc();
  a.inc(ecx);
  ask(a);
  a.rol(rdi, 1);
  a.add(rdi, rax);
  // ZF and SF of DEC, CF and OF of IMUL.
  a.mov(r9d, esi);
  a.and(r9d, 1);
  a.dec(r9d);
  a.imul(r8d, r8d, 3);
  ask(a);
  a.rol(rdi, 1);
  a.add(rdi, rax);
  a.dec(ebx);
  a.jnz('again');
  a.hlt();
}

describe('FlagState', () => {
  it.each(['setc', 'setbe', 'seta', 'setl', 'setle', 'setz'] as const)(
    '%s finds its flags where several operations have left them',
    (set) => {
      const { differs, reference } = compare(codeCase((a) => asksForWhatWasKept(a, () => a[set](al))));
      expect(differs).toBeUndefined();
      expect(reference.machine.cores[0]!.state.u64[3]).toBe(0n);
    },
  );

  it('property: flags are those of the reference engine in programs that do little else', () => {
    fc.assert(
      fc.property(flagCase, (one) => {
        expect(compare(one).differs).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});
