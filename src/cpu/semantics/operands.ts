/** Operands by number: where a meaning's values come from and go to. */
import { type Instruction, OPERAND_IMMEDIATE, OPERAND_MEMORY, OPERAND_SEGMENT, type Width } from '../decode/instruction.ts';
import { operandAddress } from './address.ts';
import type { Ops, Value } from './ops.ts';

/** The value of operand `i`, `width` bits wide: register, memory or immediate. */
export function readOperand(ops: Ops<Value>, insn: Instruction, i: number, width: Width): Value {
  const operand = insn.operands[i]!;
  switch (operand.kind) {
    case OPERAND_MEMORY:
      return ops.load(width, insn.memory!.segment, operandAddress(ops, insn, width >> 3, false));
    case OPERAND_IMMEDIATE:
      return ops.constant(width, operand.immediate);
    case OPERAND_SEGMENT: {
      const selector = ops.readSegmentSelector(operand.register);
      return width === 16 ? selector : ops.zeroExtend(16, width, selector);
    }
    default:
      return ops.readGpr(width, operand.register);
  }
}

/** Stores `value` to operand `i`, a register or memory that the instruction has not read. */
export function writeOperand(ops: Ops<Value>, insn: Instruction, i: number, width: Width, value: Value): void {
  const operand = insn.operands[i]!;
  if (operand.kind === OPERAND_MEMORY) {
    ops.store(width, insn.memory!.segment, operandAddress(ops, insn, width >> 3, true), value);
  } else {
    ops.writeGpr(width, operand.register, value);
  }
}

/** The value of operand `i`, which `writeUpdated` will replace: memory is checked for writing before it is read. */
export function readForUpdate(ops: Ops<Value>, insn: Instruction, i: number, width: Width): Value {
  const operand = insn.operands[i]!;
  if (operand.kind === OPERAND_MEMORY) {
    return ops.loadForUpdate(width, insn.memory!.segment, operandAddress(ops, insn, width >> 3, true));
  }
  return ops.readGpr(width, operand.register);
}

/** Replaces operand `i`, which `readForUpdate` has read. */
export function writeUpdated(ops: Ops<Value>, insn: Instruction, i: number, width: Width, value: Value): void {
  const operand = insn.operands[i]!;
  if (operand.kind === OPERAND_MEMORY) ops.storeUpdate(width, value);
  else ops.writeGpr(width, operand.register, value);
}
