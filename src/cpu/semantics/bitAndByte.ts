/** Bit tests, bit scans and counts. SDM: Vol. 1, "Bit and Byte Instructions"; Vol. 2, each instruction. */
import { type Instruction, OPERAND_IMMEDIATE, OPERAND_MEMORY, type Width } from '../decode/instruction.ts';
import { effectiveOffset, linearAddress } from './address.ts';
import { FLAGS_BIT_FIELD, FLAGS_CARRY, FLAGS_COUNT, FLAGS_POPCNT, FLAGS_ZERO, isZero, notTruth } from './flags.ts';
import type { Meaning } from './meaning.ts';
import { readOperand, writeOperand } from './operands.ts';
import type { Ops, Value } from './ops.ts';

type Change = (ops: Ops<Value>, width: Width, value: Value, mask: Value) => Value;

export const bt: Meaning = (ops, insn) => bitTest(ops, insn, undefined);
export const bts: Meaning = (ops, insn) => bitTest(ops, insn, (o, width, value, mask) => o.or(width, value, mask));
export const btr: Meaning = (ops, insn) => bitTest(ops, insn, (o, width, value, mask) => o.and(width, value, o.not(width, mask)));
export const btc: Meaning = (ops, insn) => bitTest(ops, insn, (o, width, value, mask) => o.xor(width, value, mask));

/** CF = the bit; then the bit changes. A register index reaches any bit of a string around the memory operand. */
function bitTest(ops: Ops<Value>, insn: Instruction, change: Change | undefined): void {
  const { width } = insn;
  const index = readOperand(ops, insn, 1, width);
  const bit = ops.and(width, index, ops.constant(width, BigInt(width - 1)));
  const inMemory = insn.operands[0]!.kind === OPERAND_MEMORY;
  let value: Value;
  if (inMemory) {
    const segment = insn.memory!.segment;
    const la = bitStringAddress(ops, insn, index, change !== undefined);
    value = change === undefined ? ops.load(width, segment, la) : ops.loadForUpdate(width, segment, la);
  } else {
    value = ops.readGpr(width, insn.operands[0]!.register);
  }
  const one = ops.constant(width, 1n);
  if (change !== undefined) {
    const r = change(ops, width, value, ops.shiftLeft(width, one, bit));
    if (inMemory) ops.storeUpdate(width, r);
    else ops.writeGpr(width, insn.operands[0]!.register, r);
  }
  const carry = ops.and(width, ops.shiftRight(width, value, bit), one);
  ops.setFlags(FLAGS_CARRY, width, carry, carry, carry);
}

/** Linear address of the word of a bit string that holds bit `index` (signed). SDM: Vol. 2, "BT—Bit Test"; Vol. 1, "Bit String". */
function bitStringAddress(ops: Ops<Value>, insn: Instruction, index: Value, write: boolean): Value {
  const { width } = insn;
  const { addressWidth, segment } = insn.memory!;
  let offset = effectiveOffset(ops, insn);
  if (insn.operands[1]!.kind !== OPERAND_IMMEDIATE) {
    const words = ops.shiftRightSigned(width, index, ops.constant(width, width === 64 ? 6n : width === 32 ? 5n : 4n));
    const wide = width < addressWidth ? ops.signExtend(width, addressWidth, words) : words;
    const sized = width > addressWidth ? ops.truncate(width, addressWidth, wide) : wide;
    const bytes = ops.shiftLeft(addressWidth, sized, ops.constant(addressWidth, width === 64 ? 3n : width === 32 ? 2n : 1n));
    offset = ops.add(addressWidth, offset, bytes);
  }
  return linearAddress(ops, insn, segment, addressWidth, offset, width >> 3, write);
}

/** BSF and BSR: a source of 0 sets ZF and leaves the whole destination as it was. */
export const bsf: Meaning = (ops, insn) => bitScan(ops, insn, (o, width, a) => o.countTrailingZeros(width, a));
export const bsr: Meaning = (ops, insn) =>
  bitScan(ops, insn, (o, width, a) => o.sub(width, o.constant(width, BigInt(width - 1)), o.countLeadingZeros(width, a)));

function bitScan(ops: Ops<Value>, insn: Instruction, scan: (ops: Ops<Value>, width: Width, a: Value) => Value): void {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const destination = insn.operands[0]!.register;
  const found = scan(ops, width, source);
  const zero = isZero(ops, width, source);
  if (width === 16) {
    ops.writeGpr(16, destination, ops.select(16, zero, ops.readGpr(16, destination), found));
  } else {
    const wide = width === 32 ? ops.zeroExtend(32, 64, found) : found;
    ops.writeGpr(64, destination, ops.select(64, zero, ops.readGpr(64, destination), wide));
  }
  ops.setFlags(FLAGS_ZERO, width, source, source, source);
}

export const tzcnt: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const r = ops.countTrailingZeros(width, source);
  writeOperand(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_COUNT, width, source, source, r);
};

export const lzcnt: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const r = ops.countLeadingZeros(width, source);
  writeOperand(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_COUNT, width, source, source, r);
};

export const popcnt: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const r = ops.popCount(width, source);
  writeOperand(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_POPCNT, width, source, source, r);
};

/** BLSR: clears the lowest set bit. CF tells a source of 0. */
export const blsr: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const r = ops.and(width, source, ops.sub(width, source, ops.constant(width, 1n)));
  writeBitField(ops, insn, source, r, isZero(ops, width, source));
};

/** BLSMSK: all bits up to the lowest set bit. CF tells a source of 0. */
export const blsmsk: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const r = ops.xor(width, source, ops.sub(width, source, ops.constant(width, 1n)));
  writeBitField(ops, insn, source, r, isZero(ops, width, source));
};

/** BLSI: the lowest set bit alone. CF tells a source other than 0. */
export const blsi: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const r = ops.and(width, source, ops.negate(width, source));
  writeBitField(ops, insn, source, r, notTruth(ops, isZero(ops, width, source)));
};

/** BZHI: clears the bits from the index in the second source's low byte on. CF tells an index beyond the width. */
export const bzhi: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const index = ops.and(width, readOperand(ops, insn, 2, width), ops.constant(width, 0xffn));
  const ones = ops.constant(width, (1n << BigInt(width)) - 1n);
  const r = ops.and(width, source, ops.not(width, ops.shiftLeft(width, ones, index)));
  writeBitField(ops, insn, source, r, ops.lessUnsigned(width, ops.constant(width, BigInt(width - 1)), index));
};

/** BEXTR: the bit field that starts at control[7:0] and is control[15:8] long. */
export const bextr: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  const control = readOperand(ops, insn, 2, width);
  const byte = ops.constant(width, 0xffn);
  const start = ops.and(width, control, byte);
  const length = ops.and(width, ops.shiftRight(width, control, ops.constant(width, 8n)), byte);
  const ones = ops.constant(width, (1n << BigInt(width)) - 1n);
  const mask = ops.not(width, ops.shiftLeft(width, ones, length));
  const r = ops.and(width, ops.shiftRight(width, source, start), mask);
  writeBitField(ops, insn, source, r, ops.constant(8, 0n));
};

function writeBitField(ops: Ops<Value>, insn: Instruction, source: Value, r: Value, carry: Value): void {
  const { width } = insn;
  writeOperand(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_BIT_FIELD, width, width === 8 ? carry : ops.zeroExtend(8, width, carry), source, r);
}
