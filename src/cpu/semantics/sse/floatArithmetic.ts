/** Floating-point arithmetic and comparison. SDM: Vol. 1, "SSE2 Packed and Scalar Double Precision Floating-Point Instructions" and their like. */
import { FLAGS_GIVEN } from '../flags.ts';
import { type FloatOperation, floatStep } from '../floatStep.ts';
import type { Meaning } from '../meaning.ts';
import type { Value } from '../ops.ts';
import { bytesFrom, lanesFrom } from './bytes.ts';
import { immediateOf, readLow, readVector, xmmOf } from './operands.ts';

const lanesOf = (format: 'f32' | 'f64'): 2 | 4 => (format === 'f32' ? 4 : 2);

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
    ops.writeXmm(xmmOf(insn, 0), ops.floating(floatStep(operation, lanesOf(format), format), ops.readXmm(xmmOf(insn, 0)), source));
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

/** CMPPS, CMPPD, CMPSS, CMPSD: all ones in the lanes where the predicate holds. */
export const comparison =
  (format: 'f32' | 'f64', scalarOnly: boolean): Meaning =>
  (ops, insn) => {
    const width = format === 'f32' ? 32 : 64;
    const source = scalarOnly ? readLow(ops, insn, 1, width) : readVector(ops, insn, 1);
    const step = floatStep('compare', scalarOnly ? 1 : lanesOf(format), format, format, immediateOf(insn) & 7);
    ops.writeXmm(xmmOf(insn, 0), ops.floating(step, ops.readXmm(xmmOf(insn, 0)), source));
  };

/** ROUNDPS, ROUNDPD, ROUNDSS, ROUNDSD. */
export const rounding =
  (format: 'f32' | 'f64', scalarOnly: boolean): Meaning =>
  (ops, insn) => {
    const source = scalarOnly ? readLow(ops, insn, 1, format === 'f32' ? 32 : 64) : readVector(ops, insn, 1);
    const step = floatStep('round', scalarOnly ? 1 : lanesOf(format), format, format, immediateOf(insn) & 15);
    ops.writeXmm(xmmOf(insn, 0), ops.floating(step, ops.readXmm(xmmOf(insn, 0)), source));
  };

/** HADD and HSUB: neighbouring lanes of both operands, those of the destination low. */
export const horizontal =
  (operation: 'add' | 'subtract', format: 'f32' | 'f64'): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    const destination = ops.readXmm(xmmOf(insn, 0));
    const [width, count] = format === 'f32' ? [32, 4] : [64, 2];
    const every = (first: number): Value =>
      ops.shuffle(
        destination,
        source,
        lanesFrom(
          width,
          bytesFrom(0, count).map((i) => 2 * i + first),
        ),
      );
    ops.writeXmm(xmmOf(insn, 0), ops.floating(floatStep(operation, lanesOf(format), format), every(0), every(1)));
  };

/**
 * DPPS and DPPD: products of the lanes that the immediate's upper half chooses, added in pairs; the sum goes to the lanes of its lower half, the others
 * become 0.
 */
export const dotProduct =
  (format: 'f32' | 'f64'): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    const immediate = immediateOf(insn);
    const [width, count] = format === 'f32' ? [32, 4] : [64, 2];
    const keep = (bits: number, vector: Value): Value =>
      ops.shuffle(
        vector,
        ops.vectorConstant(0n),
        lanesFrom(
          width,
          bytesFrom(0, count).map((lane) => ((bits >> lane) & 1 ? lane : lane + count)),
        ),
      );
    // Lanes that are not chosen are multiplied as zeros: they signal nothing.
    const [a, b] = [keep(immediate >> 4, ops.readXmm(xmmOf(insn, 0))), keep(immediate >> 4, source)];
    let sum = ops.floating(floatStep('multiply', lanesOf(format), format), a, b);
    for (let distance = 1; distance < count; distance *= 2) {
      const partners = bytesFrom(0, count).map((lane) => lane ^ distance);
      const even = bytesFrom(0, count).map((lane) => lane & ~distance);
      const odd = partners.map((lane) => lane | distance);
      const [x, y] = [even, odd].map((order) => ops.shuffle(sum, sum, lanesFrom(width, order))) as [Value, Value];
      sum = ops.floating(floatStep('add', lanesOf(format), format), x, y);
    }
    ops.writeXmm(xmmOf(insn, 0), keep(immediate, sum));
  };
