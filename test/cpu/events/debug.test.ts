import { describe, expect, test } from 'vitest';
import { CR0_AM } from '../../../src/arch/controlRegisters.ts';
import { DR6_BD, DR6_BS } from '../../../src/arch/debugRegisters.ts';
import { RCX, RDI } from '../../../src/arch/registers.ts';
import { RFLAGS_RF, RFLAGS_TF } from '../../../src/arch/rflags.ts';
import { VECTOR_AC, VECTOR_DB } from '../../../src/arch/vectors.ts';
import { mem64 } from '../../../src/asm/operand.ts';
import { eax, rax } from '../../../src/asm/register.ts';
import { I32_RFLAGS, U64_CR0, U64_DR0, U64_DR6, U64_DR7 } from '../../../src/cpu/state.ts';
import { DATA, Rig } from '../rig.ts';

/** Three instructions, then HLT. */
const three = (): Rig =>
  new Rig((a) => {
    a.mov(eax, 1);
    a.label('second');
    a.mov(mem64(DATA), rax);
    a.label('third');
    a.mov(rax, mem64(DATA + 8));
    a.label('end');
    a.hlt();
  });

describe('single step', () => {
  test('TF traps after the instruction, and the handler runs without TF', () => {
    const rig = three();
    rig.core.state.i32[I32_RFLAGS]! |= RFLAGS_TF;
    const { vector, frame } = rig.delivered();
    expect([vector, Number(frame[0]), Number(frame[2]) & (RFLAGS_TF | RFLAGS_RF)]).toEqual([VECTOR_DB, rig.at('second'), RFLAGS_TF]);
    expect(Number(rig.core.state.u64[U64_DR6]!) & DR6_BS).toBe(DR6_BS);
    expect(rig.core.state.i32[I32_RFLAGS]! & RFLAGS_TF).toBe(0);
  });

  test('MOV SS puts the trap off until after the next instruction', () => {
    const rig = new Rig((a) => {
      a.mov(eax, 0x10);
      a.label('step');
      a.bytes([0x8e, 0xd0]);
      a.mov(eax, 2);
      a.label('after');
      a.hlt();
    });
    rig.core.state.u64[16] = BigInt(rig.at('step'));
    rig.core.state.u64[0] = 0x10n;
    rig.core.state.i32[I32_RFLAGS]! |= RFLAGS_TF;
    expect(Number(rig.delivered().frame[0])).toBe(rig.at('after'));
  });
});

