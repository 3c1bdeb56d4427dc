import { describe, expect, test } from 'vitest';
import { readRip, writeRip } from '../../../src/cpu/engines/reference/ripWords.ts';
import { guestFault } from '../../../src/cpu/guestFault.ts';
import { I32_RFLAGS, I32_SEGMENT_LIMIT, U64_SEGMENT_BASE } from '../../../src/cpu/state.ts';
import { COUNTER_INSTRUCTIONS } from '../../../src/trace/counters.ts';
import { EVENT_INSTRUCTION } from '../../../src/trace/events.ts';
import { FlatCore } from '../flatCore.ts';

const CODE = 0x1000;
const DATA = 0x2_0000;

test('RIP as a number round-trips through the state block', () => {
  const words = new Int32Array(64);
  const values = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 2 ** 47 - 1, 2 ** 47, -1, -0x8000_0000, -(2 ** 47)];
  expect(
    values.map((value) => {
      writeRip(words, value);
      return readRip(words);
    }),
  ).toEqual(values);
});

describe('faults', () => {
  test('leave registers, flags and RIP as before the instruction, and earlier instructions done', () => {
    const core = new FlatCore();
    core.mmu.map.set(DATA / 4096, 'absent');
    core.state.u64[3] = BigInt(DATA);
    // inc rax; stc; add [rbx], rax
    core.loadCode(CODE, [0x48, 0xff, 0xc0, 0xf9, 0x48, 0x01, 0x03, 0xf4]);
    core.run();
    expect(core.faults).toEqual([{ vector: 14, errorCode: 2, la: DATA, rip: CODE + 4 }]);
    expect([core.state.u64[0], core.state.i32[I32_RFLAGS]]).toEqual([1n, 3]);
    expect([core.state.counters[COUNTER_INSTRUCTIONS], core.state.clock[0]]).toEqual([2, 2]);
  });

  test('discard the register writes that came before them in the instruction', () => {
    const core = new FlatCore();
    core.mmu.map.set(DATA / 4096, 'read-only');
    core.state.u64[3] = BigInt(DATA);
    core.state.u64[0] = 5n;
    // xadd [rbx], eax: reads fine, may not be written.
    core.loadCode(CODE, [0x0f, 0xc1, 0x03, 0xf4]);
    core.run();
    expect([core.state.u64[0], core.state.i32[I32_RFLAGS]]).toEqual([5n, 2]);
    core.mmu.map.clear();
    core.run();
    expect([core.state.u64[0], core.memory.view.getUint32(DATA, true)]).toEqual([0n, 5]);
  });

  test('on fetch report the address of the page that is missing', () => {
    const core = new FlatCore();
    core.loadCode(0x1ffe, [0x48, 0x8b, 0x83, 0, 0, 0, 0]);
    core.mmu.map.set(2, 'absent');
    core.run();
    expect(core.faults).toEqual([{ vector: 14, errorCode: 0x10, la: 0x2000, rip: 0x1ffe }]);
    core.mmu.map.set(1, 'absent');
    core.run();
    expect(core.faults[1]).toEqual({ vector: 14, errorCode: 0x10, la: 0x1ffe, rip: 0x1ffe });
  });

  test('of a system operation keep what the operation did to RFLAGS and RIP', () => {
    const core = new FlatCore(64, 0x10_0000, {
      Cpuid: (target) => {
        target.state.i32[I32_RFLAGS] = 0x8d7;
        writeRip(target.state.i32, 0x4444);
        throw guestFault.set(13, 0);
      },
    });
    core.loadCode(CODE, [0x0f, 0xa2]);
    core.run();
    expect([core.faults[0]!.rip, core.state.i32[I32_RFLAGS], core.state.counters[COUNTER_INSTRUCTIONS]]).toEqual([0x4444, 0x8d7, 0]);
  });
});

