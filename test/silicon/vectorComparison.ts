/** What differs between two outcomes of an SSE instruction, where the manual says what must be. */
import { RFLAGS_STATUS } from '../../src/arch/rflags.ts';
import { type Instruction, OPERAND_VECTOR } from '../../src/cpu/decode/instruction.ts';
import type { VectorCase, VectorOutcome } from './vectorSilicon.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const vector = (xmm: readonly bigint[], i: number): string =>
  [xmm[2 * i + 1]!, xmm[2 * i]!].map((half) => half.toString(16).padStart(16, '0')).join('_');

const APPROXIMATE = /^R(?:cp|sqrt)[ps]s$/i;
/** The manual's bound for approximations, once for each side. */
const APPROXIMATE_ERROR = 2 * 1.5 * 2 ** -12;

/** Approximations have no denormal results, but a zero of the same sign. */
const LEAST_NORMAL = 2 ** -126;

/** True iff singles differ by no more than approximations may. */
export function isNear(native: readonly bigint[], model: readonly bigint[]): boolean {
  const [a, b] = [native, model].map((halves) => new Float32Array(BigUint64Array.from(halves).buffer)) as [Float32Array, Float32Array];
  const [x, y] = [native, model].map((halves) => new Uint32Array(BigUint64Array.from(halves).buffer)) as [Uint32Array, Uint32Array];
  return a.every((value, i) => x[i] === y[i] || Math.abs(value / b[i]! - 1) <= APPROXIMATE_ERROR || isFlushed(value, b[i]!));
}

/** One is a zero, and the other the least normal number, as nearly as approximations know: what is normal to one side is not to the other. */
function isFlushed(a: number, b: number): boolean {
  const [least, most] = [Math.min(Math.abs(a), Math.abs(b)), Math.max(Math.abs(a), Math.abs(b))];
  return least === 0 && most <= LEAST_NORMAL * (1 + APPROXIMATE_ERROR) && 1 / a < 0 === 1 / b < 0;
}

/** Differences, in words; empty when the model did what the processor did. */
export function vectorDifferences(insn: Instruction, native: VectorOutcome, model: VectorOutcome): string[] {
  const found: string[] = [];
  if (native.fault !== model.fault) found.push(`fault ${native.fault || 'none'} | ${model.fault || 'none'}`);
  if (native.mxcsr !== model.mxcsr) found.push(`MXCSR ${native.mxcsr.toString(16)} | ${model.mxcsr.toString(16)}`);
  for (let i = 0; i < 16; i++) {
    if (native.xmm[2 * i] === model.xmm[2 * i] && native.xmm[2 * i + 1] === model.xmm[2 * i + 1]) continue;
    if (APPROXIMATE.test(insn.mnemonic) && isNear(native.xmm.slice(2 * i, 2 * i + 2), model.xmm.slice(2 * i, 2 * i + 2))) continue;
    found.push(`xmm${i} ${vector(native.xmm, i)} | ${vector(model.xmm, i)}`);
  }
  if (Buffer.compare(native.data, model.data) !== 0) found.push('memory differs');
  if (native.fault !== '' || model.fault !== '') return found;
  native.gpr.forEach((value, i) => {
    if (value !== model.gpr[i]) found.push(`r${i} ${value.toString(16)} | ${model.gpr[i]!.toString(16)}`);
  });
  const flags = (native.flags ^ model.flags) & RFLAGS_STATUS & ~insn.flagsUndefined;
  if (flags !== 0) found.push(`flags ${native.flags.toString(16)} | ${model.flags.toString(16)}`);
  return found;
}

/** The case in words. */
export function describeVectorCase(insn: Instruction, test: VectorCase): string {
  const registers = insn.operands
    .filter(({ kind }) => kind === OPERAND_VECTOR)
    .map(({ register }) => `xmm${register} ${vector(test.xmm, register)}`);
  return `${insn.form} ${hex(test.code)} MXCSR ${test.mxcsr.toString(16)} ${registers.join(' ')}`;
}
