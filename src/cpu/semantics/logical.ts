/** Logical instructions. SDM: Vol. 1, "Logical Instructions"; Vol. 2, each instruction. */
import { FLAGS_BIT_FIELD, FLAGS_LOGIC } from './flags.ts';
import type { Meaning } from './meaning.ts';
import { readForUpdate, readOperand, writeOperand, writeUpdated } from './operands.ts';

export const and: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const r = ops.and(width, a, b);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_LOGIC, width, a, b, r);
};

export const or: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const r = ops.or(width, a, b);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_LOGIC, width, a, b, r);
};

export const xor: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readForUpdate(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  const r = ops.xor(width, a, b);
  writeUpdated(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_LOGIC, width, a, b, r);
};

export const test: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = readOperand(ops, insn, 0, width);
  const b = readOperand(ops, insn, 1, width);
  ops.setFlags(FLAGS_LOGIC, width, a, b, ops.and(width, a, b));
};

export const not: Meaning = (ops, insn) => {
  const { width } = insn;
  writeUpdated(ops, insn, 0, width, ops.not(width, readForUpdate(ops, insn, 0, width)));
};

/** ANDN: not the first source, and the second. */
export const andn: Meaning = (ops, insn) => {
  const { width } = insn;
  const a = ops.not(width, readOperand(ops, insn, 1, width));
  const b = readOperand(ops, insn, 2, width);
  const r = ops.and(width, a, b);
  writeOperand(ops, insn, 0, width, r);
  ops.setFlags(FLAGS_BIT_FIELD, width, ops.constant(width, 0n), b, r);
};
