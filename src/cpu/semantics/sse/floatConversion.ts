/** Conversions between floating-point formats and integers. SDM: Vol. 1, "SSE2 Conversion Instructions" and their like. */

import { ROUND_TO_ZERO } from '../../../arch/mxcsr.ts';
import type { Width } from '../../decode/instruction.ts';
import { floatStep, type NumberFormat, ROUNDING_BY_MXCSR, widthOfFormat } from '../floatStep.ts';
import type { Meaning } from '../meaning.ts';
import { readOperand } from '../operands.ts';
import { mergeLow, readLow, readVector, xmmOf } from './operands.ts';

type Float = 'f32' | 'f64';
const integerOf = (width: Width): 'i32' | 'i64' => (width === 64 ? 'i64' : 'i32');

/** CVTSI2SD, CVTSI2SS: a 32- or 64-bit integer into the low lane. */
export const scalarFromInteger =
  (to: Float): Meaning =>
  (ops, insn) => {
    const width = insn.operands[1]!.width as 32 | 64;
    const step = floatStep('convert', 1, integerOf(width), to, ROUNDING_BY_MXCSR);
    ops.writeXmm(xmmOf(insn, 0), ops.floating(step, ops.readXmm(xmmOf(insn, 0)), readOperand(ops, insn, 1, width)));
  };

/** CVTSD2SI, CVTSS2SI, and with truncation CVTTSD2SI, CVTTSS2SI. */
export const scalarToInteger =
  (from: Float, truncate: boolean): Meaning =>
  (ops, insn) => {
    const { width } = insn;
    const step = floatStep('convert', 1, from, integerOf(width), truncate ? ROUND_TO_ZERO : ROUNDING_BY_MXCSR);
    const source = readLow(ops, insn, 1, widthOfFormat(from));
    ops.writeGpr(width, insn.operands[0]!.register, ops.floating(step, source, source));
  };

/** CVTSD2SS, CVTSS2SD: the low lane; the destination keeps the others. */
export const scalarBetweenFormats =
  (from: Float, to: Float): Meaning =>
  (ops, insn) => {
    const source = readLow(ops, insn, 1, widthOfFormat(from));
    const converted = ops.floating(floatStep('convert', 1, from, to, ROUNDING_BY_MXCSR), ops.vectorConstant(0n), source);
    ops.writeXmm(xmmOf(insn, 0), mergeLow(ops, widthOfFormat(to), ops.readXmm(xmmOf(insn, 0)), converted));
  };

/** Packed conversions: so many low lanes of the source; what is above the result is 0. @param truncate towards zero, whatever MXCSR says. */
export const packedConversion =
  (lanes: 2 | 4, from: NumberFormat, to: NumberFormat, truncate = false): Meaning =>
  (ops, insn) => {
    const width = lanes * widthOfFormat(from);
    const source = width === 128 ? readVector(ops, insn, 1) : readLow(ops, insn, 1, 64);
    const step = floatStep('convert', lanes, from, to, truncate ? ROUND_TO_ZERO : ROUNDING_BY_MXCSR);
    ops.writeXmm(xmmOf(insn, 0), ops.floating(step, ops.vectorConstant(0n), source));
  };
