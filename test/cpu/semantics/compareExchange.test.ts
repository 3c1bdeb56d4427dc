import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { registerValue, statusFlags, width } from '../../arbitraries/operands.ts';
import { FlatCore } from '../flatCore.ts';
import { CODE, DATA, execute, merged, registers, sized } from './oneInstruction.ts';
import { STATUS, subtractWithBorrow, ZF } from './sdmModel.ts';

const RBX = 3;
const RCX = 1;
const low = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);

describe('CMPXCHG', () => {
  test('stores the source when the accumulator matches, else loads the accumulator', () => {
    fc.assert(
      fc.property(width, registerValue, registerValue, registerValue, fc.boolean(), (w, rax, other, source, match) => {
        const destination = match ? rax : other;
        const data = new Uint8Array(8);
        new DataView(data.buffer).setBigUint64(0, destination, true);
        const code = sized(w, [0x0f, 0xb0], [0x0f, 0xb1], (RCX << 3) | RBX);
        const after = execute(64, code, { gpr: { 0: rax, [RBX]: BigInt(DATA), [RCX]: source }, data });
        const same = low(w, rax) === low(w, destination);
        const stored = low(w, after.core.memory.view.getBigUint64(DATA, true));
        expect(stored).toBe(low(w, same ? source : destination));
        expect(after.gpr[0]).toBe(same ? rax : merged(w, rax, low(w, destination)));
        expect(after.flags & STATUS).toBe(subtractWithBorrow(w, low(w, rax), low(w, destination), 0).flags);
      }),
    );
  });

  test('writes memory even when it does not match', () => {
    const core = new FlatCore();
    core.mmu.map.set(DATA / 4096, 'read-only');
    core.state.u64[RBX] = BigInt(DATA);
    core.state.u64[0] = 1n;
    core.loadCode(CODE, [0x0f, 0xb1, (RCX << 3) | RBX, 0xf4]);
    core.run();
    expect(core.faults).toEqual([{ vector: 14, errorCode: 3, la: DATA, rip: CODE }]);
  });

  test('of two 32-bit registers clears above only the one that changes', () => {
    const rbx = 0xaaaa_aaaa_0000_0001n;
    const rax = 0xbbbb_bbbb_0000_0001n;
    const matched = execute(64, [0x0f, 0xb1, registers(RBX, RCX)], { gpr: { 0: rax, [RBX]: rbx, [RCX]: 7n } });
    expect([matched.gpr[0], matched.gpr[RBX]]).toEqual([rax, 7n]);
    const missed = execute(64, [0x0f, 0xb1, registers(RBX, RCX)], { gpr: { 0: rax + 1n, [RBX]: rbx, [RCX]: 7n } });
    expect([missed.gpr[0], missed.gpr[RBX]]).toEqual([1n, rbx]);
  });
});

test('CMPXCHG8B and CMPXCHG16B compare and replace double words, and change ZF alone', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(32, 64),
      registerValue,
      registerValue,
      registerValue,
      registerValue,
      statusFlags,
      fc.boolean(),
      (half, a, d, b, c, flags, match) => {
        const [rax, rdx, rbx, rcx] = [low(half, a), low(half, d), low(half, b), low(half, c)];
        const old = match ? [rax, rdx] : [low(half, rax + 1n), rdx];
        const bytes = half / 8;
        const data = new Uint8Array(16);
        for (let i = 0; i < 2 * bytes; i++) data[i] = Number((old[Math.floor(i / bytes)]! >> BigInt(8 * (i % bytes))) & 0xffn);
        const code = [...(half === 64 ? [0x48] : []), 0x0f, 0xc7, 0x0f];
        const after = execute(64, code, { gpr: { 0: rax, 2: rdx, 3: rbx, 1: rcx, 7: BigInt(DATA) }, flags, data });
        const image = after.core.memory.bytes.slice(DATA, DATA + 2 * bytes);
        const word = (n: number) => image.slice(n * bytes, (n + 1) * bytes).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
        expect([word(0), word(1)]).toEqual(match ? [rbx, rcx] : old);
        expect([after.gpr[0], after.gpr[2]]).toEqual(match ? [rax, rdx] : old);
        expect(after.flags).toBe((flags & ~ZF) | (match ? ZF : 0));
      },
    ),
  );
});

test('CMPXCHG16B raises #GP(0) when its operand is not aligned', () => {
  const after = execute(64, [0x48, 0x0f, 0xc7, 0x0f], { gpr: { 7: BigInt(DATA + 8) } });
  expect(after.fault).toEqual({ vector: 13, errorCode: 0, la: 0, rip: CODE });
});
