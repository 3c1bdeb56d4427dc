/**
 * Shifts and rotations. A count is taken modulo 32 (modulo 64 for 64-bit operands); a count of 0 changes no flag.
 * SDM: Vol. 1, "Shift and Rotate Instructions"; Vol. 2, each instruction.
 */
import type { Instruction, Width } from '../decode/instruction.ts';
import {
  bitAt,
  CF,
  FLAGS_DOUBLE_SHIFT,
  FLAGS_ROTATE_LEFT,
  FLAGS_ROTATE_RIGHT,
  FLAGS_SAR,
  FLAGS_SHL,
  FLAGS_SHR,
  isZero,
  notTruth,
  signBit,
} from './flags.ts';
import type { Meaning } from './meaning.ts';
import { readForUpdate, readOperand, writeOperand, writeUpdated } from './operands.ts';
import type { FlagRule, Ops, Value } from './ops.ts';

type Shift = (ops: Ops<Value>, width: Width, a: Value, count: Value) => Value;

const shiftLeft: Shift = (ops, width, a, count) => ops.shiftLeft(width, a, count);
const shiftRight: Shift = (ops, width, a, count) => ops.shiftRight(width, a, count);
const shiftRightSigned: Shift = (ops, width, a, count) => ops.shiftRightSigned(width, a, count);

export const shl: Meaning = (ops, insn) => shift(ops, insn, shiftLeft, FLAGS_SHL);
export const shr: Meaning = (ops, insn) => shift(ops, insn, shiftRight, FLAGS_SHR);
export const sar: Meaning = (ops, insn) => shift(ops, insn, shiftRightSigned, FLAGS_SAR);

function shift(ops: Ops<Value>, insn: Instruction, compute: Shift, rule: FlagRule): void {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const count = maskedCount(ops, insn, 1);
  const r = compute(ops, width, a, count);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlagsIf(notTruth(ops, isZero(ops, width, count)), rule, width, a, count, r);
}

export const rol: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const count = maskedCount(ops, insn, 1);
  const r = rotateLeft(ops, width, a, count);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlagsIf(notTruth(ops, isZero(ops, width, count)), FLAGS_ROTATE_LEFT, width, bitAt(ops, width, r, 0), a, r);
};

export const ror: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const count = maskedCount(ops, insn, 1);
  const r = rotateLeft(ops, width, a, ops.negate(width, count));
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlagsIf(notTruth(ops, isZero(ops, width, count)), FLAGS_ROTATE_RIGHT, width, signBit(ops, width, r), a, r);
};

/** RORX: rotates right by a constant, no flags. */
export const rorx: Meaning = (ops, insn) => {
  const { width } = insn;
  const count = ops.constant(width, insn.operands[2]!.immediate & BigInt(width - 1));
  writeOperand(ops, insn, 0, width, rotateLeft(ops, width, readOperand(ops, insn, 1, width), ops.negate(width, count)));
};

function rotateLeft(ops: Ops<Value>, width: Width, a: Value, count: Value): Value {
  const left = ops.and(width, count, ops.constant(width, BigInt(width - 1)));
  // Shifting by the whole width gives 0, so that a rotation by 0 needs no case of its own.
  const right = ops.sub(width, ops.constant(width, BigInt(width)), left);
  return ops.or(width, ops.shiftLeft(width, a, left), ops.shiftRight(width, a, right));
}

/** RCL: rotates width + 1 bits, the carry above the operand. */
export const rcl: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const masked = maskedCount(ops, insn, 1);
  const count = countThroughCarry(ops, width, masked);
  const carry = carryIn(ops, width);
  const size = ops.constant(width, BigInt(width));
  const one = ops.constant(width, 1n);
  const complement = ops.sub(width, size, count);
  const r = ops.or(
    width,
    ops.or(width, ops.shiftLeft(width, a, count), ops.shiftLeft(width, carry, ops.sub(width, count, one))),
    ops.shiftRight(width, a, ops.add(width, complement, one)),
  );
  const out = bitAt(ops, width, ops.shiftRight(width, a, complement), 0);
  writeUpdated(ops, insn, 0, width, r);
  const carryOut = ops.select(width, isZero(ops, width, count), carry, out);
  ops.setFlagsIf(notTruth(ops, isZero(ops, width, masked)), FLAGS_ROTATE_LEFT, width, carryOut, a, r);
};

