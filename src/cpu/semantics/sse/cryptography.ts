/** AES rounds and carry-less multiplication. SDM: Vol. 1, "Intel Advanced Encryption Standard Instructions"; Vol. 2, each instruction; FIPS 197. */
import type { Meaning } from '../meaning.ts';
import type { Ops, Value } from '../ops.ts';
import { bytesFrom, lanesFrom, splat } from './bytes.ts';
import { LANE_ADD, LANE_AND, LANE_OR, LANE_XOR } from './laneOperations.ts';
import { immediateOf, lowLane, readVector, xmmOf } from './operands.ts';

/** Products modulo x⁸ + x⁴ + x³ + x + 1. */
function fieldProduct(a: number, b: number): number {
  let product = 0;
  for (let [x, y] = [a, b]; y > 0; y >>= 1) {
    if (y & 1) product ^= x;
    x = (x << 1) ^ (x & 0x80 ? 0x11b : 0);
  }
  return product;
}

/** The S-box: the inverse in the field, then an affine transformation. */
function substitution(byte: number): number {
  let inverse = 0;
  for (let candidate = 1; candidate < 256; candidate++) if (fieldProduct(byte, candidate) === 1) inverse = candidate;
  const rotated = [1, 2, 3, 4].map((by) => ((inverse << by) | (inverse >> (8 - by))) & 0xff);
  return rotated.reduce((all, one) => all ^ one, inverse) ^ 0x63;
}

const BYTES = bytesFrom(0, 256);
const FORWARD = BYTES.map(substitution);
const INVERSE = BYTES.map((byte) => FORWARD.indexOf(byte));

/** Sixteen bytes of a table as a vector. */
const slice = (table: readonly number[], row: number): bigint =>
  table.slice(row * 16, row * 16 + 16).reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);

/** Every byte replaced by the table's: row by row, since a byte number of 16 or more finds nothing. */
function substitute(ops: Ops<Value>, table: readonly number[], state: Value): Value {
  let result = ops.vectorConstant(0n);
  for (let row = 0; row < 16; row++) {
    const within = ops.lanewise(LANE_XOR, 8, state, ops.vectorConstant(splat(8, BigInt(row * 16))));
    result = ops.lanewise(LANE_OR, 64, result, ops.swizzle(ops.vectorConstant(slice(table, row)), within));
  }
  return result;
}

/** Byte numbers of ShiftRows: row r, byte r of each column, comes from r columns further on (or back). */
const rows = (direction: 1 | -1): number[] => BYTES.slice(0, 16).map((at) => (at + 4 * (at % 4) * direction + 64) % 16);
const SHIFT_ROWS = rows(1);
const INVERSE_SHIFT_ROWS = rows(-1);

const xor = (ops: Ops<Value>, a: Value, b: Value): Value => ops.lanewise(LANE_XOR, 64, a, b);

/** Every byte times x. */
function timesX(ops: Ops<Value>, state: Value): Value {
  const carries = ops.shiftLanes('rightSigned', 8, state, ops.constant(64, 7n));
  return xor(ops, ops.lanewise(LANE_ADD, 8, state, state), ops.lanewise(LANE_AND, 64, carries, ops.vectorConstant(splat(8, 0x1bn))));
}

/** Bytes of each column moved up by `by` places, around. */
const rotateColumns = (ops: Ops<Value>, state: Value, by: number): Value =>
  ops.shuffle(
    state,
    state,
    bytesFrom(0, 16).map((at) => (at & ~3) | ((at + by) & 3)),
  );

function mixColumns(ops: Ops<Value>, state: Value): Value {
  const doubled = timesX(ops, state);
  const tripled = xor(ops, doubled, state);
  const others = xor(ops, rotateColumns(ops, state, 2), rotateColumns(ops, state, 3));
  return xor(ops, xor(ops, doubled, rotateColumns(ops, tripled, 1)), others);
}

/** InvMixColumns is MixColumns after each column has been multiplied by 4·x² + 5. */
function inverseMixColumns(ops: Ops<Value>, state: Value): Value {
  const opposite = xor(ops, state, rotateColumns(ops, state, 2));
  return mixColumns(ops, xor(ops, state, timesX(ops, timesX(ops, opposite))));
}

