/** Binary arithmetic. SDM: Vol. 1, "Binary Arithmetic Instructions"; Vol. 2, each instruction. */
import { AH, RAX, RDX } from '../../arch/registers.ts';
import { VECTOR_DE } from '../../arch/vectors.ts';
import type { Instruction, Width } from '../decode/instruction.ts';
import { CF, FLAGS_ADC, FLAGS_ADD, FLAGS_DEC, FLAGS_IMUL, FLAGS_INC, FLAGS_MUL, FLAGS_SBB, FLAGS_SUB, notTruth, OF } from './flags.ts';
import type { Meaning } from './meaning.ts';
import { readForUpdate, readOperand, writeOperand, writeUpdated } from './operands.ts';
import type { Ops, Value } from './ops.ts';

export const add: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const r = ops.add(width, a, b);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_ADD, width, a, b, r);
};

export const adc: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const r = ops.add(width, ops.add(width, a, b), widen(ops, width, ops.readFlag(CF)));
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_ADC, width, a, b, r);
};

export const sub: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const r = ops.sub(width, a, b);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_SUB, width, a, b, r);
};

export const sbb: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const r = ops.sub(width, ops.sub(width, a, b), widen(ops, width, ops.readFlag(CF)));
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_SBB, width, a, b, r);
};

export const cmp: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readOperand(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  ops.setFlags(FLAGS_SUB, width, a, b, ops.sub(width, a, b));
};

export const inc: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const one = ops.constant(width, 1n);
  const r = ops.add(width, a, one);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_INC, width, a, one, r);
};

export const dec: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const one = ops.constant(width, 1n);
  const r = ops.sub(width, a, one);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_DEC, width, a, one, r);
};

export const neg: Meaning = (ops, insn) => {
  const { width } = insn;
  const b = readForUpdate(ops, insn, 0, width);
  const r = ops.negate(width, b);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_SUB, width, ops.constant(width, 0n), b, r);
};

/** ADCX: ADC on CF alone. */
export const adcx: Meaning = (ops, insn) => addThroughFlag(ops, insn, CF);
/** ADOX: ADC on OF alone. */
export const adox: Meaning = (ops, insn) => addThroughFlag(ops, insn, OF);

function addThroughFlag(ops: Ops<Value>, insn: Instruction, flag: number): void {
  const { width } = insn;
  const a = readOperand(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const sum = ops.add(width, a, b);
  const carryIn = widen(ops, width, ops.readFlag(flag));
  const r = ops.add(width, sum, carryIn);
  writeOperand(ops, insn, 0, width, r);
  ops.writeFlag(flag, ops.or(8, ops.lessUnsigned(width, sum, a), ops.lessUnsigned(width, r, sum)));
}

/** XADD: the source takes the old destination; with one register on both sides the sum wins. */
export const xadd: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const r = ops.add(width, a, b);
  writeOperand(ops, insn, 1, width, a);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_ADD, width, a, b, r);
};

/** MUL: rDX:rAX (AX for bytes) = rAX × source. */
export const mul: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = ops.readGpr(width, RAX);
  const b = readOperand(ops, insn, 0, width);
  const r = ops.mul(width, a, b);
  writeProduct(ops, width, r, ops.mulHighUnsigned(width, a, b));
  ops.setFlags(FLAGS_MUL, width, a, b, r);
};

/** IMUL with one, two or three operands; only the first form keeps the upper half. */
export const imul: Meaning = (ops, insn) => {
  const { width, operands } = insn;
  const a = operands.length === 1 ? ops.readGpr(width, RAX) : readOperand(ops, insn, operands.length - 2, width);
  const b = readOperand(ops, insn, operands.length - 1, width);
  const r = ops.mul(width, a, b);
  if (operands.length === 1) writeProduct(ops, width, r, ops.mulHighSigned(width, a, b));
  else writeOperand(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_IMUL, width, a, b, r);
};

/** MULX: both halves of RDX × source, no flags; the high half wins when both destinations are one register. */
export const mulx: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = ops.readGpr(width, RDX);
  const b = readOperand(ops, insn, 2, width);
  writeOperand(ops, insn, 1, width, ops.mul(width, a, b));
  writeOperand(ops, insn, 0, width, ops.mulHighUnsigned(width, a, b));
};

/** DIV. Raises: #DE when the divisor is 0 or the quotient does not fit. */
export const div: Meaning = (ops, insn) => {
  const { width } = insn;
  const divisor = readOperand(ops, insn, 0, width);
  const low = ops.readGpr(width, RAX);
  const high = readHighHalf(ops, width);
  // The quotient fits when high < divisor, which no divisor 0 satisfies.
  ops.raiseIf(notTruth(ops, ops.lessUnsigned(width, high, divisor)), VECTOR_DE, -1);
  const remainder = ops.remainderUnsigned(width, high, low, divisor);
  writeProduct(ops, width, ops.divideUnsigned(width, high, low, divisor), remainder);
};

/** IDIV. Raises: #DE when the divisor is 0 or the quotient does not fit. */
export const idiv: Meaning = (ops, insn) => {
  const { width } = insn;
  const divisor = readOperand(ops, insn, 0, width);
  const low = ops.readGpr(width, RAX);
  const high = readHighHalf(ops, width);
  ops.raiseIf(ops.signedDivideOverflows(width, high, low, divisor), VECTOR_DE, -1);
  const remainder = ops.remainderSigned(width, high, low, divisor);
  writeProduct(ops, width, ops.divideSigned(width, high, low, divisor), remainder);
};

/** rDX, or AH for bytes: the upper half of the double-width accumulator. */
const readHighHalf = (ops: Ops<Value>, width: Width): Value => ops.readGpr(width, width === 8 ? AH : RDX);

function writeProduct(ops: Ops<Value>, width: Width, low: Value, high: Value): void {
  ops.writeGpr(width, RAX, low);
  ops.writeGpr(width, width === 8 ? AH : RDX, high);
}

/** A truth value at another width. */
const widen = (ops: Ops<Value>, width: Width, truth: Value): Value => (width === 8 ? truth : ops.zeroExtend(8, width, truth));
