/** What happens to lanes: the definitions that packed instructions are made of. SDM: Vol. 1, "MMX Instructions" and what SSE adds to them. */
import type { Width } from '../../decode/instruction.ts';
import { notTruth, signBit } from '../flags.ts';
import type { Ops, Value } from '../ops.ts';
import type { LaneOperation } from '../vectorOps.ts';

type Definition = LaneOperation['lane'];
const operation = (name: string, lane: Definition): LaneOperation => ({ name, lane });

/** The value with all bits equal to a truth value. */
const spread = (ops: Ops<Value>, width: Width, truth: Value): Value => ops.negate(width, truth);

/** The signed value held between the least and the greatest that `to` bits can hold. @param wide its own width. */
function saturate(ops: Ops<Value>, wide: Width, to: Width, value: Value, signed: boolean): Value {
  const bits = BigInt(to);
  const least = ops.constant(wide, BigInt.asUintN(wide, signed ? -(1n << (bits - 1n)) : 0n));
  const greatest = ops.constant(wide, signed ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n);
  const above = ops.select(wide, ops.lessSigned(wide, value, least), least, value);
  return ops.truncate(wide, to, ops.select(wide, ops.lessSigned(wide, greatest, above), greatest, above));
}

/** A sum or difference of 8- or 16-bit lanes, saturated. */
const saturated = (name: string, combine: 'add' | 'sub', signed: boolean): LaneOperation =>
  operation(name, (ops, width, a, b) => {
    const extend = (value: Value): Value => (signed ? ops.signExtend(width, 32, value) : ops.zeroExtend(width, 32, value));
    return saturate(ops, 32, width, ops[combine](32, extend(a), extend(b)), signed);
  });

const extremum = (name: string, less: 'lessSigned' | 'lessUnsigned', greatest: boolean): LaneOperation =>
  operation(name, (ops, width, a, b) => {
    const first = greatest ? ops[less](width, b, a) : ops[less](width, a, b);
    return ops.select(width, first, a, b);
  });

export const LANE_AND = operation('and', (ops, width, a, b) => ops.and(width, a, b));
/** NOT a AND b, in the order of PANDN. */
export const LANE_AND_NOT = operation('andNot', (ops, width, a, b) => ops.and(width, ops.not(width, a), b));
export const LANE_OR = operation('or', (ops, width, a, b) => ops.or(width, a, b));
export const LANE_XOR = operation('xor', (ops, width, a, b) => ops.xor(width, a, b));

export const LANE_ADD = operation('add', (ops, width, a, b) => ops.add(width, a, b));
export const LANE_SUBTRACT = operation('subtract', (ops, width, a, b) => ops.sub(width, a, b));
export const LANE_ADD_SIGNED = saturated('addSigned', 'add', true);
export const LANE_ADD_UNSIGNED = saturated('addUnsigned', 'add', false);
export const LANE_SUBTRACT_SIGNED = saturated('subtractSigned', 'sub', true);
export const LANE_SUBTRACT_UNSIGNED = saturated('subtractUnsigned', 'sub', false);

export const LANE_EQUAL = operation('equal', (ops, width, a, b) => spread(ops, width, ops.equal(width, a, b)));
export const LANE_GREATER_SIGNED = operation('greaterSigned', (ops, width, a, b) => spread(ops, width, ops.lessSigned(width, b, a)));
export const LANE_MINIMUM_SIGNED = extremum('minimumSigned', 'lessSigned', false);
export const LANE_MINIMUM_UNSIGNED = extremum('minimumUnsigned', 'lessUnsigned', false);
export const LANE_MAXIMUM_SIGNED = extremum('maximumSigned', 'lessSigned', true);
export const LANE_MAXIMUM_UNSIGNED = extremum('maximumUnsigned', 'lessUnsigned', true);

/** The rounded mean of 8- or 16-bit lanes. */
export const LANE_AVERAGE = operation('average', (ops, width, a, b) => {
  const sum = ops.add(32, ops.add(32, ops.zeroExtend(width, 32, a), ops.zeroExtend(width, 32, b)), ops.constant(32, 1n));
  return ops.truncate(32, width, ops.shiftRight(32, sum, ops.constant(32, 1n)));
});

/** |b|, whatever a. */
export const LANE_ABSOLUTE = operation('absolute', (ops, width, _a, b) =>
  ops.select(width, signBit(ops, width, b), ops.negate(width, b), b),
);

