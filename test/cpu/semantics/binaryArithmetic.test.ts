import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Width } from '../../../src/cpu/decode/instruction.ts';
import { bitsOf, registerValue, statusFlags, width } from '../../arbitraries/operands.ts';
import { DATA, execute, merged, prefixes, registers, sized } from './oneInstruction.ts';
import { addWithCarry, CF, type Computed, OF, STATUS, subtractWithBorrow } from './sdmModel.ts';

const RBX = 3;
const RCX = 1;

type Binary = (width: number, a: bigint, b: bigint, flags: number) => Computed;

/** Opcode of `op r/m8, r8`; the wider one follows it. */
const BINARY: readonly (readonly [name: string, opcode: number, model: Binary, writes: boolean])[] = [
  ['ADD', 0x00, (w, a, b) => addWithCarry(w, a, b, 0), true],
  ['ADC', 0x10, (w, a, b, f) => addWithCarry(w, a, b, f & CF), true],
  ['SUB', 0x28, (w, a, b) => subtractWithBorrow(w, a, b, 0), true],
  ['SBB', 0x18, (w, a, b, f) => subtractWithBorrow(w, a, b, f & CF), true],
  ['CMP', 0x38, (w, a, b) => subtractWithBorrow(w, a, b, 0), false],
];

const low = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);

describe.each(BINARY)('%s', (_name, opcode, model, writes) => {
  test('computes result and flags at every width', () => {
    fc.assert(
      fc.property(width, registerValue, registerValue, statusFlags, (w, a, b, flags) => {
        const after = execute(64, sized(w, [opcode], [opcode + 1], registers(RBX, RCX)), { gpr: { [RBX]: a, [RCX]: b }, flags });
        const expected = model(w, low(w, a), low(w, b), flags);
        expect(after.gpr[RBX]).toBe(writes ? merged(w, a, expected.value) : a);
        expect(after.flags).toBe((flags & ~STATUS) | expected.flags);
      }),
    );
  });

  test('sign-extends an immediate byte', () => {
    fc.assert(
      fc.property(fc.constantFrom<Width>(16, 32, 64), registerValue, bitsOf(8), statusFlags, (w, a, immediate, flags) => {
        const code = [...prefixes(w), 0x83, registers(RBX, opcode >> 3), Number(immediate)];
        const after = execute(64, code, { gpr: { [RBX]: a }, flags });
        const expected = model(w, low(w, a), low(w, BigInt.asIntN(8, immediate)), flags);
        expect(after.gpr[RBX]).toBe(writes ? merged(w, a, expected.value) : a);
        expect(after.flags).toBe((flags & ~STATUS) | expected.flags);
      }),
    );
  });

  test('works on memory', () => {
    fc.assert(
      fc.property(width, registerValue, registerValue, statusFlags, (w, a, b, flags) => {
        const data = new Uint8Array(16).fill(0xee);
        new DataView(data.buffer).setBigUint64(4, a, true);
        const code = sized(w, [opcode], [opcode + 1], (RCX << 3) | 0x43, 4);
        const after = execute(64, code, { gpr: { [RBX]: BigInt(DATA), [RCX]: b }, flags, data });
        const expected = model(w, low(w, a), low(w, b), flags);
        const wanted = data.slice();
        if (writes) for (let i = 0; i < w / 8; i++) wanted[4 + i] = Number((expected.value >> BigInt(8 * i)) & 0xffn);
        expect(after.core.memory.bytes.slice(DATA, DATA + 16)).toEqual(wanted);
        expect(after.flags).toBe((flags & ~STATUS) | expected.flags);
      }),
    );
  });
});

describe('INC and DEC', () => {
  test.each([
    ['INC', 0, (w: number, a: bigint) => addWithCarry(w, a, 1n, 0)],
    ['DEC', 1, (w: number, a: bigint) => subtractWithBorrow(w, a, 1n, 0)],
  ] as const)('%s leaves CF and sets the other flags', (_name, extension, model) => {
    fc.assert(
      fc.property(width, registerValue, statusFlags, (w, a, flags) => {
        const after = execute(64, sized(w, [0xfe], [0xff], registers(RBX, extension)), { gpr: { [RBX]: a }, flags });
        const expected = model(w, low(w, a));
        expect(after.gpr[RBX]).toBe(merged(w, a, expected.value));
        expect(after.flags).toBe((flags & (CF | ~STATUS)) | (expected.flags & ~CF));
      }),
    );
  });
});

test('NEG subtracts from zero', () => {
  fc.assert(
    fc.property(width, registerValue, statusFlags, (w, a, flags) => {
      const after = execute(64, sized(w, [0xf6], [0xf7], registers(RBX, 3)), { gpr: { [RBX]: a }, flags });
      const expected = subtractWithBorrow(w, 0n, low(w, a), 0);
      expect(after.gpr[RBX]).toBe(merged(w, a, expected.value));
      expect(after.flags).toBe((flags & ~STATUS) | expected.flags);
    }),
  );
});

test('XADD leaves the old destination in the source, and the sum in a register that is both', () => {
  fc.assert(
    fc.property(width, registerValue, registerValue, fc.boolean(), (w, a, b, same) => {
      const source = same ? RBX : RCX;
      const second = same ? a : b;
      const after = execute(64, sized(w, [0x0f, 0xc0], [0x0f, 0xc1], registers(RBX, source)), { gpr: { [RCX]: second, [RBX]: a } });
      const expected = addWithCarry(w, low(w, a), low(w, second), 0);
      expect(after.gpr[RBX]).toBe(merged(w, a, expected.value));
      if (!same) expect(after.gpr[RCX]).toBe(merged(w, b, low(w, a)));
      expect(after.flags & STATUS).toBe(expected.flags);
    }),
  );
});

