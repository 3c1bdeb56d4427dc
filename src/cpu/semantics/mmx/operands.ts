/** Operands of MMX instructions, as the low halves of vectors. */
import { type Instruction, OPERAND_MEMORY, OPERAND_VECTOR, type Width } from '../../decode/instruction.ts';
import { operandAddress } from '../address.ts';
import type { Meaning } from '../meaning.ts';
import { readOperand } from '../operands.ts';
import type { Ops, Value } from '../ops.ts';

/** 64 bits below zeros. */
export const lowHalf = (ops: Ops<Value>, value: Value): Value => ops.withLane(64, ops.vectorConstant(0n), 0, value);

/** Operand `i`: an MMX register, or `width` bits of memory. */
export function readMmx(ops: Ops<Value>, insn: Instruction, i: number, width: 32 | 64 = 64): Value {
  const operand = insn.operands[i]!;
  if (operand.kind === OPERAND_VECTOR) return lowHalf(ops, ops.readMmx(operand.register));
  const value = ops.load(width, insn.memory!.segment, operandAddress(ops, insn, width >> 3, false));
  return ops.withLane(width, ops.vectorConstant(0n), 0, value);
}

/** The low `width` bits of operand `i`: of an MMX or general-purpose register, or memory. */
export function readInteger(ops: Ops<Value>, insn: Instruction, i: number, width: 32 | 64): Value {
  const operand = insn.operands[i]!;
  if (operand.kind !== OPERAND_VECTOR) return readOperand(ops, insn, i, width as Width);
  const value = ops.readMmx(operand.register);
  return width === 64 ? value : ops.truncate(64, 32, value);
}

/** The low half of a vector becomes MMX register operand `i`. */
export const writeMmx = (ops: Ops<Value>, insn: Instruction, i: number, vector: Value): void =>
  ops.writeMmx(insn.operands[i]!.register, ops.lane(64, vector, 0));

/** A result of the destination and the source. @param width bits of the source in memory. */
export const combining =
  (operation: (ops: Ops<Value>, a: Value, b: Value, insn: Instruction) => Value, width: 32 | 64 = 64): Meaning =>
  (ops, insn) => {
    const source = readMmx(ops, insn, 1, width);
    writeMmx(ops, insn, 0, operation(ops, readMmx(ops, insn, 0), source, insn));
  };

export const isMemory = (insn: Instruction, i: number): boolean => insn.operands[i]!.kind === OPERAND_MEMORY;
