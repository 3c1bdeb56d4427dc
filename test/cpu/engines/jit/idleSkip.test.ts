/** Idle loops cost what executing them costs. */
import { describe, expect, it } from 'vitest';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem8, mem32 } from '../../../../src/asm/operand.ts';
import { al, eax } from '../../../../src/asm/register.ts';
import { codeCase, compare } from '../../../engines/codeCase.ts';
import { DATA } from '../../../engines/rigLayout.ts';

/** A wait around a wait that is over; the outer one's word is on a page that nobody has touched. */
function waitAroundWait(a: Assembler): void {
  a.test(mem8(DATA), 1);
  a.jnz('inner');
  a.label('outer');
  a.mov(eax, mem32(DATA + 4096));
  a.jmp('inner');
  a.label('inner');
  a.test(mem8(DATA), 1);
  a.jnz('inner');
  a.test(al, 1);
  a.jz('outer');
  a.hlt();
}

describe('IdleSkip', () => {
  it('skips no round in which an access missed the shortcut before an inner loop began', () => {
    expect(compare(codeCase(waitAroundWait)).differs).toBeUndefined();
  });
});