describe('multiplication', () => {
  /** Where the double-width product goes. */
  function product(w: Width, rax: bigint, rdx: bigint, value: bigint): { rax: bigint; rdx: bigint } {
    if (w === 8) return { rax: merged(16, rax, low(16, value)), rdx };
    return { rax: merged(w, rax, low(w, value)), rdx: merged(w, rdx, low(w, value >> BigInt(w))) };
  }

  test.each([
    ['MUL', 4, (w: number, a: bigint) => low(w, a)],
    ['IMUL', 5, (w: number, a: bigint) => BigInt.asIntN(w, a)],
  ] as const)('%s fills both halves, and CF = OF tell that the upper one counts', (_name, extension, read) => {
    fc.assert(
      fc.property(width, registerValue, registerValue, registerValue, statusFlags, (w, rax, rdx, b, flags) => {
        const after = execute(64, sized(w, [0xf6], [0xf7], registers(RBX, extension)), { gpr: { 0: rax, 2: rdx, [RBX]: b }, flags });
        const exact = read(w, rax) * read(w, b);
        const expected = product(w, rax, rdx, low(2 * w, exact));
        expect({ rax: after.gpr[0], rdx: after.gpr[2] }).toEqual(expected);
        const fits = read(w, low(w, exact)) === exact;
        expect(after.flags & (CF | OF)).toBe(fits ? 0 : CF | OF);
      }),
    );
  });

  test('IMUL with two and three operands truncates, and CF = OF tell it', () => {
    fc.assert(
      fc.property(fc.constantFrom<Width>(16, 32, 64), registerValue, registerValue, bitsOf(8), (w, a, b, immediate) => {
        const two = execute(64, [...prefixes(w), 0x0f, 0xaf, registers(RCX, RBX)], { gpr: { [RBX]: a, [RCX]: b } });
        const exact = BigInt.asIntN(w, a) * BigInt.asIntN(w, b);
        expect(two.gpr[RBX]).toBe(merged(w, a, low(w, exact)));
        expect(two.flags & (CF | OF)).toBe(BigInt.asIntN(w, exact) === exact ? 0 : CF | OF);
        const three = execute(64, [...prefixes(w), 0x6b, registers(RCX, RBX), Number(immediate)], { gpr: { [RBX]: a, [RCX]: b } });
        const other = BigInt.asIntN(w, b) * BigInt.asIntN(8, immediate);
        expect(three.gpr[RBX]).toBe(merged(w, a, low(w, other)));
        expect(three.flags & (CF | OF)).toBe(BigInt.asIntN(w, other) === other ? 0 : CF | OF);
      }),
    );
  });
});

describe('division', () => {
  test.each([
    ['DIV', 6, (w: number, a: bigint) => low(w, a)],
    ['IDIV', 7, (w: number, a: bigint) => BigInt.asIntN(w, a)],
  ] as const)('%s divides, or raises #DE when the quotient does not fit, changing nothing', (_name, extension, read) => {
    fc.assert(
      fc.property(
        width,
        registerValue,
        fc.oneof(registerValue, bitsOf(8), fc.constantFrom(0n, (1n << 64n) - 1n)),
        registerValue,
        (w, rax, rdx, b) => {
          const after = execute(64, sized(w, [0xf6], [0xf7], registers(RBX, extension)), { gpr: { 0: rax, 2: rdx, [RBX]: b } });
          const dividend = w === 8 ? read(16, rax) : read(2 * w, (low(w, rdx) << BigInt(w)) | low(w, rax));
          const divisor = read(w, b);
          const quotient = divisor === 0n ? undefined : dividend / divisor;
          if (quotient === undefined || read(w, low(w, quotient)) !== quotient) {
            expect(after.fault).toEqual({ vector: 0, errorCode: -1, la: 0, rip: 0x1000 });
            expect(after.gpr).toEqual(execute(64, [0x90], { gpr: { 0: rax, 2: rdx, [RBX]: b } }).gpr);
            return;
          }
          const remainder = dividend % divisor;
          const expected =
            w === 8
              ? { rax: merged(16, rax, low(8, quotient) | (low(8, remainder) << 8n)), rdx }
              : { rax: merged(w, rax, low(w, quotient)), rdx: merged(w, rdx, low(w, remainder)) };
          expect(after.fault).toBeUndefined();
          expect({ rax: after.gpr[0], rdx: after.gpr[2] }).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
  });
});

test('ADCX carries through CF alone and ADOX through OF alone', () => {
  fc.assert(
    fc.property(fc.constantFrom<Width>(32, 64), registerValue, registerValue, statusFlags, (w, a, b, flags) => {
      for (const [prefix, flag] of [
        [0x66, CF],
        [0xf3, OF],
      ] as const) {
        const rex = w === 64 ? [0x48] : [];
        const after = execute(64, [prefix, ...rex, 0x0f, 0x38, 0xf6, registers(RCX, RBX)], { gpr: { [RBX]: a, [RCX]: b }, flags });
        const expected = addWithCarry(w, low(w, a), low(w, b), (flags & flag) !== 0 ? 1 : 0);
        expect(after.gpr[RBX]).toBe(expected.value);
        expect(after.flags).toBe((flags & ~flag) | ((expected.flags & CF) !== 0 ? flag : 0));
      }
    }),
  );
});
