/** Floating-point arithmetic and comparison. SDM: Vol. 1, "SSE2 Packed and Scalar Double Precision Floating-Point Instructions" and their like. */
import { FLAGS_GIVEN } from '../flags.ts';
import { type FloatOperation, floatStep } from '../floatStep.ts';
import type { Meaning } from '../meaning.ts';
import { readLow, readVector, xmmOf } from './operands.ts';

/** An operation on the low lanes; the destination keeps the others. */
export const scalar =
  (operation: FloatOperation, format: 'f32' | 'f64'): Meaning =>
  (ops, insn) => {
    const source = readLow(ops, insn, 1, format === 'f32' ? 32 : 64);
    ops.writeXmm(xmmOf(insn, 0), ops.floating(floatStep(operation, 1, format), ops.readXmm(xmmOf(insn, 0)), source));
  };

/** An operation on all lanes. */
export const packed =
  (operation: FloatOperation, format: 'f32' | 'f64'): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    ops.writeXmm(xmmOf(insn, 0), ops.floating(floatStep(operation, format === 'f32' ? 4 : 2, format), ops.readXmm(xmmOf(insn, 0)), source));
  };

/** COMISD, COMISS (`signalling`: a quiet NaN is invalid) and UCOMISD, UCOMISS: ZF, PF and CF from the comparison, the others clear. */
export const order =
  (format: 'f32' | 'f64', signalling: boolean): Meaning =>
  (ops, insn) => {
    const source = readLow(ops, insn, 1, format === 'f32' ? 32 : 64);
    const step = floatStep('order', 1, format, format, signalling ? 1 : 0);
    const none = ops.constant(64, 0n);
    ops.setFlags(FLAGS_GIVEN, 64, none, none, ops.floating(step, ops.readXmm(xmmOf(insn, 0)), source));
  };
