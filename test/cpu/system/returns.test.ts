/** IRET, SYSCALL and SYSRET, far transfers. */
import { describe, expect, test } from 'vitest';
import { RFLAGS_CF, RFLAGS_DF, RFLAGS_IF } from '../../../src/arch/rflags.ts';
import { VECTOR_GP, VECTOR_NP, VECTOR_PF, VECTOR_SS, VECTOR_UD } from '../../../src/arch/vectors.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { mem, mem64 } from '../../../src/asm/operand.ts';
import { eax, ecx, rax, rcx, rdx, rsp } from '../../../src/asm/register.ts';
import { addr } from '../../../src/asm/symbolValue.ts';
import {
  I32_CODE_SIZE,
  I32_CPL,
  I32_RFLAGS,
  I32_SEGMENT_ACCESS,
  I32_SEGMENT_SELECTOR,
  U64_EFER,
  U64_FMASK,
  U64_LSTAR,
  U64_SEGMENT_BASE,
  U64_STAR,
  U64_SYSENTER_CS,
} from '../../../src/cpu/state.ts';
import { DATA, descriptor, FREE_SELECTOR, GDT, KERNEL_CS, KERNEL_DS, Rig, USER_CS, USER_CS32, USER_DS, USER_STACK } from '../rig.ts';

const [CS, SS, DS, FS] = [1, 2, 3, 4];

/** Where a return led: read before the next instruction. */
function state(rig: Rig): Record<string, number> {
  const { i32, u64 } = rig.core.state;
  return {
    rip: rig.core.rip,
    cs: i32[I32_SEGMENT_SELECTOR + CS]!,
    ss: i32[I32_SEGMENT_SELECTOR + SS]!,
    rsp: Number(u64[4]),
    cpl: i32[I32_CPL]!,
    code: i32[I32_CODE_SIZE]!,
  };
}

/** Runs until RIP is at the label. */
function runTo(rig: Rig, label: string): void {
  for (let steps = 0; rig.core.rip !== rig.at(label); steps++) {
    if (steps > 1000 || rig.run(1) !== undefined) throw new Error(`never at ${label}, but at ${rig.core.rip.toString(16)}`);
  }
}

/** Code that IRETs to `cs:target` with this stack and flags. */
const iretTo =
  (cs: number, ss: number, target: string | bigint, stack: number | bigint = USER_STACK, flags = 2) =>
  (a: Assembler): void => {
    const word = (value: number | bigint): void => {
      a.mov(rax, value);
      a.push(rax);
    };
    word(ss);
    word(stack);
    word(flags);
    word(cs);
    a.mov(rax, typeof target === 'string' ? addr(target) : target);
    a.push(rax);
    a.label('iret');
    a.iretq();
    a.label('target');
    // A loop of single instructions, to be found in.
    a.nop();
    a.jmp('target');
  };