/** AESENC, AESENCLAST. */
export const encrypt =
  (last: boolean): Meaning =>
  (ops, insn) => {
    const key = readVector(ops, insn, 1);
    const state = ops.readXmm(xmmOf(insn, 0));
    const substituted = substitute(ops, FORWARD, ops.shuffle(state, state, SHIFT_ROWS));
    ops.writeXmm(xmmOf(insn, 0), xor(ops, last ? substituted : mixColumns(ops, substituted), key));
  };

/** AESDEC, AESDECLAST. */
export const decrypt =
  (last: boolean): Meaning =>
  (ops, insn) => {
    const key = readVector(ops, insn, 1);
    const state = ops.readXmm(xmmOf(insn, 0));
    const substituted = substitute(ops, INVERSE, ops.shuffle(state, state, INVERSE_SHIFT_ROWS));
    ops.writeXmm(xmmOf(insn, 0), xor(ops, last ? substituted : inverseMixColumns(ops, substituted), key));
  };

/** AESIMC. */
export const invertKey: Meaning = (ops, insn) => ops.writeXmm(xmmOf(insn, 0), inverseMixColumns(ops, readVector(ops, insn, 1)));

/** AESKEYGENASSIST: words 1 and 3 substituted; and once more rotated, with the round constant. */
export const assistKey: Meaning = (ops, insn) => {
  const source = readVector(ops, insn, 1);
  const substituted = substitute(ops, FORWARD, source);
  const rotated = ops.shuffle(
    substituted,
    substituted,
    bytesFrom(0, 16).map((at) => (at & ~3) | ((at + 1) & 3)),
  );
  const constant = BigInt(immediateOf(insn));
  const joined = ops.shuffle(substituted, rotated, lanesFrom(32, [1, 5, 3, 7]));
  ops.writeXmm(xmmOf(insn, 0), xor(ops, joined, ops.vectorConstant((constant << 32n) | (constant << 96n))));
};

/** Every fourth bit, from the lowest on. */
const EVERY_FOURTH = 0x1111_1111_1111_1111n;

/**
 * The carry-less product (64 bits) of two 32-bit values: ordinary multiplication of numbers whose bits stand four apart, so that no sum of at most
 * eight ones reaches the next bit that counts.
 */
function carryLess(ops: Ops<Value>, a: Value, b: Value): Value {
  const holes = [0n, 1n, 2n, 3n].map((shift) => ops.constant(64, EVERY_FOURTH << shift));
  const parts = (value: Value): Value[] => holes.map((hole) => ops.and(64, value, hole));
  const [x, y] = [parts(a), parts(b)];
  let product = ops.constant(64, 0n);
  for (let residue = 0; residue < 4; residue++) {
    let sum = ops.constant(64, 0n);
    for (let i = 0; i < 4; i++) sum = ops.xor(64, sum, ops.mul(64, x[i]!, y[(residue - i + 4) & 3]!));
    product = ops.or(64, product, ops.and(64, sum, holes[residue]!));
  }
  return product;
}

/** PCLMULQDQ: the carry-less product of two halves, which the immediate chooses. */
export const multiplyCarryLess: Meaning = (ops, insn) => {
  const source = readVector(ops, insn, 1);
  const immediate = immediateOf(insn);
  const halves = (vector: Value, half: number): [Value, Value] =>
    [0, 1].map((i) => ops.zeroExtend(32, 64, ops.lane(32, vector, 2 * half + i))) as [Value, Value];
  const [aLow, aHigh] = halves(ops.readXmm(xmmOf(insn, 0)), immediate & 1);
  const [bLow, bHigh] = halves(source, (immediate >> 4) & 1);
  const middle = ops.xor(64, carryLess(ops, aLow, bHigh), carryLess(ops, aHigh, bLow));
  const half = ops.constant(64, 32n);
  const low = ops.xor(64, carryLess(ops, aLow, bLow), ops.shiftLeft(64, middle, half));
  const high = ops.xor(64, carryLess(ops, aHigh, bHigh), ops.shiftRight(64, middle, half));
  ops.writeXmm(xmmOf(insn, 0), ops.withLane(64, lowLane(ops, 64, low), 1, high));
};
