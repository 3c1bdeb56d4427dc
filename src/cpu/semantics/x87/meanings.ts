/** How steps of the x87 unit become instructions: what is loaded before, what is stored after. */
import type { Instruction, Width } from '../../decode/instruction.ts';
import { effectiveOffset, operandAddress } from '../address.ts';
import { FLAGS_GIVEN, notTruth } from '../flags.ts';
import type { Meaning } from '../meaning.ts';
import { writeOperand } from '../operands.ts';
import type { Ops, Value } from '../ops.ts';
import type { X87Step } from '../x87Ops.ts';

const NO_OPERAND = 0n;

/** The offset of the memory operand, zero-extended. */
function dataOffset(ops: Ops<Value>, insn: Instruction): Value {
  const offset = effectiveOffset(ops, insn);
  const width = insn.memory!.addressWidth;
  return width === 64 ? offset : ops.zeroExtend(width, 64, offset);
}

/** The instruction takes part in what handlers are told of. */
function note(ops: Ops<Value>, insn: Instruction): void {
  ops.noteX87(insn, insn.memory === undefined ? undefined : dataOffset(ops, insn));
}

/** The memory operand as a vector: 2, 4, 8 or 10 bytes. */
function loadBytes(ops: Ops<Value>, insn: Instruction): Value {
  const { width } = insn.operands[0]!;
  const { segment } = insn.memory!;
  const la = operandAddress(ops, insn, width >> 3, false);
  const none = ops.vectorConstant(0n);
  if (width !== 80) return ops.withLane(width as Width, none, 0, ops.load(width as Width, segment, la));
  const low = ops.load(64, segment, la);
  const high = ops.load(16, segment, ops.add(64, la, ops.constant(64, 8n)));
  return ops.withLane(16, ops.withLane(64, none, 0, low), 4, high);
}

/** On registers alone. */
export const onStack =
  (step: X87Step): Meaning =>
  (ops, insn) => {
    ops.requireX87(true);
    note(ops, insn);
    ops.x87(step, insn, ops.vectorConstant(NO_OPERAND));
  };

/** Its memory operand, if it has one, is loaded. */
export const loading =
  (step: X87Step): Meaning =>
  (ops, insn) => {
    ops.requireX87(true);
    const operand = insn.memory === undefined ? ops.vectorConstant(NO_OPERAND) : loadBytes(ops, insn);
    note(ops, insn);
    ops.x87(step, insn, operand);
  };

/** Its result is stored, unless an unmasked exception keeps it out of memory. */
export const storing =
  (step: X87Step): Meaning =>
  (ops, insn) => {
    ops.requireX87(true);
    const { width } = insn.operands[0]!;
    const { segment } = insn.memory!;
    const la = operandAddress(ops, insn, width >> 3, true);
    const top = ops.add(64, la, ops.constant(64, 8n));
    // The unit changes for good when it is asked: nothing may fault afterwards.
    ops.probeStore(width === 80 ? 64 : (width as Width), segment, la);
    if (width === 80) ops.probeStore(16, segment, top);
    note(ops, insn);
    const result = ops.x87(step, insn, ops.vectorConstant(NO_OPERAND));
    endUnlessGiven(ops, result);
    ops.store(width === 80 ? 64 : (width as Width), segment, la, ops.lane(width === 80 ? 64 : (width as Width), result, 0));
    if (width === 80) ops.store(16, segment, top, ops.lane(16, result, 4));
  };

/** Bit 96: X87_NOTHING. */
function endUnlessGiven(ops: Ops<Value>, result: Value): void {
  const given = ops.equal(32, ops.lane(32, result, 3), ops.constant(32, 0n));
  ops.endIf(notTruth(ops, given));
}

/** Its result is the status flags. */
export const settingFlags =
  (step: X87Step): Meaning =>
  (ops, insn) => {
    ops.requireX87(true);
    note(ops, insn);
    const result = ops.x87(step, insn, ops.vectorConstant(NO_OPERAND));
    endUnlessGiven(ops, result);
    const none = ops.constant(64, 0n);
    ops.setFlags(FLAGS_GIVEN, 64, none, none, ops.lane(64, result, 0));
  };

/** FCMOVcc: the step is told whether the condition holds. @param condition condition code 0–15. */
export const conditional =
  (step: X87Step, condition: number): Meaning =>
  (ops, insn) => {
    ops.requireX87(true);
    note(ops, insn);
    const holds = ops.zeroExtend(8, 64, ops.readCondition(condition));
    ops.x87(step, insn, ops.withLane(64, ops.vectorConstant(NO_OPERAND), 0, holds));
  };

/** A control instruction: handlers are told of the one before. @param waits for pending exceptions. */
export const controlling =
  (step: X87Step, waits: boolean): Meaning =>
  (ops, insn) => {
    ops.requireX87(waits);
    ops.x87(step, insn, insn.memory === undefined ? ops.vectorConstant(NO_OPERAND) : loadBytes(ops, insn));
  };

/** FNSTCW, FNSTSW: 16 bits of the unit to memory or AX. */
export const storingWord =
  (step: X87Step): Meaning =>
  (ops, insn) => {
    ops.requireX87(false);
    writeOperand(ops, insn, 0, 16, ops.lane(16, ops.x87(step, insn, ops.vectorConstant(NO_OPERAND)), 0));
  };

/** WAIT. */
export const wait: Meaning = (ops) => ops.waitForX87();
