import { describe, expect, it } from 'vitest';
import { RFLAGS_CF, RFLAGS_STATUS, RFLAGS_ZF } from '../../../../src/arch/rflags.ts';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem32 } from '../../../../src/asm/operand.ts';
import { al, cl, eax, ebx, ecx, esi } from '../../../../src/asm/register.ts';
import { changesFlagsFirst, expectedRules, flagsSeenAfter } from '../../../../src/cpu/engines/jit/flagLiveness.ts';
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

describe('flagsSeenAfter', () => {
  const ALL = RFLAGS_STATUS;
  /** What is seen after each instruction of the first block, and after the HLT that ends it where nothing else does. */
  const seen = (write: (a: Assembler) => void, isCompilable = (_mnemonic: string): boolean => true): readonly number[] => {
    const { plan } = planOf((a) => {
      write(a);
      a.hlt();
    });
    return flagsSeenAfter(plan.blocks[0]!, ({ mnemonic }) => isCompilable(mnemonic));
  };

  it.each<[string, readonly number[], (a: Assembler) => void]>([
    [
      'what the next one changes is not seen, what the last one leaves is',
      [0, ALL, ALL],
      (a) => {
        a.add(eax, ebx);
        a.sub(eax, ecx);
      },
    ],
    [
      'INC leaves CF for whoever comes next',
      [RFLAGS_CF, ALL, ALL],
      (a) => {
        a.add(eax, ebx);
        a.inc(eax);
      },
    ],
    [
      'ADC reads CF before it changes all',
      [RFLAGS_CF, ALL, ALL],
      (a) => {
        a.add(eax, ebx);
        a.adc(eax, ecx);
      },
    ],
    [
      'SETA reads CF and ZF, and changes none',
      [RFLAGS_CF | RFLAGS_ZF, 0, ALL, ALL],
      (a) => {
        a.cmp(eax, ebx);
        a.seta(al);
        a.add(eax, ebx);
      },
    ],
    [
      'what two read and none changes is seen from before both',
      [RFLAGS_CF | RFLAGS_ZF, RFLAGS_CF, 0, ALL, ALL],
      (a) => {
        a.cmp(eax, ebx);
        a.setz(al);
        a.setc(cl);
        a.add(eax, ebx);
      },
    ],
    [
      'a load may fault, with the flags as they were before it',
      [ALL, 0, ALL, ALL],
      (a) => {
        a.add(eax, ebx);
        a.mov(ecx, mem32(0x800));
        a.add(eax, ebx);
      },
    ],
    [
      'a store may fault, and may be into the block: the flags are seen before and after it',
      [ALL, ALL, ALL, ALL],
      (a) => {
        a.add(eax, ebx);
        a.mov(mem32(0x800), ecx);
        a.add(eax, ebx);
      },
    ],
    [
      'a division may fault',
      [ALL, 0, ALL, ALL],
      (a) => {
        a.add(eax, ebx);
        a.div(esi);
        a.add(eax, ebx);
      },
    ],
    [
      'a shift by CL may leave everything as it was',
      [ALL, ALL, ALL],
      (a) => {
        a.add(eax, ebx);
        a.shl(eax, cl);
      },
    ],
    [
      'a shift by CL hands on what nobody reads after it',
      [0, 0, ALL, ALL],
      (a) => {
        a.add(eax, ebx);
        a.shl(eax, cl);
        a.add(eax, ebx);
      },
    ],
    [
      'a branch at the end shows all flags to both ways',
      [0, ALL, ALL],
      (a) => {
        a.cmp(eax, ecx);
        a.cmp(eax, ebx);
        a.jz('start');
      },
    ],
  ])('%s', (_, expected, write) => {
    expect(seen(write)).toEqual(expected);
  });

  it('shows all flags to what generated code leaves to somebody else', () => {
    const program = (a: Assembler): void => {
      a.add(eax, ebx);
      a.bswap(ecx);
      a.add(eax, ebx);
    };
    expect(seen(program)).toEqual([0, 0, ALL, ALL]);
    expect(seen(program, (mnemonic) => mnemonic !== 'Bswap')).toEqual([ALL, 0, ALL, ALL]);
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
