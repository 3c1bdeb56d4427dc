/** Effective and linear addresses. SDM: Vol. 1, "Operand Addressing"; Vol. 3, "Logical and Linear Addresses". */
import { FS, RSP } from '../../arch/registers.ts';
import type { Instruction } from '../decode/instruction.ts';
import type { Ops, Value } from './ops.ts';

/** log2 of an index scale. */
const SCALE_SHIFT = [0n, 0n, 1n, 1n, 2n, 2n, 2n, 2n, 3n] as const;

/**
 * The effective address of the memory operand, `memory.addressWidth` bits wide.
 * @param rspBias added to RSP as a base: POP computes its destination with the incremented stack pointer.
 */
export function effectiveOffset(ops: Ops<Value>, insn: Instruction, rspBias = 0n): Value {
  const memory = insn.memory!;
  const width = memory.addressWidth;
  const displacement = memory.displacement;
  if (memory.ripRelative) {
    const next = width === 64 ? ops.readNextRip() : ops.truncate(64, width, ops.readNextRip());
    return ops.add(width, next, ops.constant(width, displacement));
  }
  const { base, index } = memory;
  if (base < 0 && index < 0) return ops.constant(width, displacement);
  let offset: Value;
  if (base >= 0) {
    offset = ops.readGpr(width, base);
    if (base === RSP && rspBias !== 0n) offset = ops.add(width, offset, ops.constant(width, rspBias));
    if (index >= 0) offset = ops.add(width, offset, scaledIndex(ops, width, index, memory.scale));
  } else {
    offset = scaledIndex(ops, width, index, memory.scale);
  }
  return displacement === 0n ? offset : ops.add(width, offset, ops.constant(width, displacement));
}

function scaledIndex(ops: Ops<Value>, width: 16 | 32 | 64, index: number, scale: number): Value {
  const value = ops.readGpr(width, index);
  return scale === 1 ? value : ops.shiftLeft(width, value, ops.constant(width, SCALE_SHIFT[scale]!));
}

/**
 * The linear address (64 bits) of `offset` in a segment; in 16- and 32-bit modes the access has been checked against the segment.
 * 64-bit mode adds the bases of FS and GS only; the others count as 0.
 * @param offset `addressWidth` bits wide.
 * @param bytes size of the access.
 */
export function linearAddress(
  ops: Ops<Value>,
  insn: Instruction,
  segment: number,
  addressWidth: 16 | 32 | 64,
  offset: Value,
  bytes: number,
  write: boolean,
): Value {
  if (insn.mode === 64) {
    const wide = addressWidth === 64 ? offset : ops.zeroExtend(addressWidth, 64, offset);
    return segment >= FS ? ops.add(64, ops.readSegmentBase(segment), wide) : wide;
  }
  const wide = addressWidth === 32 ? offset : ops.zeroExtend(addressWidth, 32, offset);
  ops.checkSegment(segment, wide, bytes, write);
  const base = ops.truncate(64, 32, ops.readSegmentBase(segment));
  return ops.zeroExtend(32, 64, ops.add(32, base, wide));
}

/** The linear address (64 bits) of the memory operand. */
export function operandAddress(ops: Ops<Value>, insn: Instruction, bytes: number, write: boolean): Value {
  const memory = insn.memory!;
  return linearAddress(ops, insn, memory.segment, memory.addressWidth, effectiveOffset(ops, insn), bytes, write);
}