describe('accesses over a page end', () => {
  const edge = DATA + 0xffc;

  test('use the translation of each page', () => {
    const core = new FlatCore();
    core.mmu.map.set(DATA / 4096 + 1, 0x50);
    core.state.u64[3] = BigInt(edge);
    core.state.u64[0] = 0x0807_0605_0403_0201n;
    // mov [rbx], rax; mov rcx, [rbx]; add [rbx], rax
    core.loadCode(CODE, [0x48, 0x89, 0x03, 0x48, 0x8b, 0x0b, 0x48, 0x01, 0x03, 0xf4]);
    core.run();
    expect([...core.memory.bytes.subarray(edge, edge + 4), ...core.memory.bytes.subarray(0x5_0000, 0x5_0004)]).toEqual([
      2, 4, 6, 8, 10, 12, 14, 16,
    ]);
    expect(core.state.u64[1]).toBe(0x0807_0605_0403_0201n);
  });

  test('store nothing when the second page faults', () => {
    const core = new FlatCore();
    core.mmu.map.set(DATA / 4096 + 1, 'read-only');
    core.state.u64[3] = BigInt(edge);
    core.state.u64[0] = ~0n;
    core.loadCode(CODE, [0x48, 0x89, 0x03, 0xf4]);
    core.run();
    expect(core.faults).toEqual([{ vector: 14, errorCode: 3, la: DATA + 0x1000, rip: CODE }]);
    expect([...core.memory.bytes.subarray(edge, edge + 4)]).toEqual([0, 0, 0, 0]);
  });
});

test('one translation per data access and one per block fetched', () => {
  const core = new FlatCore();
  core.mmu.log = [];
  core.state.u64[3] = BigInt(DATA);
  core.userAccess = 4;
  // mov rax, [rbx]; add [rbx], rax; lea rcx, [rbx]; jmp over; over: hlt
  core.loadCode(CODE, [0x48, 0x8b, 0x03, 0x48, 0x01, 0x03, 0x48, 0x8d, 0x0b, 0xeb, 0x00, 0xf4]);
  core.run();
  expect(core.mmu.log).toEqual([
    { la: CODE, access: 2 | 4 },
    { la: DATA, access: 0 | 4 },
    { la: DATA, access: 1 | 4 },
    { la: CODE + 11, access: 2 | 4 },
  ]);
});

describe('devices', () => {
  test('are where RAM is not', () => {
    const core = new FlatCore();
    core.state.u64[3] = 0xfee0_0000n;
    // mov eax, [rbx + 0x20]; mov [rbx + 0xb0], ecx; or dword [rbx], 1
    core.loadCode(CODE, [0x8b, 0x43, 0x20, 0x89, 0x8b, 0xb0, 0, 0, 0, 0x83, 0x0b, 0x01, 0xf4]);
    core.state.u64[1] = 7n;
    core.run();
    expect(core.state.u64[0]).toBe(0x4433_2211n);
    expect(core.deviceAccesses).toEqual([
      { hpa: 0xfee0_0020, width: 32, value: undefined },
      { hpa: 0xfee0_00b0, width: 32, value: 7n },
      { hpa: 0xfee0_0000, width: 32, value: undefined },
      { hpa: 0xfee0_0000, width: 32, value: 0x4433_2211n },
    ]);
  });

  test('cannot be executed from: unclaimed bytes are no instruction', () => {
    const core = new FlatCore();
    writeRip(core.state.i32, 0xfee0_0000);
    core.run();
    expect(core.faults).toEqual([{ vector: 6, errorCode: -1, la: 0, rip: 0xfee0_0000 }]);
  });
});

describe('code that changes', () => {
  test('in the running block takes effect at the next instruction', () => {
    const core = new FlatCore();
    // mov byte [rip + 1], 0xf4 over the first of: inc eax; inc ebx; hlt
    const patch = [0xc6, 0x05, 0x02, 0, 0, 0, 0xf4];
    core.loadCode(CODE, [...patch, 0xff, 0xc0, 0xff, 0xc3, 0xf4]);
    core.run();
    expect([core.state.u64[0], core.state.u64[3], core.rip]).toEqual([1n, 0n, CODE + 10]);
  });

  test('in the second page of a crossing instruction is seen', () => {
    const core = new FlatCore();
    // again: mov eax, 1 (over the page end); mov byte [rip - 9], 2 (the third byte of the immediate); dec ecx; jnz again; hlt
    core.loadCode(0x1ffd, [0xb8, 1, 0, 0, 0, 0xc6, 0x05, 0xf7, 0xff, 0xff, 0xff, 0x02, 0xff, 0xc9, 0x75, 0xf0, 0xf4]);
    core.state.u64[1] = 2n;
    core.run();
    expect([core.faults, core.state.u64[0]]).toEqual([[], 0x2_0001n]);
  });
});

