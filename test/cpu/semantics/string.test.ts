import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { I32_RFLAGS } from '../../../src/cpu/state.ts';
import { width } from '../../arbitraries/operands.ts';
import { FlatCore } from '../flatCore.ts';
import { CODE, DATA, sized } from './oneInstruction.ts';

const RCX = 1;
const RSI = 6;
const RDI = 7;
const AREA = 256;

function run(code: readonly number[], gpr: Record<number, bigint>, flags: number, data: Uint8Array): FlatCore {
  const core = new FlatCore();
  core.memory.write(DATA, data);
  core.loadCode(CODE, [...code, 0xf4]);
  for (const [register, value] of Object.entries(gpr)) core.state.u64[Number(register)] = value;
  core.state.i32[I32_RFLAGS] = flags;
  core.run();
  return core;
}

const area = fc.uint8Array({ minLength: AREA, maxLength: AREA });
const DF = 0x400;

test('REP MOVS copies element by element, also over itself, in both directions', () => {
  fc.assert(
    fc.property(
      width,
      fc.nat(12),
      fc.integer({ min: 96, max: 140 }),
      fc.integer({ min: 96, max: 140 }),
      fc.boolean(),
      area,
      (w, count, from, to, down, data) => {
        const bytes = w / 8;
        const step = down ? -bytes : bytes;
        const code = w === 8 ? [0xf3, 0xa4] : [0xf3, ...sized(w, [], [0xa5])];
        const ordered = w === 16 ? [0x66, 0xf3, 0xa5] : code;
        const core = run(
          ordered,
          { [RCX]: BigInt(count), [RSI]: BigInt(DATA + from), [RDI]: BigInt(DATA + to) },
          2 | (down ? DF : 0),
          data,
        );
        const wanted = data.slice();
        for (let i = 0; i < count; i++) wanted.copyWithin(to + i * step, from + i * step, from + i * step + bytes);
        expect(core.memory.bytes.slice(DATA, DATA + AREA)).toEqual(wanted);
        expect([...core.state.u64.subarray(0, 8)].filter((_, i) => [RCX, RSI, RDI].includes(i))).toEqual([
          0n,
          BigInt(DATA + from + count * step),
          BigInt(DATA + to + count * step),
        ]);
      },
    ),
    { numRuns: 60 },
  );
});

test('REP STOS fills, and a count of 0 does nothing', () => {
  const data = new Uint8Array(AREA).fill(0xee);
  const core = run([0xf3, 0x48, 0xab], { 0: 0x0102_0304_0506_0708n, [RCX]: 2n, [RDI]: BigInt(DATA) }, 2, data);
  expect([...core.memory.bytes.subarray(DATA, DATA + 18)]).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1, 0xee, 0xee]);
  const idle = run([0xf3, 0xaa], { 0: 1n, [RCX]: 0n, [RDI]: 0xdead_0000_0000n }, 2, data);
  expect([idle.faults, idle.state.u64[RDI], idle.rip]).toEqual([[], 0xdead_0000_0000n, CODE + 3]);
});

test('LODS loads through a segment override', () => {
  const core = run([0xac], { [RSI]: BigInt(DATA + 1) }, 2, Uint8Array.of(1, 2, 3));
  expect([core.state.u64[0], core.state.u64[RSI]]).toEqual([2n, BigInt(DATA + 2)]);
});

describe('REPE and REPNE', () => {
  test('REPNE SCASB stops behind the byte it looks for', () => {
    fc.assert(
      fc.property(area, fc.nat(255), fc.nat(20), (data, wanted, count) => {
        const core = run([0xf2, 0xae], { 0: BigInt(wanted), [RCX]: BigInt(count), [RDI]: BigInt(DATA) }, 2, data);
        const at = data.subarray(0, count).indexOf(wanted);
        const compared = at < 0 ? count : at + 1;
        expect([core.state.u64[RCX], core.state.u64[RDI]]).toEqual([BigInt(count - compared), BigInt(DATA + compared)]);
        if (count > 0) expect((core.state.i32[I32_RFLAGS]! & 0x40) !== 0).toBe(at >= 0);
        else expect(core.state.i32[I32_RFLAGS]).toBe(2);
      }),
      { numRuns: 60 },
    );
  });

  test('REPE CMPSB stops behind the first difference, with its flags', () => {
    const data = Uint8Array.from([1, 2, 3, 9, 0, 0, 0, 0, 1, 2, 3, 4]);
    const core = run([0xf3, 0xa6], { [RCX]: 8n, [RSI]: BigInt(DATA), [RDI]: BigInt(DATA + 8) }, 2, data);
    expect([core.state.u64[RCX], core.state.u64[RSI]]).toEqual([4n, BigInt(DATA + 4)]);
    // 9 - 4 = 5: even parity, no borrow.
    expect(core.state.i32[I32_RFLAGS]).toBe(0x06);
  });
});

test('a fault between elements leaves the registers at the element that faulted', () => {
  const core = new FlatCore();
  const edge = DATA + 0x1000;
  core.mmu.map.set(edge / 4096, 'read-only');
  core.loadCode(CODE, [0xf3, 0xaa, 0xf4]);
  core.state.u64[RCX] = 10n;
  core.state.u64[RDI] = BigInt(edge - 3);
  core.run();
  expect(core.faults).toEqual([{ vector: 14, errorCode: 3, la: edge, rip: CODE }]);
  expect([core.state.u64[RCX], core.state.u64[RDI]]).toEqual([7n, BigInt(edge)]);
});

test('a repeated instruction can be interrupted after every element', () => {
  const core = new FlatCore();
  core.loadCode(CODE, [0xf3, 0xaa, 0xf4]);
  core.state.u64[RCX] = 10n;
  core.state.u64[RDI] = BigInt(DATA);
  core.horizon = 3;
  core.run();
  expect([core.rip, core.state.u64[RCX], core.state.clock[0]]).toEqual([CODE, 7n, 3]);
});

test('the address size chooses the index and count registers', () => {
  const top = 0xffff_ffff_0000_0000n;
  const core = run([0x67, 0xf3, 0xaa], { 0: 7n, [RCX]: top | 2n, [RDI]: top | BigInt(DATA) }, 2, new Uint8Array(4));
  expect([...core.memory.bytes.subarray(DATA, DATA + 3)]).toEqual([7, 7, 0]);
  expect([core.state.u64[RCX], core.state.u64[RDI]]).toEqual([0n, BigInt(DATA + 2)]);
});
