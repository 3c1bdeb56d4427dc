/** Moves and conversions between MMX registers and others. SDM: Vol. 1, "MMX Data Transfer Instructions"; Vol. 2, each instruction. */
import { ROUND_TO_ZERO } from '../../../arch/mxcsr.ts';
import { RDI } from '../../../arch/registers.ts';
import { OPERAND_VECTOR } from '../../decode/instruction.ts';
import { linearAddress } from '../address.ts';
import { floatStep, ROUNDING_BY_MXCSR } from '../floatStep.ts';
import type { Meaning } from '../meaning.ts';
import { writeOperand } from '../operands.ts';
import { immediateOf, mergeLow, readLow, readVector } from '../sse/operands.ts';
import { choose } from '../sse/shuffles.ts';
import { isMemory, lowHalf, readInteger, readMmx, writeMmx } from './operands.ts';

/** MOVD, MOVQ and MOVNTQ. */
export const move =
  (width: 32 | 64): Meaning =>
  (ops, insn) => {
    const to = insn.operands[0]!;
    const value = readInteger(ops, insn, 1, width);
    if (to.kind !== OPERAND_VECTOR) writeOperand(ops, insn, 0, width, value);
    else ops.writeMmx(to.register, width === 64 ? value : ops.zeroExtend(32, 64, value));
  };

/** MOVDQ2Q: the low half of an XMM register. */
export const fromXmm: Meaning = (ops, insn) =>
  ops.writeMmx(insn.operands[0]!.register, ops.lane(64, ops.readXmm(insn.operands[1]!.register), 0));

/** MOVQ2DQ: below zeros. */
export const toXmm: Meaning = (ops, insn) =>
  ops.writeXmm(insn.operands[0]!.register, lowHalf(ops, ops.readMmx(insn.operands[1]!.register)));

/** PINSRW. */
export const insertWord: Meaning = (ops, insn) => {
  const operand = insn.operands[1]!;
  const word = isMemory(insn, 1) ? ops.lane(16, readLow(ops, insn, 1, 16), 0) : ops.readGpr(16, operand.register);
  writeMmx(ops, insn, 0, ops.withLane(16, readMmx(ops, insn, 0), immediateOf(insn) & 3, word));
};

/** PEXTRW. */
export const extractWord: Meaning = (ops, insn) =>
  writeOperand(ops, insn, 0, 32, ops.zeroExtend(16, 32, ops.lane(16, readMmx(ops, insn, 1), immediateOf(insn) & 3)));

/** MASKMOVQ: bytes of the first operand to DS:rDI, where the second's are negative. Deviation: as MASKMOVDQU, it writes all bytes. */
export const storeMasked: Meaning = (ops, insn) => {
  const la = linearAddress(ops, insn, insn.segment, insn.addressWidth, ops.readGpr(insn.addressWidth, RDI), 8, true);
  const before = lowHalf(ops, ops.loadForUpdate(64, insn.segment, la));
  const mask = ops.shiftLanes('rightSigned', 8, readMmx(ops, insn, 2), ops.constant(64, 7n));
  ops.storeUpdate(64, ops.lane(64, choose(ops, mask, before, readMmx(ops, insn, 1)), 0));
};

/** CVTPI2PS, CVTPI2PD: two integers; what else the destination holds stays (singles). */
export const fromIntegers =
  (to: 'f32' | 'f64'): Meaning =>
  (ops, insn) => {
    const source = readMmx(ops, insn, 1);
    const { register } = insn.operands[0]!;
    const converted = ops.floating(floatStep('convert', 2, 'i32', to, ROUNDING_BY_MXCSR), ops.vectorConstant(0n), source);
    ops.writeXmm(register, to === 'f64' ? converted : mergeLow(ops, 64, ops.readXmm(register), converted));
  };

/** CVTPS2PI, CVTPD2PI and their truncating kin. */
export const toIntegers =
  (from: 'f32' | 'f64', truncate: boolean): Meaning =>
  (ops, insn) => {
    const source = from === 'f64' ? readVector(ops, insn, 1) : readLow(ops, insn, 1, 64);
    const step = floatStep('convert', 2, from, 'i32', truncate ? ROUND_TO_ZERO : ROUNDING_BY_MXCSR);
    writeMmx(ops, insn, 0, ops.floating(step, ops.vectorConstant(0n), source));
  };
