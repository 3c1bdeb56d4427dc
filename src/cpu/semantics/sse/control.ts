/** MXCSR, and stores that choose their bytes. SDM: Vol. 1, "SSE MXCSR State Management Instructions"; Vol. 2, each instruction. */
import { MXCSR_DEFINED } from '../../../arch/mxcsr.ts';
import { RDI } from '../../../arch/registers.ts';
import { VECTOR_GP } from '../../../arch/vectors.ts';
import { linearAddress } from '../address.ts';
import { isZero, notTruth } from '../flags.ts';
import type { Meaning } from '../meaning.ts';
import { readOperand, writeOperand } from '../operands.ts';
import { xmmOf } from './operands.ts';
import { choose } from './shuffles.ts';

/** LDMXCSR. Raises: #GP(0) for reserved bits. */
export const loadMxcsr: Meaning = (ops, insn) => {
  const value = readOperand(ops, insn, 0, 32);
  const reserved = ops.and(32, value, ops.constant(32, BigInt(~MXCSR_DEFINED >>> 0)));
  ops.raiseIf(notTruth(ops, isZero(ops, 32, reserved)), VECTOR_GP, 0);
  ops.writeMxcsr(value);
};

export const storeMxcsr: Meaning = (ops, insn) => writeOperand(ops, insn, 0, 32, ops.readMxcsr());

/**
 * MASKMOVDQU: bytes of the first operand to DS:rDI, where the second's are negative.
 * Deviation: all 16 bytes are written, the others with what was there; faults come for any of them.
 */
export const storeMasked: Meaning = (ops, insn) => {
  const width = insn.addressWidth;
  const la = linearAddress(ops, insn, insn.segment, width, ops.readGpr(width, RDI), 16, true);
  const last = ops.add(64, la, ops.constant(64, 15n));
  ops.probeStore(8, insn.segment, la);
  ops.probeStore(8, insn.segment, last);
  const mask = ops.shiftLanes('rightSigned', 8, ops.readXmm(xmmOf(insn, 2)), ops.constant(64, 7n));
  const before = ops.loadVector(insn.segment, la);
  ops.storeVector(insn.segment, la, choose(ops, mask, before, ops.readXmm(xmmOf(insn, 1))));
};
