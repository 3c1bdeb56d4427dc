import { describe, expect, test } from 'vitest';
import { RFLAGS_IF, RFLAGS_RF } from '../../../src/arch/rflags.ts';
import { VECTOR_DF, VECTOR_GP, VECTOR_NP, VECTOR_PF, VECTOR_SS, VECTOR_TS, VECTOR_UD } from '../../../src/arch/vectors.ts';
import { mem64 } from '../../../src/asm/operand.ts';
import { rax, rsp } from '../../../src/asm/register.ts';
import { I32_GDTR_LIMIT, I32_IDTR_LIMIT, I32_RFLAGS, I32_SEGMENT_LIMIT, U64_CR2 } from '../../../src/cpu/state.ts';
import {
  descriptor,
  FREE_SELECTOR,
  type Gate,
  GDT,
  istTop,
  KERNEL_CS,
  KERNEL_DS,
  Rig,
  RSP0,
  TSS,
  TSS_SELECTOR,
  TYPE_INTERRUPT,
  TYPE_TRAP,
  USER_CS,
  USER_CS32,
  USER_DS,
  USER_STACK,
} from '../rig.ts';

const FLAGS = 2n;
const flagsOf = (rig: Rig): number => rig.core.state.i32[I32_RFLAGS]!;

describe('64-bit mode stack frame', () => {
  test('an event at the same level pushes SS, RSP, RFLAGS, CS and RIP on the current stack, aligned to 16 bytes', () => {
    const rig = new Rig((a) => {
      a.sub(rsp, 12);
      a.int(0x40);
      a.label('next');
      a.hlt();
    });
    const before = 0x1_0000 - 12;
    const aligned = before - (before % 16) - 40;
    // SUB leaves AF and PF as it does.
    const { frame, ...rest } = rig.delivered(5);
    expect({ ...rest, frame: [frame[0], frame[1], frame[3], frame[4]] }).toEqual({
      vector: 0x40,
      rsp: aligned,
      cpl: 0,
      cs: KERNEL_CS,
      ss: KERNEL_DS,
      frame: [BigInt(rig.at('next')), BigInt(KERNEL_CS), BigInt(before), BigInt(KERNEL_DS)],
    });
  });

  test('an event from ring 3 takes RSP0 of the TSS and a null SS', () => {
    const rig = new Rig((a) => {
      a.label('user');
      a.int(0x40);
      a.label('next');
    });
    rig.gate(0x40, { access: 0xee });
    rig.enterUser('user', RFLAGS_IF);
    expect(rig.delivered(5)).toEqual({
      vector: 0x40,
      rsp: RSP0 - 40,
      cpl: 0,
      cs: KERNEL_CS,
      ss: 0,
      frame: [BigInt(rig.at('next')), BigInt(USER_CS), FLAGS | BigInt(RFLAGS_IF), BigInt(USER_STACK), BigInt(USER_DS)],
    });
    expect(flagsOf(rig) & RFLAGS_IF).toBe(0);
  });

  test.for([1, 2, 3, 4, 5, 6, 7])('a gate with IST %i takes that stack, whatever the level', (ist) => {
    const rig = new Rig((a) => a.int(0x40));
    rig.gate(0x40, { ist });
    expect(rig.delivered().rsp).toBe(istTop(ist) - 40);
  });

  test('a handler of a conforming code segment runs at the level of the interrupted code, on its stack', () => {
    const rig = new Rig((a) => {
      a.label('user');
      a.int(0x40);
      a.label('next');
    });
    rig.store(GDT + FREE_SELECTOR, descriptor(0x9f));
    rig.gate(0x40, { access: 0xee, selector: FREE_SELECTOR });
    // A handler at level 3 cannot halt: #GP of the HLT shows where it got.
    rig.enterUser('user');
    const { vector, frame } = rig.delivered();
    expect({ vector, cs: frame[2], rsp: frame[4] }).toEqual({
      vector: VECTOR_GP,
      cs: BigInt(FREE_SELECTOR | 3),
      rsp: BigInt(USER_STACK - 40),
    });
  });

  test('an interrupt gate clears IF, a trap gate leaves it', () => {
    const flagsAfter = (access: number): number => {
      const rig = new Rig((a) => {
        a.sti();
        a.nop();
        a.int(0x40);
      });
      rig.gate(0x40, { access });
      rig.run(10_000);
      return flagsOf(rig) & RFLAGS_IF;
    };
    expect([flagsAfter(TYPE_INTERRUPT), flagsAfter(TYPE_TRAP)]).toEqual([0, RFLAGS_IF]);
  });

  test('a fault pushes RF and its own RIP, a software interrupt the RIP behind it', () => {
    const fault = new Rig((a) => a.ud2());
    const { vector, frame } = fault.delivered(3);
    expect({ vector, frame }).toEqual({
      vector: VECTOR_UD,
      frame: [BigInt(fault.at('start')), BigInt(KERNEL_CS), FLAGS | BigInt(RFLAGS_RF)],
    });
    const trap = new Rig((a) => {
      a.int3();
      a.label('next');
    });
    expect(trap.delivered(3)).toMatchObject({ vector: 3, frame: [BigInt(trap.at('next')), BigInt(KERNEL_CS), FLAGS] });
  });

  test('a page fault pushes its error code and leaves the address in CR2', () => {
    const rig = new Rig((a) => {
      a.mov(rax, 0x12_3456_7890);
      a.mov(mem64(rax), 1);
    });
    const { vector, frame } = rig.delivered(2);
    expect({ vector, error: frame[0], cr2: rig.core.state.u64[U64_CR2] }).toEqual({ vector: VECTOR_PF, error: 2n, cr2: 0x12_3456_7890n });
  });
});

