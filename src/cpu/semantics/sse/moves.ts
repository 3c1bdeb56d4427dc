/** Moves to and from XMM registers. SDM: Vol. 1, "SSE2 Data Movement Instructions" and their like; Vol. 2, each instruction. */
import { OPERAND_VECTOR } from '../../decode/instruction.ts';
import type { Meaning } from '../meaning.ts';
import { writeOperand } from '../operands.ts';
import { lanesFrom } from './bytes.ts';
import { isMemory, lowLane, mergeLow, readInteger, readLow, readVector, storeInteger, writeVector, xmmOf } from './operands.ts';

/** Halves of two vectors, in the order low to high. */
const LOW_LOW = lanesFrom(64, [0, 2]);
const HIGH_HIGH = lanesFrom(64, [3, 1]);

/** MOVAPS, MOVAPD, MOVDQA and the non-temporal moves: 16 bytes, aligned in memory. */
export const moveAligned: Meaning = (ops, insn) => writeVector(ops, insn, 0, readVector(ops, insn, 1));

/** MOVUPS, MOVUPD, MOVDQU, LDDQU. */
export const moveUnaligned: Meaning = (ops, insn) => writeVector(ops, insn, 0, readVector(ops, insn, 1, false), false);

/** MOVSS and MOVSD: between registers the upper part stays; a load clears it. */
export const moveScalar =
  (width: 32 | 64): Meaning =>
  (ops, insn) => {
    if (isMemory(insn, 0)) storeInteger(ops, insn, width, readInteger(ops, insn, 1, width));
    else if (isMemory(insn, 1)) ops.writeXmm(xmmOf(insn, 0), readLow(ops, insn, 1, width));
    else ops.writeXmm(xmmOf(insn, 0), mergeLow(ops, width, ops.readXmm(xmmOf(insn, 0)), ops.readXmm(xmmOf(insn, 1))));
  };

/** MOVD and MOVQ: between XMM and general-purpose registers, XMM registers, and memory; what is above in an XMM register becomes 0. */
export const moveInteger =
  (width: 32 | 64): Meaning =>
  (ops, insn) => {
    const [to, from] = insn.operands;
    if (to!.kind !== OPERAND_VECTOR) writeOperand(ops, insn, 0, width, readInteger(ops, insn, 1, width));
    else if (from!.kind === OPERAND_VECTOR)
      ops.writeXmm(to!.register, ops.shuffle(ops.readXmm(from!.register), ops.vectorConstant(0n), LOW_LOW));
    else ops.writeXmm(to!.register, lowLane(ops, width, readInteger(ops, insn, 1, width)));
  };

/** MOVLPS, MOVLPD (half 0) and MOVHPS, MOVHPD (half 1): 8 bytes of memory and a half of a register. */
export const moveHalf =
  (half: 0 | 1): Meaning =>
  (ops, insn) => {
    if (isMemory(insn, 0)) storeInteger(ops, insn, 64, ops.lane(64, ops.readXmm(xmmOf(insn, 1)), half));
    else ops.writeXmm(xmmOf(insn, 0), ops.withLane(64, ops.readXmm(xmmOf(insn, 0)), half, readInteger(ops, insn, 1, 64)));
  };

/** MOVHLPS: the high half of the source becomes the low half. */
export const moveHighToLow: Meaning = (ops, insn) =>
  ops.writeXmm(xmmOf(insn, 0), ops.shuffle(ops.readXmm(xmmOf(insn, 0)), ops.readXmm(xmmOf(insn, 1)), HIGH_HIGH));

/** MOVLHPS: the low half of the source becomes the high half. */
export const moveLowToHigh: Meaning = (ops, insn) =>
  ops.writeXmm(xmmOf(insn, 0), ops.shuffle(ops.readXmm(xmmOf(insn, 0)), ops.readXmm(xmmOf(insn, 1)), LOW_LOW));
