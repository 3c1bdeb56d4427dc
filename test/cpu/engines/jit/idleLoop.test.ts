import { describe, expect, it } from 'vitest';
import type { Assembler } from '../../../../src/asm/assembler.ts';
import { mem, mem8, mem32 } from '../../../../src/asm/operand.ts';
import { al, cl, eax, ebx, ecx, edx, esi, rsi } from '../../../../src/asm/register.ts';
import { isIdle } from '../../../../src/cpu/engines/jit/idleLoop.ts';
import { type LoopItem, nestLoops } from '../../../../src/cpu/engines/jit/loopNest.ts';
import { planOf } from './planOf.ts';

const WORD = 0x800;

/** Is the loop that begins where the program begins idle? */
function idle(write: (a: Assembler) => void): boolean {
  const { plan } = planOf(write);
  const numbers = plan.blocks.map((_, index) => index);
  const loop = nestLoops(numbers, plan.successors).find(({ entry }) => entry === 0);
  if (loop?.kind !== 'loop') throw new Error('there is no loop');
  return isIdle(membersOf(loop), plan.blocks, plan.successors);
}

const membersOf = (item: LoopItem): number[] => [item.entry, ...(item.kind === 'loop' ? item.body.flatMap(membersOf) : [])];

describe('isIdle', () => {
  const waits: Record<string, (a: Assembler) => void> = {
    'tests a word': (a) => {
      a.test(mem8(WORD), 1);
      a.jz('start');
    },
    'pauses between': (a) => {
      a.test(mem8(WORD), 1);
      a.jnz('start');
      a.pause();
      a.jmp('start');
    },
    'computes from what it has loaded': (a) => {
      a.mov(eax, mem32(WORD));
      a.add(eax, ebx);
      a.cmp(eax, edx);
      a.jne('start');
    },
    'counts anew each time': (a) => {
      a.mov(ecx, 3);
      a.label('inner');
      a.dec(ecx);
      a.jnz('inner');
      a.cmp(mem8(WORD), 0);
      a.jz('start');
    },
    'loads into a part of a register that it has set': (a) => {
      a.mov(eax, 0);
      a.mov(al, mem8(WORD));
      a.test(eax, eax);
      a.jz('start');
    },
  };
  it.each(Object.entries(waits))('is true of a loop that %s', (_, write) => {
    expect(idle(write)).toBe(true);
  });

  const works: Record<string, (a: Assembler) => void> = {
    counts: (a) => {
      a.inc(ecx);
      a.test(mem8(WORD), 1);
      a.jz('start');
    },
    'counts on one way around only': (a) => {
      a.test(mem8(WORD), 1);
      a.jz('start');
      a.dec(ecx);
      a.jnz('start');
    },
    'sets a register on one way only that it reads on both': (a) => {
      a.test(mem8(WORD), 1);
      a.jz('join');
      a.mov(ecx, 1);
      a.label('join');
      a.lea(edx, mem32(rsi));
      a.mov(eax, ecx);
      a.mov(ecx, edx);
      a.test(mem8(WORD + 1), 1);
      a.jz('start');
    },
    'adds with the carry of last time': (a) => {
      a.mov(eax, 0);
      a.adc(eax, 0);
      a.cmp(eax, mem32(WORD));
      a.jne('start');
    },
    'reads flags that a shift may have left alone': (a) => {
      a.mov(ecx, mem32(WORD));
      a.mov(eax, ebx);
      a.shl(eax, cl);
      a.jc('start');
      a.cmp(eax, 1);
      a.jne('start');
    },
    'loads into a part of a register': (a) => {
      a.mov(al, mem8(WORD));
      a.test(al, 1);
      a.jz('start');
    },
    'stores on a way that is not taken': (a) => {
      a.test(mem8(WORD), 1);
      a.jz('start');
      a.mov(mem8(WORD + 1), 1);
      a.jmp('start');
    },
    'removes a translation': (a) => {
      a.invlpg(mem(WORD));
      a.test(mem8(WORD), 1);
      a.jz('start');
    },
    'may divide by zero': (a) => {
      a.xor(edx, edx);
      a.mov(eax, 1);
      a.div(esi);
      a.test(mem8(WORD), 1);
      a.jz('start');
    },
    'converts to floating point': (a) => {
      // CVTSI2SD XMM0, EAX
      a.u16(0x0ff2);
      a.u16(0xc02a);
      a.test(mem8(WORD), 1);
      a.jz('start');
    },
  };
  it.each(Object.entries(works))('is false of a loop that %s', (_, write) => {
    expect(idle(write)).toBe(false);
  });
});
