/** The scalar types of generated C programs (typedefs of runtime/generated.h), and values of them that are worth trying. */
import type { RandomSource } from '../../silicon/random.ts';

export const INTEGERS = ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64', 'wide', 'uwide'] as const;
export const FLOATS = ['float', 'double', 'long double'] as const;
export type IntegerType = (typeof INTEGERS)[number];
export type FloatType = (typeof FLOATS)[number];
export type ScalarType = IntegerType | FloatType;

export const isFloat = (type: ScalarType): type is FloatType => (FLOATS as readonly string[]).includes(type);

const BITS: readonly number[] = [0, 7, 8, 15, 16, 31, 32, 63];
const FLOAT_LITERALS: readonly string[] = [
  ...['0.0', '-0.0', '1.0', '-1.0', '0.5', '3.0', '0.1', '1e10', '-1e-10', '16777217.0', '9007199254740993.0'],
  ...['2147483648.0', '-2147483649.0', '4294967295.5', '9223372036854775807.0', '-9223372036854775809.0', '18446744073709551615.0'],
  ...['1e308', '1e-308', '4e-45', '5e-324', '__builtin_inf()', '-__builtin_inf()', '__builtin_nan("")'],
];

export function anyType(random: RandomSource): ScalarType {
  return random.chance(0.75) ? random.pick(INTEGERS) : random.pick(FLOATS);
}

/** A C literal: small, at a limit of some width, or anything. */
export function literal(random: RandomSource, type: ScalarType): string {
  if (isFloat(type)) {
    const text = random.chance(0.6) ? random.pick(FLOAT_LITERALS) : `${(random.fraction() * 2 - 1).toFixed(7)}e${random.below(40) - 20}`;
    return `(${type})(${text})`;
  }
  if (random.chance(0.4)) return `(${type})${random.below(20) - 4}`;
  const edge = (1n << BigInt(random.pick(BITS))) + BigInt(random.below(5) - 2);
  const value = BigInt.asUintN(64, random.chance(0.6) ? edge : random.bits64());
  return `(${type})0x${value.toString(16)}ull`;
}