describe('breakpoints', () => {
  const withBreakpoint = (address: (rig: Rig) => number, dr7: number): Rig => {
    const rig = three();
    rig.core.state.u64[U64_DR0 + 1] = BigInt(address(rig));
    rig.core.state.u64[U64_DR7] = BigInt((dr7 | 0x404) >>> 0);
    return rig;
  };

  test('an instruction breakpoint is a fault before the instruction; RF in the frame lets it pass', () => {
    const rig = withBreakpoint((r) => r.at('third'), 0);
    const { vector, frame } = rig.delivered();
    expect([vector, Number(frame[0]), Number(frame[2]) & RFLAGS_RF]).toEqual([VECTOR_DB, rig.at('third'), RFLAGS_RF]);
    expect(Number(rig.core.state.u64[U64_DR6]!) & 0xf).toBe(2);
  });

  test('RF holds it off for one instruction', () => {
    const rig = withBreakpoint((r) => r.at('start'), 0);
    rig.core.state.i32[I32_RFLAGS]! |= RFLAGS_RF;
    rig.run();
    expect(rig.core.rip).toBe(rig.at('end') + 1);
  });

  /** REP STOSB of so many bytes, then HLT. */
  const fill = (count: number, flags: number): Rig => {
    const rig = new Rig((a) => {
      a.bytes([0xf3, 0xaa]);
      a.label('end');
      a.hlt();
    });
    const { u64, i32 } = rig.core.state;
    u64[RCX] = BigInt(count);
    u64[RDI] = BigInt(DATA);
    i32[I32_RFLAGS]! |= flags;
    return rig;
  };

  test('on a string instruction with a repeat prefix it is met once: RF holds it off for all elements', () => {
    const rig = fill(5, RFLAGS_RF);
    const { u64, i32 } = rig.core.state;
    u64[U64_DR0] = BigInt(rig.at('start'));
    u64[U64_DR7] = 0x402n;
    rig.run();
    expect([rig.core.rip, u64[RCX], i32[I32_RFLAGS]! & RFLAGS_RF]).toEqual([rig.at('end') + 1, 0n, 0]);
  });

  test('a trap between two elements of a string instruction shows RF, one after the last does not', () => {
    const traps = [5, 1].map((count) => {
      const rig = fill(count, RFLAGS_TF);
      const { frame } = rig.delivered();
      return [Number(frame[0]) - rig.at('start'), Number(frame[2]) & RFLAGS_RF];
    });
    expect(traps).toEqual([
      [0, RFLAGS_RF],
      [2, 0],
    ]);
  });

  test('on the instruction after MOV SS it is held off', () => {
    const rig = new Rig((a) => {
      a.mov(eax, 0x10);
      a.bytes([0x8e, 0xd0]);
      a.label('shadowed');
      a.mov(eax, 2);
      a.label('after');
      a.hlt();
    });
    rig.core.state.u64[U64_DR0] = BigInt(rig.at('shadowed'));
    rig.core.state.u64[U64_DR0 + 1] = BigInt(rig.at('after'));
    rig.core.state.u64[U64_DR7] = 0x40an;
    expect(Number(rig.delivered().frame[0])).toBe(rig.at('after'));
  });

  test.for([
    ['a write', 1, DATA + 4, 'third'],
    ['any access', 3, DATA + 12, 'end'],
  ] as const)('a data breakpoint on %s is a trap after the access', ([, condition, address, label]) => {
    // Four bytes.
    const rig = withBreakpoint(() => address, (condition << 20) | (3 << 22));
    const { vector, frame } = rig.delivered();
    expect([vector, Number(frame[0])]).toEqual([VECTOR_DB, rig.at(label)]);
    expect(Number(rig.core.state.u64[U64_DR6]!) & 0xf).toBe(2);
  });
});

describe('MOV to debug registers', () => {
  const move = (code: readonly number[], value: bigint): Rig => {
    const rig = new Rig((a) => {
      a.mov(rax, value);
      a.bytes([...code]);
      a.hlt();
    });
    return rig;
  };

  test('DR7 keeps its fixed bits; DR4 is DR6; upper halves must be 0', () => {
    const rig = move([0x0f, 0x23, 0xf8], 0xffffn & ~0x2000n & ~0xffn);
    rig.run();
    expect(rig.core.state.u64[U64_DR7]).toBe(0x700n);
    const alias = move([0x0f, 0x23, 0xe0], 3n);
    alias.run();
    expect(Number(alias.core.state.u64[U64_DR6]!)).toBe(0xffff_0ff3);
    expect(move([0x0f, 0x23, 0xf0], 1n << 32n).fault()).toEqual({ vector: 13, error: 0 });
  });

  test('DR7.GD makes any access a #DB', () => {
    const rig = move([0x0f, 0x21, 0xc0], 0n);
    rig.core.state.u64[U64_DR7] = 0x2400n;
    expect(rig.delivered().vector).toBe(VECTOR_DB);
    expect(Number(rig.core.state.u64[U64_DR6]!) & DR6_BD).toBe(DR6_BD);
    expect(rig.core.state.u64[U64_DR7]).toBe(0x400n);
  });
});

test('alignment is checked at level 3 only', () => {
  const rig = new Rig((a) => {
    a.label('access');
    a.mov(rax, mem64(DATA + 1));
    a.hlt();
  });
  rig.core.state.u64[U64_CR0] = rig.core.state.u64[U64_CR0]! | BigInt(CR0_AM);
  rig.enterUser('access', 1 << 18);
  expect(rig.fault()).toEqual({ vector: VECTOR_AC, error: 0 });
});
