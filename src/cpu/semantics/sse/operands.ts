/** Operands of SSE instructions: where vectors and their low lanes come from and go to. */
import { VECTOR_GP } from '../../../arch/vectors.ts';
import { type Instruction, OPERAND_MEMORY, OPERAND_VECTOR, type Width } from '../../decode/instruction.ts';
import { operandAddress } from '../address.ts';
import { isZero, notTruth } from '../flags.ts';
import { readOperand } from '../operands.ts';
import type { Ops, Value } from '../ops.ts';
import { bytesFrom } from './bytes.ts';

/**
 * The linear address (64 bits) of a 16-byte memory operand.
 * @param aligned Raises #GP(0) when the address is not a multiple of 16.
 */
export function vectorAddress(ops: Ops<Value>, insn: Instruction, aligned: boolean, write: boolean): Value {
  const la = operandAddress(ops, insn, 16, write);
  if (aligned) ops.raiseIf(notTruth(ops, isZero(ops, 64, ops.and(64, la, ops.constant(64, 15n)))), VECTOR_GP, 0);
  return la;
}

/** Operand `i` as a whole vector: an XMM register or 16 bytes of memory. */
export function readVector(ops: Ops<Value>, insn: Instruction, i: number, aligned = true): Value {
  const operand = insn.operands[i]!;
  if (operand.kind === OPERAND_VECTOR) return ops.readXmm(operand.register);
  return ops.loadVector(insn.memory!.segment, vectorAddress(ops, insn, aligned, false));
}

/** Replaces operand `i`, an XMM register or 16 bytes of memory. */
export function writeVector(ops: Ops<Value>, insn: Instruction, i: number, value: Value, aligned = true): void {
  const operand = insn.operands[i]!;
  if (operand.kind === OPERAND_VECTOR) ops.writeXmm(operand.register, value);
  else ops.storeVector(insn.memory!.segment, vectorAddress(ops, insn, aligned, true), value);
}

/** A vector that is zero but for its low lane. */
export const lowLane = (ops: Ops<Value>, width: Width, value: Value): Value => ops.withLane(width, ops.vectorConstant(0n), 0, value);

/** A vector whose low `width` bits are operand `i`: an XMM register as it is, or so many bits of memory, zero above. */
export function readLow(ops: Ops<Value>, insn: Instruction, i: number, width: Width): Value {
  const operand = insn.operands[i]!;
  if (operand.kind === OPERAND_VECTOR) return ops.readXmm(operand.register);
  return lowLane(ops, width, ops.load(width, insn.memory!.segment, operandAddress(ops, insn, width >> 3, false)));
}

/** The low `width` bits of operand `i`: of an XMM or general-purpose register, or memory. */
export function readInteger(ops: Ops<Value>, insn: Instruction, i: number, width: Width): Value {
  const operand = insn.operands[i]!;
  return operand.kind === OPERAND_VECTOR ? ops.lane(width, ops.readXmm(operand.register), 0) : readOperand(ops, insn, i, width);
}

/** Stores `width` bits to operand `i`, which is memory. */
export function storeInteger(ops: Ops<Value>, insn: Instruction, width: Width, value: Value): void {
  ops.store(width, insn.memory!.segment, operandAddress(ops, insn, width >> 3, true), value);
}

/** Is operand `i` memory? */
export const isMemory = (insn: Instruction, i: number): boolean => insn.operands[i]!.kind === OPERAND_MEMORY;

/** The number of the XMM register that operand `i` names. */
export const xmmOf = (insn: Instruction, i: number): number => insn.operands[i]!.register;

/** `b`'s low `width` bits below `a`'s others. */
export const mergeLow = (ops: Ops<Value>, width: 32 | 64, a: Value, b: Value): Value =>
  ops.shuffle(a, b, [...bytesFrom(16, width / 8), ...bytesFrom(width / 8, 16 - width / 8)]);

/** The immediate that ends the operands. */
export const immediateOf = (insn: Instruction): number => Number(insn.operands[insn.operands.length - 1]!.immediate);