describe('the run loop', () => {
  const spin = [0xff, 0xc0, 0xff, 0xc0, 0xeb, 0xfa];

  test('looks at the clock between blocks only', () => {
    const core = new FlatCore();
    core.loadCode(CODE, spin);
    core.horizon = 4;
    core.run();
    expect([core.state.clock[0], core.state.u64[0], core.rip]).toEqual([6, 4n, CODE]);
  });

  test('executes one instruction when single-stepping', () => {
    const core = new FlatCore();
    core.loadCode(CODE, spin);
    core.step();
    expect([core.rip, core.state.u64[0], core.state.counters[COUNTER_INSTRUCTIONS]]).toEqual([CODE + 2, 1n, 1]);
  });

  test('ends after the block in which somebody asks for attention', () => {
    const core = new FlatCore();
    core.loadCode(CODE, spin);
    core.attention = true;
    core.engine.run(core.asCore);
    expect(core.state.u64[0]).toBe(2n);
  });

  test('reports every instruction to a probe that listens', () => {
    const core = new FlatCore();
    const seen: number[][] = [];
    core.probe = { mask: 1 << EVENT_INSTRUCTION, event: (...args) => seen.push(args) };
    core.loadCode(CODE, [0x90, 0x50, 0xf4]);
    core.state.u64[4] = BigInt(DATA);
    core.run();
    expect(seen).toEqual([0, 1, 2].map((i) => [EVENT_INSTRUCTION, 0, i, CODE + i, 0, 0, 0]));
  });

  test('remembers where the last blocks started', () => {
    const core = new FlatCore();
    core.loadCode(CODE, [0xeb, 0x0e]);
    core.memory.write(CODE + 0x10, Uint8Array.of(0xf4));
    core.run();
    expect([core.engine.recentCount, ...core.engine.recentBlocks.subarray(0, 2)]).toEqual([2, CODE, CODE + 0x10]);
  });

  test('gives system operations exact state: RIP, flags, clock and counters', () => {
    const seen: unknown[] = [];
    const core = new FlatCore(64, 0x10_0000, {
      Cpuid: (target, insn) => {
        const { i32, clock, counters } = target.state;
        seen.push([readRip(i32), i32[I32_RFLAGS], clock[0], counters[COUNTER_INSTRUCTIONS]]);
        i32[I32_RFLAGS] = 2;
        writeRip(i32, readRip(i32) + insn.length);
      },
    });
    // sub eax, 1; cpuid; setz bl; hlt
    core.loadCode(CODE, [0x83, 0xe8, 0x01, 0x0f, 0xa2, 0x0f, 0x94, 0xc3, 0xf4]);
    core.state.u64[0] = 1n;
    core.run();
    expect(seen).toEqual([[CODE + 3, 0x46, 1, 1]]);
    expect([core.state.u64[3], core.state.counters[COUNTER_INSTRUCTIONS]]).toEqual([0n, 4]);
  });

  test('stops at an instruction without a meaning', () => {
    const core = new FlatCore();
    core.loadCode(CODE, [0x90, 0xc5, 0xf0, 0x58, 0xc1]);
    core.run();
    expect([core.unimplemented, core.rip]).toEqual([
      [{ form: 'VEX_Vaddps_xmm_xmm_xmmm128', bytes: Uint8Array.of(0xc5, 0xf0, 0x58, 0xc1) }],
      CODE + 1,
    ]);
  });
});

describe('16- and 32-bit code', () => {
  test('is fetched relative to the code-segment base', () => {
    const core = new FlatCore(16);
    core.state.u64[U64_SEGMENT_BASE + 1] = 0x8000n;
    core.memory.write(0x8100, Uint8Array.of(0x40, 0xf4));
    writeRip(core.state.i32, 0x100);
    core.run();
    expect([core.state.u64[0], core.rip]).toEqual([1n, 0x102]);
  });

  test('raises #GP(0) at the instruction that reaches over the code-segment limit', () => {
    const core = new FlatCore(32);
    core.state.i32[I32_SEGMENT_LIMIT + 1] = CODE + 1;
    core.loadCode(CODE, [0x40, 0xb3, 0x01, 0xf4]);
    core.run();
    expect(core.faults).toEqual([{ vector: 13, errorCode: 0, la: 0, rip: CODE + 1 }]);
    expect(core.state.u64[0]).toBe(1n);
  });

  test('raises #GP(0) for data beyond the limit, #SS(0) on the stack', () => {
    const core = new FlatCore(16);
    core.state.i32[0] = 0;
    core.state.u64[3] = 0xffffn;
    // mov ax, [bx]: the second byte lies beyond 64 KiB.
    core.loadCode(CODE, [0x8b, 0x07, 0xf4]);
    core.run();
    core.state.u64[4] = 1n;
    core.loadCode(CODE, [0x50, 0xf4]);
    core.run();
    expect(core.faults.map(({ vector, errorCode }) => [vector, errorCode])).toEqual([
      [13, 0],
      [12, 0],
    ]);
  });
});
