/** Decimal arithmetic (not in 64-bit mode). SDM: Vol. 1, "Decimal Arithmetic Instructions"; Vol. 2, each instruction. */
import { AH, RAX } from '../../arch/registers.ts';
import { VECTOR_DE } from '../../arch/vectors.ts';
import { AF, CF, FLAGS_RESULT } from './flags.ts';
import type { Meaning } from './meaning.ts';
import type { Ops, Value } from './ops.ts';

const above = (ops: Ops<Value>, a: Value, limit: bigint): Value => ops.lessUnsigned(8, ops.constant(8, limit), a);

/** 1 when the low digit of AL needs adjusting. */
const adjustsLow = (ops: Ops<Value>, al: Value): Value =>
  ops.or(8, above(ops, ops.and(8, al, ops.constant(8, 0xfn)), 9n), ops.readFlag(AF));

const whenTrue = (ops: Ops<Value>, condition: Value, value: bigint): Value =>
  ops.select(8, condition, ops.constant(8, value), ops.constant(8, 0n));

export const daa: Meaning = (ops) => {
  const al = ops.readGpr(8, RAX);
  const low = adjustsLow(ops, al);
  const high = ops.or(8, above(ops, al, 0x99n), ops.readFlag(CF));
  const r = ops.add(8, ops.add(8, al, whenTrue(ops, low, 6n)), whenTrue(ops, high, 0x60n));
  ops.writeGpr(8, RAX, r);
  ops.setFlags(FLAGS_RESULT, 8, al, al, r);
  ops.writeFlag(AF, low);
  ops.writeFlag(CF, high);
};

export const das: Meaning = (ops) => {
  const al = ops.readGpr(8, RAX);
  const low = adjustsLow(ops, al);
  const high = ops.or(8, above(ops, al, 0x99n), ops.readFlag(CF));
  const r = ops.sub(8, ops.sub(8, al, whenTrue(ops, low, 6n)), whenTrue(ops, high, 0x60n));
  ops.writeGpr(8, RAX, r);
  ops.setFlags(FLAGS_RESULT, 8, al, al, r);
  ops.writeFlag(AF, low);
  // The borrow of the low adjustment counts too.
  ops.writeFlag(CF, ops.or(8, high, ops.and(8, low, ops.lessUnsigned(8, al, ops.constant(8, 6n)))));
};

export const aaa: Meaning = (ops) => {
  const low = adjustsLow(ops, ops.readGpr(8, RAX));
  const ax = ops.readGpr(16, RAX);
  const adjusted = ops.select(16, low, ops.add(16, ax, ops.constant(16, 0x106n)), ax);
  ops.writeGpr(16, RAX, ops.and(16, adjusted, ops.constant(16, 0xff0fn)));
  ops.writeFlag(AF, low);
  ops.writeFlag(CF, low);
};

export const aas: Meaning = (ops) => {
  const low = adjustsLow(ops, ops.readGpr(8, RAX));
  const ax = ops.readGpr(16, RAX);
  const adjusted = ops.select(16, low, ops.sub(16, ax, ops.constant(16, 0x106n)), ax);
  ops.writeGpr(16, RAX, ops.and(16, adjusted, ops.constant(16, 0xff0fn)));
  ops.writeFlag(AF, low);
  ops.writeFlag(CF, low);
};

/** AAM. Raises: #DE when the base is 0. */
export const aam: Meaning = (ops, insn) => {
  const { immediate } = insn.operands[0]!;
  if (immediate === 0n) {
    ops.raise(VECTOR_DE, -1);
    return;
  }
  const al = ops.readGpr(8, RAX);
  const zero = ops.constant(8, 0n);
  const base = ops.constant(8, immediate);
  const r = ops.remainderUnsigned(8, zero, al, base);
  ops.writeGpr(8, RAX, r);
  ops.writeGpr(8, AH, ops.divideUnsigned(8, zero, al, base));
  ops.setFlags(FLAGS_RESULT, 8, al, al, r);
};

export const aad: Meaning = (ops, insn) => {
  const base = ops.constant(8, insn.operands[0]!.immediate);
  const al = ops.readGpr(8, RAX);
  const r = ops.add(8, al, ops.mul(8, ops.readGpr(8, AH), base));
  ops.writeGpr(16, RAX, ops.zeroExtend(8, 16, r));
  ops.setFlags(FLAGS_RESULT, 8, al, al, r);
};