describe('faults on the way to the handler', () => {
  interface Case {
    readonly name: string;
    readonly prepare: (rig: Rig, vector: number) => void;
    readonly vector: number;
    /** Without the EXT bit, which every error code on the way of a hardware event has. */
    readonly error: (vector: number) => number;
  }
  const gate =
    (values: Gate): Case['prepare'] =>
    (rig, vector) =>
      rig.gate(vector, values);
  const inIdt = (vector: number): number => vector * 8 + 2;

  const cases: readonly Case[] = [
    { name: 'a gate that is no gate: #GP', prepare: gate({ access: 0x89 }), vector: VECTOR_GP, error: inIdt },
    { name: 'a call gate: #GP', prepare: gate({ access: 0x8c }), vector: VECTOR_GP, error: inIdt },
    { name: 'reserved bits in the upper half of the gate: #GP', prepare: gate({ last: 0x1f00 }), vector: VECTOR_GP, error: inIdt },
    { name: 'a gate that is not present: #NP', prepare: gate({ access: 0x0e }), vector: VECTOR_NP, error: inIdt },
    { name: 'a null selector: #GP(EXT)', prepare: gate({ selector: 3 }), vector: VECTOR_GP, error: () => 0 },
    { name: 'a selector beyond the GDT: #GP', prepare: gate({ selector: 0x1008 }), vector: VECTOR_GP, error: () => 0x1008 },
    { name: 'a data segment: #GP', prepare: gate({ selector: KERNEL_DS }), vector: VECTOR_GP, error: () => KERNEL_DS },
    { name: 'code of an outer level: #GP', prepare: gate({ selector: USER_CS }), vector: VECTOR_GP, error: () => USER_CS & ~3 },
    { name: '32-bit code: #GP', prepare: gate({ selector: USER_CS32 & ~3 }), vector: VECTOR_GP, error: () => USER_CS32 & ~3 },
    {
      name: 'code that is not present: #NP',
      prepare(rig, vector) {
        rig.store(GDT + FREE_SELECTOR, descriptor(0x1b));
        rig.gate(vector, { selector: FREE_SELECTOR });
      },
      vector: VECTOR_NP,
      error: () => FREE_SELECTOR,
    },
    { name: 'a handler that is not canonical: #GP(EXT)', prepare: gate({ offset: 0x8000_0000_0000n }), vector: VECTOR_GP, error: () => 0 },
    {
      name: 'a TSS too short for the stack: #TS',
      prepare(rig, vector) {
        rig.gate(vector, { ist: 7 });
        rig.core.state.i32[I32_SEGMENT_LIMIT + 7] = 90;
      },
      vector: VECTOR_TS,
      error: () => TSS_SELECTOR,
    },
    {
      name: 'a stack that is not canonical: #SS(EXT)',
      prepare(rig, vector) {
        rig.gate(vector, { ist: 7 });
        rig.store(TSS + 36 + 6 * 8, 0x8000_0000_0000n);
      },
      vector: VECTOR_SS,
      error: () => 0,
    },
  ];

  test.for(cases)('$name, for INT n without EXT', ({ prepare, vector, error }) => {
    const rig = new Rig((a) => {
      a.nop();
      a.label('int');
      a.int(0x40);
    });
    prepare(rig, 0x40);
    const delivered = rig.delivered();
    expect({ vector: delivered.vector, error: delivered.frame[0], rip: delivered.frame[1] }).toEqual({
      vector,
      error: BigInt(error(0x40)),
      rip: BigInt(rig.at('int')),
    });
  });

  test.for(cases)('$name, for an exception with EXT', ({ prepare, vector, error }) => {
    const rig = new Rig((a) => a.ud2());
    prepare(rig, VECTOR_UD);
    expect(rig.fault()).toEqual({ vector, error: error(VECTOR_UD) + 1 });
  });

  test('a vector beyond the limit of the IDT: #GP', () => {
    const rig = new Rig((a) => a.int(0x40));
    rig.core.state.i32[I32_IDTR_LIMIT] = 0x40 * 16 + 14;
    expect(rig.fault()).toEqual({ vector: VECTOR_GP, error: 0x40 * 8 + 2 });
  });

  test('INT n through a gate of an inner level: #GP with the RIP of the INT; the same gate serves exceptions', () => {
    const rig = new Rig((a) => {
      a.label('user');
      a.int(0x40);
    });
    rig.enterUser('user');
    expect(rig.delivered(3)).toMatchObject({ vector: VECTOR_GP, frame: [BigInt(0x40 * 8 + 2), BigInt(rig.at('user')), BigInt(USER_CS)] });
    const exception = new Rig((a) => {
      a.label('user');
      a.ud2();
    });
    exception.enterUser('user');
    expect(exception.delivered().vector).toBe(VECTOR_UD);
  });

  test('a stack that is not mapped: #PF, then #DF when that has no stack either', () => {
    const rig = new Rig((a) => {
      a.mov(rsp, 0x12_3456_7890);
      a.int(0x40);
    });
    rig.gate(VECTOR_PF, { ist: 1 });
    expect(rig.delivered(1)).toMatchObject({ vector: VECTOR_PF, rsp: istTop(1) - 48, frame: [2n] });

    const twice = new Rig((a) => {
      a.mov(rsp, 0x12_3456_7890);
      a.int(0x40);
    });
    twice.gate(VECTOR_DF, { ist: 1 });
    expect(twice.delivered(1)).toMatchObject({ vector: VECTOR_DF, frame: [0n] });
  });

  test('faults on the way to the double-fault handler shut the processor down', () => {
    const rig = new Rig((a) => {
      a.mov(rsp, 0x12_3456_7890);
      a.int(0x40);
    });
    expect(rig.run()).toMatchObject({ kind: 'triple-fault', core: 0 });
    const noIdt = new Rig((a) => a.ud2());
    noIdt.core.state.i32[I32_IDTR_LIMIT] = -1 >>> 16;
    noIdt.core.state.i32[I32_GDTR_LIMIT] = 0;
    expect(noIdt.run()).toMatchObject({ kind: 'triple-fault', core: 0 });
  });
});