/** a with the sign of b: negated, 0 or as it is. */
export const LANE_SIGN = operation('sign', (ops, width, a, b) => {
  const signed = ops.select(width, signBit(ops, width, b), ops.negate(width, a), a);
  return ops.select(width, ops.equal(width, b, ops.constant(width, 0n)), ops.constant(width, 0n), signed);
});

export const LANE_MULTIPLY = operation('multiply', (ops, width, a, b) => ops.mul(width, a, b));
export const LANE_MULTIPLY_HIGH_SIGNED = operation('multiplyHighSigned', (ops, width, a, b) => ops.mulHighSigned(width, a, b));
export const LANE_MULTIPLY_HIGH_UNSIGNED = operation('multiplyHighUnsigned', (ops, width, a, b) => ops.mulHighUnsigned(width, a, b));
/** PMULHRSW: the product of 16-bit fractions, rounded. */
export const LANE_MULTIPLY_ROUNDED = operation('multiplyRounded', (ops, width, a, b) => {
  const product = ops.mul(32, ops.signExtend(width, 32, a), ops.signExtend(width, 32, b));
  const scaled = ops.add(32, ops.shiftRightSigned(32, product, ops.constant(32, 14n)), ops.constant(32, 1n));
  return ops.truncate(32, width, ops.shiftRight(32, scaled, ops.constant(32, 1n)));
});
/** PMULUDQ: the low halves of 64-bit lanes. */
export const LANE_MULTIPLY_LOW_UNSIGNED = operation('multiplyLowUnsigned', (ops, _width, a, b) =>
  ops.mul(64, ops.zeroExtend(32, 64, ops.truncate(64, 32, a)), ops.zeroExtend(32, 64, ops.truncate(64, 32, b))),
);
export const LANE_MULTIPLY_LOW_SIGNED = operation('multiplyLowSigned', (ops, _width, a, b) =>
  ops.mul(64, ops.signExtend(32, 64, ops.truncate(64, 32, a)), ops.signExtend(32, 64, ops.truncate(64, 32, b))),
);

/** Part `i` of a lane: `part` bits as a 32-bit value. */
function partOf(ops: Ops<Value>, width: Width, part: 8 | 16, value: Value, i: number, signed: boolean): Value {
  const moved = i === 0 ? value : ops.shiftRight(width, value, ops.constant(width, BigInt(i * part)));
  const cut = ops.truncate(width, part, moved);
  return signed ? ops.signExtend(part, 32, cut) : ops.zeroExtend(part, 32, cut);
}

/** PMADDWD: the sum of two products of signed words, in 32-bit lanes. */
export const LANE_DOT_WORDS = operation('dotWords', (ops, width, a, b) => {
  const product = (i: number): Value => ops.mul(32, partOf(ops, width, 16, a, i, true), partOf(ops, width, 16, b, i, true));
  return ops.add(32, product(0), product(1));
});

/** PMADDUBSW: the saturated sum of two products of unsigned (a) and signed (b) bytes, in 16-bit lanes. */
export const LANE_DOT_BYTES = operation('dotBytes', (ops, width, a, b) => {
  const product = (i: number): Value => ops.mul(32, partOf(ops, width, 8, a, i, false), partOf(ops, width, 8, b, i, true));
  return saturate(ops, 32, width, ops.add(32, product(0), product(1)), true);
});

/** PSADBW: the sum of the distances of eight bytes, in 64-bit lanes. */
export const LANE_BYTE_DISTANCE = operation('byteDistance', (ops, width, a, b) => {
  let sum = ops.constant(32, 0n);
  for (let i = 0; i < 8; i++) {
    const difference = ops.sub(32, partOf(ops, width, 8, a, i, false), partOf(ops, width, 8, b, i, false));
    sum = ops.add(32, sum, ops.select(32, signBit(ops, 32, difference), ops.negate(32, difference), difference));
  }
  return ops.zeroExtend(32, 64, sum);
});

/** All ones where a bit of neither is set. */
export const LANE_NEITHER = operation('neither', (ops, width, a, b) => ops.not(width, ops.or(width, a, b)));
/** All ones where a >= b, unsigned or signed. */
export const LANE_AT_LEAST_UNSIGNED = operation('atLeastUnsigned', (ops, width, a, b) =>
  spread(ops, width, notTruth(ops, ops.lessUnsigned(width, a, b))),
);
export const LANE_AT_LEAST_SIGNED = operation('atLeastSigned', (ops, width, a, b) =>
  spread(ops, width, notTruth(ops, ops.lessSigned(width, a, b))),
);
