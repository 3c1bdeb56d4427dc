import { describe, expect, it } from 'vitest';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem32 } from '../../../../src/asm/operand.ts';
import { cl, eax, ebx, ecx, esi } from '../../../../src/asm/register.ts';
import { changesFlagsFirst, expectedRules } from '../../../../src/cpu/engines/jit/flagLiveness.ts';
import { planOf } from './planOf.ts';

const first = (write: (a: Assembler) => void): boolean => changesFlagsFirst(planOf(write).plan.blocks[0]!, () => true);

describe('changesFlagsFirst', () => {
  it.each<[string, boolean, (a: Assembler) => void]>([
    ['ADD', true, (a) => a.add(eax, ebx)],
    [
      'INC, then ADD',
      true,
      (a) => {
        a.inc(eax);
        a.add(eax, ebx);
      },
    ],
    ['INC', false, (a) => a.inc(eax)],
    [
      'INC, then ADC',
      false,
      (a) => {
        a.inc(eax);
        a.adc(eax, ebx);
      },
    ],
    [
      'a load, then ADD',
      false,
      (a) => {
        a.mov(ecx, mem32(0x800));
        a.add(eax, ebx);
      },
    ],
    [
      'a store, then ADD',
      false,
      (a) => {
        a.mov(mem32(0x800), ecx);
        a.add(eax, ebx);
      },
    ],
    [
      'a division, then ADD',
      false,
      (a) => {
        a.div(esi);
        a.add(eax, ebx);
      },
    ],
    ['a shift by CL', false, (a) => a.shl(eax, cl)],
    [
      'CMOVcc, then ADD',
      false,
      (a) => {
        a.cmovz(eax, ebx);
        a.add(eax, ebx);
      },
    ],
    ['PAUSE', false, (a) => a.pause()],
    [
      'ADD, then a load',
      true,
      (a) => {
        a.add(eax, ebx);
        a.mov(ecx, mem32(0x800));
      },
    ],
  ])('%s: %s', (_, answer, write) => {
    expect(
      first((a) => {
        write(a);
        a.hlt();
      }),
    ).toBe(answer);
  });

  it('is false where an instruction before cannot be compiled', () => {
    const { plan } = planOf((a) => {
      a.mov(eax, ebx);
      a.add(eax, ebx);
      a.hlt();
    });
    expect(changesFlagsFirst(plan.blocks[0]!, (insn) => insn.mnemonic !== 'Mov')).toBe(false);
  });
});

describe('expectedRules', () => {
  it('expects what all blocks before agree on, through those that leave the flags alone', () => {
    const { plan, at } = planOf((a) => {
      a.cmp(eax, ebx);
      a.jz('join');
      a.label('kept');
      a.mov(eax, ecx);
      a.jmp('join');
      a.label('join');
      a.jc('other');
      a.add(eax, ebx);
      a.jmp('mixed');
      a.label('other');
      a.test(eax, ebx);
      a.jmp('mixed');
      a.label('mixed');
      a.jz('start');
      a.hlt();
    });
    const expected = expectedRules(plan.blocks, plan.successors);
    const own = expected[at('kept')];
    expect(own).toMatchObject({ width: 32 });
    expect(expected[at('join')]).toEqual(own);
    expect(expected[at('other')]).toEqual(own);
    expect(expected[at('mixed')]).toBeUndefined();
  });
});
