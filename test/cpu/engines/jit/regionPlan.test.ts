import { describe, expect, it } from 'vitest';
import { eax, ecx } from '../../../../src/asm/register.ts';
import { planOf } from './planOf.ts';

describe('planRegion', () => {
  it('leads a return behind every call of its procedure, and a call only to the procedure', () => {
    const { at, leadsTo } = planOf((a) => {
      a.call('twice');
      a.label('first');
      a.call('twice');
      a.label('second');
      a.hlt();
      a.label('twice');
      a.inc(eax);
      a.ret();
    });
    expect(leadsTo('start')).toEqual([at('twice')]);
    // HLT begins the block behind the second call: nothing is gained by having it.
    expect(at('second')).toBe(-1);
    expect(leadsTo('twice')).toEqual([at('first')]);
  });

  it('finds the return of a procedure behind the calls that it makes itself', () => {
    const { at, leadsTo } = planOf((a) => {
      a.call('outer');
      a.label('back');
      a.inc(eax);
      a.jmp('start');
      a.label('outer');
      a.call('inner');
      a.label('rest');
      a.dec(eax);
      a.ret();
      a.label('inner');
      a.ret();
    });
    expect(leadsTo('inner')).toEqual([at('rest')]);
    expect(leadsTo('rest')).toEqual([at('back')]);
  });

  it('lets a block that is not taken further end where the page ends', () => {
    const { plan, leadsTo } = planOf((a) => {
      a.label('loop');
      a.dec(ecx);
      a.jnz('loop');
      a.jmp('far');
      a.align(4096);
      a.label('far');
      a.inc(eax);
    });
    expect(plan.blocks.length).toBe(2);
    expect(leadsTo('loop')).toEqual([0, 1]);
  });

  it('takes at most eight places for one return', () => {
    const { leadsTo } = planOf((a) => {
      for (let i = 0; i < 12; i++) a.call('procedure');
      a.jmp('start');
      a.label('procedure');
      a.ret();
    });
    expect(leadsTo('procedure').length).toBe(8);
  });

  it('holds at most 64 blocks', () => {
    const { plan } = planOf((a) => {
      for (let i = 0; i < 100; i++) a.jz('start');
    });
    expect(plan.blocks.length).toBe(64);
  });
});
