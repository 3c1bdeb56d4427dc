/** Random instructions with operands that exist, biased to the edges of immediates and displacements. */
import fc from 'fast-check';
import { type AddressPart, mem8, mem16, mem32, mem64, type Operand } from '../../src/asm/operand.ts';
import * as registers from '../../src/asm/register.ts';
import { Register, type Width } from '../../src/asm/register.ts';

const all: Register[] = Object.values(registers).filter((value) => value instanceof Register);
const WIDTHS = [8, 16, 32, 64] as const;
const memoryOf = { 8: mem8, 16: mem16, 32: mem32, 64: mem64 };

/** Any register of a width except AH, CH, DH, BH, which cannot stand beside a REX prefix. */
export const registerOf = (width: Width): fc.Arbitrary<Register> =>
  fc.constantFrom(...all.filter((register) => register.width === width && register.number < 16));

const displacement = fc.oneof(fc.constantFrom(0, 1, -1, 127, 128, -128, -129, 0x7fffffff, -0x80000000), fc.integer());

export const memoryParts: fc.Arbitrary<AddressPart[]> = fc
  .tuple(
    fc.option(registerOf(64), { nil: undefined }),
    fc.option(
      fc.tuple(
        registerOf(64).filter((register) => register.name !== 'rsp'),
        fc.constantFrom(1, 2, 4, 8),
      ),
      { nil: undefined },
    ),
    displacement,
    fc.constantFrom(undefined, registers.fs, registers.gs),
  )
  .map(([base, index, offset, segment]) => [
    ...(base === undefined ? [] : [base]),
    ...(index === undefined ? [] : [index[0].times(index[1] as 1 | 2 | 4 | 8)]),
    ...(segment === undefined ? [] : [segment]),
    offset,
  ]);

export const memoryOperand = (width: Width): fc.Arbitrary<Operand> => memoryParts.map((parts) => memoryOf[width](...parts));

export const immediateOf = (width: Width): fc.Arbitrary<bigint> => {
  const bits = Math.min(width, 32);
  const limit = 1n << BigInt(bits - 1);
  return fc.oneof(fc.constantFrom(0n, 1n, -1n, 127n, -128n, limit - 1n, -limit), fc.bigInt({ min: -limit, max: limit - 1n }));
};

const BINARY = ['mov', 'add', 'adc', 'sub', 'sbb', 'and', 'or', 'xor', 'cmp'] as const;
const UNARY = ['inc', 'dec', 'neg', 'not', 'mul', 'div'] as const;
const SHIFT = ['shl', 'shr', 'sar', 'rol', 'ror'] as const;
const EXCHANGE = ['xchg', 'xadd', 'cmpxchg'] as const;

export interface RandomInstruction {
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
}

/** Instructions of the integer families in 64-bit code. */
export const instruction: fc.Arbitrary<RandomInstruction> = fc.constantFrom(...WIDTHS).chain((width) => {
  const register = registerOf(width) as fc.Arbitrary<Operand>;
  const place = fc.oneof(register, memoryOperand(width));
  const of = (mnemonics: readonly string[], ...operands: fc.Arbitrary<Operand>[]): fc.Arbitrary<RandomInstruction> =>
    fc.record({ mnemonic: fc.constantFrom(...mnemonics), operands: fc.tuple(...operands) });
  return fc.oneof(
    of(BINARY, register, place),
    of(BINARY, place, register),
    of(BINARY, place, immediateOf(width)),
    of(UNARY, place),
    of(SHIFT, place, fc.integer({ min: 0, max: 255 })),
    of(EXCHANGE, place, register),
    of(['test'], place, immediateOf(width)),
  );
});
