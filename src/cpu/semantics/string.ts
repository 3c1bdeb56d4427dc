/**
 * String instructions: one element per execution. Under a repeat prefix the instruction branches to itself until the count is used up,
 * so it can be interrupted and restarted between elements, as the SDM demands.
 * Deviation: every element counts (and costs) as one instruction.
 * SDM: Vol. 1, "String Instructions"; Vol. 2, "REP/REPE/REPZ/REPNE/REPNZ—Repeat String Operation Prefix".
 */
import { ES, RAX, RCX, RDI, RSI } from '../../arch/registers.ts';
import { type Instruction, REPEAT_E, REPEAT_NONE } from '../decode/instruction.ts';
import { linearAddress } from './address.ts';
import { DF, FLAGS_SUB, isZero, notTruth } from './flags.ts';
import type { Meaning } from './meaning.ts';
import type { Ops, Value } from './ops.ts';

/** MOVS: ES:[rDI] = source segment:[rSI]. */
export const movs: Meaning = (ops, insn) => {
  endWhenCountIsZero(ops, insn);
  storeDestination(ops, insn, loadSource(ops, insn));
  advance(ops, insn, RSI);
  advance(ops, insn, RDI);
  repeat(ops, insn);
};

/** STOS: ES:[rDI] = accumulator. */
export const stos: Meaning = (ops, insn) => {
  endWhenCountIsZero(ops, insn);
  storeDestination(ops, insn, ops.readGpr(insn.width, RAX));
  advance(ops, insn, RDI);
  repeat(ops, insn);
};

/** LODS: accumulator = source segment:[rSI]. */
export const lods: Meaning = (ops, insn) => {
  endWhenCountIsZero(ops, insn);
  ops.writeGpr(insn.width, RAX, loadSource(ops, insn));
  advance(ops, insn, RSI);
  repeat(ops, insn);
};

/** CMPS: flags of source segment:[rSI] - ES:[rDI]. */
export const cmps: Meaning = (ops, insn) => {
  const { width } = insn;
  endWhenCountIsZero(ops, insn);
  const b = loadDestination(ops, insn);
  const a = loadSource(ops, insn);
  ops.setFlags(FLAGS_SUB, width, a, b, ops.sub(width, a, b));
  advance(ops, insn, RSI);
  advance(ops, insn, RDI);
  repeatWhile(ops, insn, ops.equal(width, a, b));
};

/** SCAS: flags of accumulator - ES:[rDI]. */
export const scas: Meaning = (ops, insn) => {
  const { width } = insn;
  endWhenCountIsZero(ops, insn);
  const a = ops.readGpr(width, RAX);
  const b = loadDestination(ops, insn);
  ops.setFlags(FLAGS_SUB, width, a, b, ops.sub(width, a, b));
  advance(ops, insn, RDI);
  repeatWhile(ops, insn, ops.equal(width, a, b));
};

function loadSource(ops: Ops<Value>, insn: Instruction): Value {
  const { addressWidth, segment, width } = insn;
  return ops.load(width, segment, linearAddress(ops, insn, segment, addressWidth, ops.readGpr(addressWidth, RSI), width >> 3, false));
}

function loadDestination(ops: Ops<Value>, insn: Instruction): Value {
  const { addressWidth, width } = insn;
  return ops.load(width, ES, linearAddress(ops, insn, ES, addressWidth, ops.readGpr(addressWidth, RDI), width >> 3, false));
}

function storeDestination(ops: Ops<Value>, insn: Instruction, value: Value): void {
  const { addressWidth, width } = insn;
  ops.store(width, ES, linearAddress(ops, insn, ES, addressWidth, ops.readGpr(addressWidth, RDI), width >> 3, true), value);
}

/** Moves an index register by one element, down when DF is set. */
function advance(ops: Ops<Value>, insn: Instruction, register: number): void {
  const width = insn.addressWidth;
  const bytes = BigInt(insn.width >> 3);
  const step = ops.select(width, ops.readFlag(DF), ops.constant(width, (1n << BigInt(width)) - bytes), ops.constant(width, bytes));
  ops.writeGpr(width, register, ops.add(width, ops.readGpr(width, register), step));
}

function endWhenCountIsZero(ops: Ops<Value>, insn: Instruction): void {
  if (insn.repeat !== REPEAT_NONE) ops.endIf(isZero(ops, insn.addressWidth, ops.readGpr(insn.addressWidth, RCX)));
}

/** Counts one element; under a repeat prefix the instruction runs again while elements are left. */
function repeat(ops: Ops<Value>, insn: Instruction): void {
  if (insn.repeat !== REPEAT_NONE) ops.branchRelative(countElement(ops, insn), -insn.length);
}

/** As `repeat`, for CMPS and SCAS: REPE goes on while the elements are equal, REPNE while they differ. */
function repeatWhile(ops: Ops<Value>, insn: Instruction, same: Value): void {
  if (insn.repeat === REPEAT_NONE) return;
  const wanted = insn.repeat === REPEAT_E ? same : notTruth(ops, same);
  ops.branchRelative(ops.and(8, countElement(ops, insn), wanted), -insn.length);
}

function countElement(ops: Ops<Value>, insn: Instruction): Value {
  const width = insn.addressWidth;
  const count = ops.sub(width, ops.readGpr(width, RCX), ops.constant(width, 1n));
  ops.writeGpr(width, RCX, count);
  return notTruth(ops, isZero(ops, width, count));
}