/** RCR: rotates width + 1 bits, the carry above the operand. */
export const rcr: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const masked = maskedCount(ops, insn, 1);
  const count = countThroughCarry(ops, width, masked);
  const carry = carryIn(ops, width);
  const size = ops.constant(width, BigInt(width));
  const one = ops.constant(width, 1n);
  const complement = ops.sub(width, size, count);
  const r = ops.or(
    width,
    ops.or(width, ops.shiftRight(width, a, count), ops.shiftLeft(width, carry, complement)),
    ops.shiftLeft(width, a, ops.add(width, complement, one)),
  );
  const out = bitAt(ops, width, ops.shiftRight(width, a, ops.sub(width, count, one)), 0);
  writeUpdated(ops, insn, 0, width, r);
  const carryOut = ops.select(width, isZero(ops, width, count), carry, out);
  ops.setFlagsIf(notTruth(ops, isZero(ops, width, masked)), FLAGS_ROTATE_RIGHT, width, carryOut, a, r);
};

/** Rotations through the carry of 8 and 16 bits wrap at 9 and 17. */
function countThroughCarry(ops: Ops<Value>, width: Width, masked: Value): Value {
  if (width >= 32) return masked;
  return ops.remainderUnsigned(width, ops.constant(width, 0n), masked, ops.constant(width, BigInt(width + 1)));
}

const carryIn = (ops: Ops<Value>, width: Width): Value => {
  const carry = ops.readFlag(CF);
  return width === 8 ? carry : ops.zeroExtend(8, width, carry);
};

export const shld: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const count = maskedCount(ops, insn, 2);
  const complement = ops.sub(width, ops.constant(width, BigInt(width)), count);
  let r = ops.or(width, ops.shiftLeft(width, a, count), ops.shiftRight(width, b, complement));
  let out = bitAt(ops, width, ops.shiftRight(width, a, complement), 0);
  if (width === 16) {
    // Counts above 16 are undefined; processors go on shifting destination:source:destination.
    const beyond = ops.sub(width, count, ops.constant(width, 16n));
    const rest = ops.sub(width, ops.constant(width, 16n), beyond);
    const over = ops.lessUnsigned(width, ops.constant(width, 16n), count);
    r = ops.select(width, over, ops.or(width, ops.shiftLeft(width, b, beyond), ops.shiftRight(width, a, rest)), r);
    out = ops.select(width, over, bitAt(ops, width, ops.shiftRight(width, b, rest), 0), out);
  }
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlagsIf(notTruth(ops, isZero(ops, width, count)), FLAGS_DOUBLE_SHIFT, width, out, a, r);
};

export const shrd: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const count = maskedCount(ops, insn, 2);
  const one = ops.constant(width, 1n);
  const complement = ops.sub(width, ops.constant(width, BigInt(width)), count);
  let r = ops.or(width, ops.shiftRight(width, a, count), ops.shiftLeft(width, b, complement));
  let out = bitAt(ops, width, ops.shiftRight(width, a, ops.sub(width, count, one)), 0);
  if (width === 16) {
    // Counts above 16 are undefined; processors go on shifting destination:source:destination.
    const beyond = ops.sub(width, count, ops.constant(width, 16n));
    const rest = ops.sub(width, ops.constant(width, 16n), beyond);
    const over = ops.lessUnsigned(width, ops.constant(width, 16n), count);
    r = ops.select(width, over, ops.or(width, ops.shiftRight(width, b, beyond), ops.shiftLeft(width, a, rest)), r);
    out = ops.select(width, over, bitAt(ops, width, ops.shiftRight(width, b, ops.sub(width, beyond, one)), 0), out);
  }
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlagsIf(notTruth(ops, isZero(ops, width, count)), FLAGS_DOUBLE_SHIFT, width, out, a, r);
};

/** SHLX, SHRX, SARX: the count in a register, no flags. */
export const shlx: Meaning = (ops, insn) => shiftWithoutFlags(ops, insn, shiftLeft);
export const shrx: Meaning = (ops, insn) => shiftWithoutFlags(ops, insn, shiftRight);
export const sarx: Meaning = (ops, insn) => shiftWithoutFlags(ops, insn, shiftRightSigned);

function shiftWithoutFlags(ops: Ops<Value>, insn: Instruction, compute: Shift): void {
  const { width } = insn;
  const count = ops.and(width, readOperand(ops, insn, 2, width), ops.constant(width, BigInt(width - 1)));
  writeOperand(ops, insn, 0, width, compute(ops, width, readOperand(ops, insn, 1, width), count));
}

/** The count operand (CL or an immediate byte) modulo 32 or 64, at the operation's width. */
function maskedCount(ops: Ops<Value>, insn: Instruction, i: number): Value {
  const { width } = insn;
  const count = ops.and(8, readOperand(ops, insn, i, 8), ops.constant(8, width === 64 ? 63n : 31n));
  return width === 8 ? count : ops.zeroExtend(8, width, count);
}