describe('IRETQ', () => {
  test('to ring 3 loads CS, SS, RSP, RFLAGS and the level', () => {
    const rig = new Rig(iretTo(USER_CS, USER_DS, 'target', USER_STACK, RFLAGS_IF | RFLAGS_CF));
    runTo(rig, 'target');
    expect(state(rig)).toEqual({ rip: rig.at('target'), cs: USER_CS, ss: USER_DS, rsp: USER_STACK, cpl: 3, code: 64 });
    expect(rig.core.state.i32[I32_RFLAGS]).toBe(RFLAGS_IF | RFLAGS_CF | 2);
  });

  test('to the same level pops SS and RSP, too', () => {
    const rig = new Rig(iretTo(KERNEL_CS, KERNEL_DS, 'target', DATA));
    runTo(rig, 'target');
    expect(state(rig)).toEqual({ rip: rig.at('target'), cs: KERNEL_CS, ss: KERNEL_DS, rsp: DATA, cpl: 0, code: 64 });
  });

  test('to the same level takes a null SS', () => {
    const rig = new Rig(iretTo(KERNEL_CS, 0, 'target', DATA));
    runTo(rig, 'target');
    expect(state(rig)).toMatchObject({ ss: 0, cpl: 0 });
  });

  test('to compatibility mode runs 32-bit code', () => {
    const rig = new Rig(iretTo(USER_CS32, USER_DS, 'target'));
    runTo(rig, 'target');
    expect(state(rig)).toEqual({ rip: rig.at('target'), cs: USER_CS32, ss: USER_DS, rsp: USER_STACK, cpl: 3, code: 32 });
  });

  test('to an outer level makes data segments of inner levels null', () => {
    const rig = new Rig(iretTo(USER_CS, USER_DS, 'target'));
    runTo(rig, 'target');
    const { i32 } = rig.core.state;
    expect([i32[I32_SEGMENT_SELECTOR + DS], i32[I32_SEGMENT_SELECTOR + FS]]).toEqual([0, 0]);
  });

  test.for([
    ['a null CS', iretTo(0, USER_DS, 'target'), VECTOR_GP, 0],
    ['a null SS for ring 3', iretTo(USER_CS, 0, 'target'), VECTOR_GP, 0],
    ['an SS of another level', iretTo(USER_CS, KERNEL_DS, 'target'), VECTOR_GP, KERNEL_DS],
    ['a CS that is data', iretTo(USER_DS, USER_DS, 'target'), VECTOR_GP, USER_DS & ~3],
    ['a CS whose RPL is not its DPL', iretTo(KERNEL_CS | 3, USER_DS, 'target'), VECTOR_GP, KERNEL_CS],
    ['a RIP that is not canonical', iretTo(USER_CS, USER_DS, 0x8000_0000_0000n), VECTOR_GP, 0],
    ['a CS beyond the GDT', iretTo(0x2003, USER_DS, 'target'), VECTOR_GP, 0x2000],
  ] as const)('refuses %s', ([, code, vector, error]) => {
    const rig = new Rig(code);
    const { frame, ...rest } = rig.delivered();
    expect({ vector: rest.vector, error: Number(frame[0]), rip: Number(frame[1]) }).toEqual({ vector, error, rip: rig.at('iret') });
  });

  test('refuses segments that are not present: #NP for CS, #SS for SS', () => {
    const code = new Rig(iretTo(FREE_SELECTOR | 3, USER_DS, 'target'));
    code.store(GDT + FREE_SELECTOR, descriptor(0x7b));
    expect(code.fault()).toEqual({ vector: VECTOR_NP, error: FREE_SELECTOR });
    const stack = new Rig(iretTo(USER_CS, FREE_SELECTOR | 3, 'target'));
    stack.store(GDT + FREE_SELECTOR, descriptor(0x73, 0xc));
    expect(stack.fault()).toEqual({ vector: VECTOR_SS, error: FREE_SELECTOR });
  });

  test('from ring 3 cannot reach an inner level, nor change IOPL or IF', () => {
    const up = new Rig((a) => {
      a.label('user');
      iretTo(KERNEL_CS, KERNEL_DS, 'target')(a);
    });
    up.enterUser('user');
    expect(up.fault()).toEqual({ vector: VECTOR_GP, error: KERNEL_CS });
    const flags = new Rig((a) => {
      a.label('user');
      iretTo(USER_CS, USER_DS, 'target', USER_STACK, RFLAGS_IF | (3 << 12) | RFLAGS_CF)(a);
    });
    flags.enterUser('user');
    runTo(flags, 'target');
    expect(flags.core.state.i32[I32_RFLAGS]).toBe(RFLAGS_CF | 2);
  });

  test('reads its frame with the rights of its level', () => {
    const rig = new Rig((a) => {
      a.mov(rsp, 0x12_3456_7890);
      a.iretq();
    });
    rig.gate(VECTOR_PF, { ist: 1 });
    expect(rig.fault()).toEqual({ vector: VECTOR_PF, error: 0 });
  });
});

