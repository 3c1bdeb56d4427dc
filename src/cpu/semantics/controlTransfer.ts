/** Near control transfer. SDM: Vol. 1, "Control Transfer Instructions"; Vol. 2, each instruction. */
import { RCX } from '../../arch/registers.ts';
import { VECTOR_BR } from '../../arch/vectors.ts';
import { type Instruction, OPERAND_RELATIVE } from '../decode/instruction.ts';
import { effectiveOffset, linearAddress } from './address.ts';
import { isZero, notTruth, ZF } from './flags.ts';
import type { Meaning } from './meaning.ts';
import { readOperand } from './operands.ts';
import type { Ops, Value } from './ops.ts';
import { dropBytes, loadTop, pushValue } from './stack.ts';

/** JMP near, relative or through a register or memory. */
export const jmp: Meaning = (ops, insn) => transfer(ops, insn);

/** CALL near: an invalid target faults before the return address is pushed. */
export const call: Meaning = (ops, insn) => {
  const { width } = insn;
  transfer(ops, insn);
  const next = ops.readNextRip();
  pushValue(ops, insn, width, width === 64 ? next : ops.truncate(64, width, next));
};

function transfer(ops: Ops<Value>, insn: Instruction): void {
  const { width } = insn;
  if (insn.operands[0]!.kind === OPERAND_RELATIVE) {
    ops.jumpRelative(insn.delta);
    return;
  }
  const target = readOperand(ops, insn, 0, width);
  ops.jump(width === 64 ? target : ops.zeroExtend(width, 64, target));
}

/** RET near; an immediate operand releases that many bytes more. */
export const ret: Meaning = (ops, insn) => {
  const { width } = insn;
  const target = loadTop(ops, insn, width);
  ops.jump(width === 64 ? target : ops.zeroExtend(width, 64, target));
  const released = insn.operands.length > 0 ? Number(insn.operands[0]!.immediate) : 0;
  dropBytes(ops, insn, (width >> 3) + released);
};

export const jcc: Meaning = (ops, insn) => ops.branchRelative(ops.readCondition(insn.condition), insn.delta);

/** JCXZ, JECXZ, JRCXZ: the count register has the address size. */
export const jrcxz: Meaning = (ops, insn) => {
  const width = insn.addressWidth;
  ops.branchRelative(isZero(ops, width, ops.readGpr(width, RCX)), insn.delta);
};

export const loop: Meaning = (ops, insn) => ops.branchRelative(countDown(ops, insn), insn.delta);
export const loope: Meaning = (ops, insn) => ops.branchRelative(ops.and(8, countDown(ops, insn), ops.readFlag(ZF)), insn.delta);
export const loopne: Meaning = (ops, insn) =>
  ops.branchRelative(ops.and(8, countDown(ops, insn), notTruth(ops, ops.readFlag(ZF))), insn.delta);

/** Counts rCX (of the address size) down; 1 while it is not 0. No flags. */
function countDown(ops: Ops<Value>, insn: Instruction): Value {
  const width = insn.addressWidth;
  const count = ops.sub(width, ops.readGpr(width, RCX), ops.constant(width, 1n));
  ops.writeGpr(width, RCX, count);
  return notTruth(ops, isZero(ops, width, count));
}

/** BOUND. Raises: #BR when the signed index lies outside the two bounds in memory. */
export const bound: Meaning = (ops, insn) => {
  const { width } = insn;
  const { addressWidth, segment } = insn.memory!;
  const bytes = width >> 3;
  const offset = effectiveOffset(ops, insn);
  const above = ops.add(addressWidth, offset, ops.constant(addressWidth, BigInt(bytes)));
  const index = readOperand(ops, insn, 0, width);
  const lower = ops.load(width, segment, linearAddress(ops, insn, segment, addressWidth, offset, bytes, false));
  const upper = ops.load(width, segment, linearAddress(ops, insn, segment, addressWidth, above, bytes, false));
  const outside = ops.or(8, ops.lessSigned(width, index, lower), ops.lessSigned(width, upper, index));
  ops.raiseIf(outside, VECTOR_BR, -1);
};
