/** Data transfer without the stack. SDM: Vol. 1, "Data Transfer Instructions"; Vol. 2, each instruction. */
import { RAX, RBX, RDX } from '../../arch/registers.ts';
import { type Instruction, OPERAND_MEMORY, type Width } from '../decode/instruction.ts';
import { effectiveOffset, linearAddress, operandAddress } from './address.ts';
import type { Meaning } from './meaning.ts';
import { readForUpdate, readOperand, writeOperand, writeUpdated } from './operands.ts';
import type { Ops, Value } from './ops.ts';

/** MOV between general-purpose registers, memory and immediates, and from segment registers (memory takes 16 bits). */
export const mov: Meaning = (ops, insn) => {
  writeOperand(ops, insn, 0, insn.width, readOperand(ops, insn, 1, insn.width));
};

export const movzx: Meaning = (ops, insn) => {
  const from = insn.operands[1]!.width as Width;
  writeOperand(ops, insn, 0, insn.width, ops.zeroExtend(from, insn.width, readOperand(ops, insn, 1, from)));
};

/** MOVSX and MOVSXD. */
export const movsx: Meaning = (ops, insn) => {
  const from = insn.operands[1]!.width as Width;
  writeOperand(ops, insn, 0, insn.width, ops.signExtend(from, insn.width, readOperand(ops, insn, 1, from)));
};

/** CMOVcc: the source is loaded, and a 32-bit destination cleared above, whatever the condition. */
export const cmov: Meaning = (ops, insn) => {
  const { width } = insn;
  const source = readOperand(ops, insn, 1, width);
  writeOperand(ops, insn, 0, width, ops.select(width, ops.readCondition(insn.condition), source, readOperand(ops, insn, 0, width)));
};

export const setcc: Meaning = (ops, insn) => {
  writeOperand(ops, insn, 0, 8, ops.readCondition(insn.condition));
};

/** XCHG: with memory always locked. */
export const xchg: Meaning = (ops, insn) => {
  const { width } = insn;
  // The memory operand may stand on either side.
  const first = insn.operands[1]!.kind === OPERAND_MEMORY ? 1 : 0;
  const old = readForUpdate(ops, insn, first, width);
  const other = readOperand(ops, insn, 1 - first, width);
  writeUpdated(ops, insn, first, width, other);
  writeOperand(ops, insn, 1 - first, width, old);
};

/** BSWAP. With 16 bits, which the SDM leaves undefined, processors clear the register. */
export const bswap: Meaning = (ops, insn) => {
  const { width } = insn;
  const value = width === 64 || width === 32 ? ops.byteSwap(width, readOperand(ops, insn, 0, width)) : ops.constant(width, 0n);
  writeOperand(ops, insn, 0, width, value);
};

export const movbe: Meaning = (ops, insn) => {
  const { width } = insn;
  const value = readOperand(ops, insn, 1, width);
  writeOperand(ops, insn, 0, width, swapBytes(ops, width, value));
};

function swapBytes(ops: Ops<Value>, width: Width, value: Value): Value {
  if (width === 32 || width === 64) return ops.byteSwap(width, value);
  const eight = ops.constant(width, 8n);
  return ops.or(width, ops.shiftLeft(width, value, eight), ops.shiftRight(width, value, eight));
}

/** LEA: the effective address without segment, truncated or zero-extended to the destination. */
export const lea: Meaning = (ops, insn) => {
  const from = insn.memory!.addressWidth;
  const offset = effectiveOffset(ops, insn);
  writeOperand(ops, insn, 0, insn.width, resize(ops, from, insn.width, offset));
};

function resize(ops: Ops<Value>, from: Width, to: Width, value: Value): Value {
  if (from === to) return value;
  return from < to ? ops.zeroExtend(from, to, value) : ops.truncate(from, to, value);
}

/** XLATB: AL = [rBX + AL]. */
export const xlat: Meaning = (ops, insn) => {
  const width = insn.addressWidth;
  const offset = ops.add(width, ops.readGpr(width, RBX), ops.zeroExtend(8, width, ops.readGpr(8, RAX)));
  ops.writeGpr(8, RAX, ops.load(8, insn.segment, linearAddress(ops, insn, insn.segment, width, offset, 1, false)));
};

/** CBW, CWDE, CDQE: the accumulator sign-extended from half the width. */
export const signExtendAccumulator: Meaning = (ops, insn) => {
  const half = (insn.width >> 1) as Width;
  ops.writeGpr(insn.width, RAX, ops.signExtend(half, insn.width, ops.readGpr(half, RAX)));
};

/** CWD, CDQ, CQO: the sign of the accumulator throughout rDX. */
export const signIntoDx: Meaning = (ops, insn) => {
  const { width } = insn;
  ops.writeGpr(width, RDX, ops.shiftRightSigned(width, ops.readGpr(width, RAX), ops.constant(width, BigInt(width - 1))));
};

/** CLFLUSH, CLFLUSHOPT, CLWB: faults as a byte load would. Deviation: caches are not modelled, nothing is written back. */
export const cacheLine: Meaning = (ops: Ops<Value>, insn: Instruction) => {
  ops.load(8, insn.memory!.segment, operandAddress(ops, insn, 1, false));
};