describe('SYSCALL and SYSRET', () => {
  function prepare(rig: Rig, handler: string): void {
    const { u64 } = rig.core.state;
    u64[U64_STAR] = (BigInt(KERNEL_CS) << 32n) | (BigInt(USER_CS32 & ~3) << 48n);
    u64[U64_LSTAR] = BigInt(rig.at(handler));
    u64[U64_FMASK] = BigInt(RFLAGS_IF | RFLAGS_DF);
  }

  test('SYSCALL goes to LSTAR at level 0, with the way back in RCX and R11, and RFLAGS masked', () => {
    const rig = new Rig((a) => {
      a.label('user');
      a.syscall();
      a.label('next');
      a.label('handler');
      a.nop();
      a.jmp('handler');
    });
    prepare(rig, 'handler');
    rig.enterUser('user', RFLAGS_IF | RFLAGS_DF | RFLAGS_CF);
    rig.run(1);
    expect(state(rig)).toEqual({ rip: rig.at('handler'), cs: KERNEL_CS, ss: KERNEL_DS, rsp: USER_STACK, cpl: 0, code: 64 });
    const { u64, i32 } = rig.core.state;
    expect([Number(u64[1]), Number(u64[11]), i32[I32_RFLAGS]]).toEqual([
      rig.at('next'),
      RFLAGS_IF | RFLAGS_DF | RFLAGS_CF | 2,
      RFLAGS_CF | 2,
    ]);
  });

  test('SYSRETQ goes to RCX at level 3, with RFLAGS from R11', () => {
    const rig = new Rig((a) => {
      a.mov(rcx, addr('user'));
      a.sysretq();
      a.label('user');
      a.nop();
      a.jmp('user');
    });
    prepare(rig, 'user');
    rig.core.state.u64[11] = BigInt(RFLAGS_IF | RFLAGS_CF | (1 << 16) | (1 << 17));
    runTo(rig, 'user');
    expect(state(rig)).toMatchObject({ cs: USER_CS, ss: USER_DS, cpl: 3, code: 64 });
    expect(rig.core.state.i32[I32_RFLAGS]).toBe(RFLAGS_IF | RFLAGS_CF | 2);
    // Both segments are flat and of level 3, whatever the GDT says.
    expect([rig.core.state.i32[I32_SEGMENT_ACCESS + CS], rig.core.state.i32[I32_SEGMENT_ACCESS + SS]]).toEqual([0xa0fb, 0xc0f3]);
  });

  test('SYSRET and SYSEXIT without REX.W go to 32-bit code, of the lower half of their addresses', () => {
    const rig = new Rig((a) => {
      a.mov(rcx, addr('user'));
      a.bytes([0x0f, 0x07]);
      a.label('user');
      a.nop();
      a.jmp('user');
    });
    prepare(rig, 'user');
    rig.core.state.u64[11] = BigInt(RFLAGS_IF);
    runTo(rig, 'user');
    expect(state(rig)).toMatchObject({ cs: USER_CS32, ss: (USER_CS32 + 8) | 3, cpl: 3, code: 32 });

    const exit = new Rig((a) => {
      a.mov(rdx, addr('user'));
      a.mov(rcx, 0x1_0000_0000n + BigInt(USER_STACK));
      a.bytes([0x0f, 0x35]);
      a.label('user');
      a.nop();
      a.jmp('user');
    });
    exit.core.state.u64[U64_SYSENTER_CS] = BigInt(KERNEL_CS);
    runTo(exit, 'user');
    expect(state(exit)).toMatchObject({ cs: (KERNEL_CS + 16) | 3, ss: (KERNEL_CS + 24) | 3, rsp: USER_STACK, cpl: 3, code: 32 });
  });

  test('SYSRETQ to an address that is not canonical: #GP(0), still at level 0', () => {
    const rig = new Rig((a) => {
      a.mov(rcx, 0x8000_0000_0000n);
      a.label('sysret');
      a.sysretq();
    });
    prepare(rig, 'start');
    const { vector, frame } = rig.delivered(3);
    expect({ vector, frame }).toMatchObject({ vector: VECTOR_GP, frame: [0n, BigInt(rig.at('sysret')), BigInt(KERNEL_CS)] });
  });

  test('without EFER.SCE both are invalid opcodes; SYSRET at level 3 is #GP(0)', () => {
    for (const write of [(a: Assembler) => a.syscall(), (a: Assembler) => a.sysretq()]) {
      const rig = new Rig(write);
      rig.core.state.u64[U64_EFER]! &= ~1n;
      expect(rig.delivered().vector).toBe(VECTOR_UD);
    }
    const user = new Rig((a) => {
      a.label('user');
      a.sysretq();
    });
    user.enterUser('user');
    expect(user.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });
});

describe('far transfers', () => {
  test('far RET to an outer level takes RSP and SS from the stack', () => {
    const rig = new Rig((a) => {
      for (const word of [USER_DS, USER_STACK, USER_CS]) {
        a.mov(eax, word);
        a.push(rax);
      }
      a.mov(rax, addr('target'));
      a.push(rax);
      a.retfq();
      a.label('target');
      a.nop();
      a.jmp('target');
    });
    runTo(rig, 'target');
    expect(state(rig)).toEqual({ rip: rig.at('target'), cs: USER_CS, ss: USER_DS, rsp: USER_STACK, cpl: 3, code: 64 });
  });

  test('a far JMP through memory changes CS; to a null selector it is #GP(0)', () => {
    const jump = (selector: number): Rig =>
      new Rig((a) => {
        a.mov(eax, addr('target'));
        a.mov(mem64(DATA), rax);
        a.mov(ecx, selector);
        a.mov(mem64(DATA + 4), rcx);
        // JMP m16:32
        a.mov(eax, DATA);
        a.bytes([0xff, 0x28]);
        a.label('target');
        a.nop();
        a.jmp('target');
      });
    const rig = jump(FREE_SELECTOR);
    rig.store(GDT + FREE_SELECTOR, descriptor(0x9b));
    runTo(rig, 'target');
    expect(state(rig)).toMatchObject({ cs: FREE_SELECTOR, cpl: 0, code: 64 });
    expect(jump(0).fault()).toEqual({ vector: VECTOR_GP, error: 0 });
    expect(jump(USER_CS).fault()).toEqual({ vector: VECTOR_GP, error: USER_CS & ~3 });
    expect(jump(KERNEL_DS).fault()).toEqual({ vector: VECTOR_GP, error: KERNEL_DS });
  });

  test('a far JMP through a call gate goes where the gate says; a reserved descriptor is #GP(selector)', () => {
    const jump = (type: number): Rig => {
      const rig = new Rig((a) => {
        a.mov(eax, DATA);
        a.bytes([0xff, 0x28]);
        a.label('target');
        a.nop();
        a.jmp('target');
      });
      rig.store(DATA, BigInt(FREE_SELECTOR) << 32n);
      const to = BigInt(rig.at('target'));
      rig.store(GDT + FREE_SELECTOR, (to & 0xffffn) | (8n << 16n) | (BigInt(type) << 40n) | ((to >> 16n) << 48n));
      return rig;
    };
    const rig = jump(0x8c);
    runTo(rig, 'target');
    expect(state(rig)).toMatchObject({ rip: rig.at('target'), cpl: 0, code: 64 });
    expect(jump(0x8d).fault()).toEqual({ vector: VECTOR_GP, error: FREE_SELECTOR });
    // 16-bit call gates and task gates are no more in IA-32e mode.
    expect(jump(0x84).fault()).toEqual({ vector: VECTOR_GP, error: FREE_SELECTOR });
    expect(jump(0x85).fault()).toEqual({ vector: VECTOR_GP, error: FREE_SELECTOR });
  });
});

describe('segment loads', () => {
  const load = (segment: 'ds' | 'ss' | 'fs', selector: number) => (a: Assembler) => {
    a.mov(eax, selector);
    // MOV Sreg, AX
    a.bytes([0x8e, { ss: 0xd0, ds: 0xd8, fs: 0xe0 }[segment]]);
    a.hlt();
  };

  test('a null selector empties a data segment and clears the base of FS', () => {
    const rig = new Rig(load('fs', 0));
    rig.core.state.u64[U64_SEGMENT_BASE + FS] = 0x1234n;
    rig.run();
    const { i32, u64 } = rig.core.state;
    expect([i32[I32_SEGMENT_SELECTOR + FS], u64[U64_SEGMENT_BASE + FS]]).toEqual([0, 0n]);
  });

  test('sets the accessed bit in the table', () => {
    const rig = new Rig(load('ds', FREE_SELECTOR));
    rig.store(GDT + FREE_SELECTOR, descriptor(0x92, 0xc));
    rig.run();
    expect(rig.load(GDT + FREE_SELECTOR)).toBe(descriptor(0x93, 0xc));
  });

  test.for([
    ['a selector beyond the table', 'ds', 0x2000, 0n, VECTOR_GP, 0x2000],
    ['a TSS', 'ds', FREE_SELECTOR, descriptor(0x89), VECTOR_GP, FREE_SELECTOR],
    ['code that cannot be read', 'ds', FREE_SELECTOR, descriptor(0x99), VECTOR_GP, FREE_SELECTOR],
    ['data that is not present', 'ds', FREE_SELECTOR, descriptor(0x13, 0xc), VECTOR_NP, FREE_SELECTOR],
    ['RPL 3 for data of level 0', 'ds', FREE_SELECTOR | 3, descriptor(0x93, 0xc), VECTOR_GP, FREE_SELECTOR],
    ['a stack that is read-only', 'ss', FREE_SELECTOR, descriptor(0x91, 0xc), VECTOR_GP, FREE_SELECTOR],
    ['a stack of another level', 'ss', USER_DS, 0n, VECTOR_GP, USER_DS & ~3],
    ['a stack that is not present', 'ss', FREE_SELECTOR, descriptor(0x13, 0xc), VECTOR_SS, FREE_SELECTOR],
    ['a null stack with RPL 3 at level 0', 'ss', 3, 0n, VECTOR_GP, 0],
    ['a selector of an LDT that is not there', 'ds', FREE_SELECTOR | 4, 0n, VECTOR_GP, FREE_SELECTOR | 4],
  ] as const)('refuse %s', ([, segment, selector, entry, vector, error]) => {
    const rig = new Rig(load(segment, selector));
    if (entry !== 0n) rig.store(GDT + FREE_SELECTOR, entry);
    expect(rig.fault()).toEqual({ vector, error });
  });

  test('MOV to CS is an invalid opcode', () => {
    expect(new Rig((a) => a.bytes([0x8e, 0xc8])).delivered().vector).toBe(VECTOR_UD);
  });

  test('LTR marks the TSS busy and refuses a busy one; LLDT takes only an LDT', () => {
    const ltr = (access: number): Rig => {
      const rig = new Rig((a) => {
        a.mov(eax, FREE_SELECTOR);
        a.bytes([0x0f, 0x00, 0xd8]);
        a.hlt();
      });
      rig.store(GDT + FREE_SELECTOR, descriptor(access, 0, DATA, 0x67));
      return rig;
    };
    const rig = ltr(0x89);
    rig.run();
    expect({ entry: rig.load(GDT + FREE_SELECTOR), tr: rig.core.state.i32[I32_SEGMENT_SELECTOR + 7] }).toEqual({
      entry: descriptor(0x8b, 0, DATA, 0x67),
      tr: FREE_SELECTOR,
    });
    expect(ltr(0x8b).fault()).toEqual({ vector: VECTOR_GP, error: FREE_SELECTOR });
    expect(ltr(0x09).fault()).toEqual({ vector: VECTOR_NP, error: FREE_SELECTOR });
  });

  test('LGDT and LIDT take base and limit; a base that is not canonical is #GP(0)', () => {
    const rig = new Rig((a) => {
      a.lgdt(mem(DATA));
      a.hlt();
    });
    rig.store(DATA, 0x0002_0000_01ffn);
    rig.run();
    expect(rig.core.state.i32[153]).toBe(0x1ff);
    const bad = new Rig((a) => a.lidt(mem(DATA)));
    bad.store(DATA + 2, 0x8000_0000_0000n);
    expect(bad.fault()).toEqual({ vector: VECTOR_GP, error: 0 });
  });
});
