/** Arithmetic, comparison and shifts on lanes of integers. SDM: Vol. 1, "SSE2 128-Bit SIMD Integer Instructions" and their like. */
import { OPERAND_IMMEDIATE, type Width } from '../../decode/instruction.ts';
import { FLAGS_GIVEN, isZero, ZF } from '../flags.ts';
import type { Meaning } from '../meaning.ts';
import type { Ops, Value } from '../ops.ts';
import type { LaneOperation } from '../vectorOps.ts';
import { bytesFrom, laneBytes, lanesFrom, splat } from './bytes.ts';
import { LANE_ABSOLUTE, LANE_ADD, LANE_MAXIMUM_SIGNED, LANE_MINIMUM_SIGNED, LANE_SUBTRACT } from './laneOperations.ts';
import { immediateOf, lowLane, readVector, xmmOf } from './operands.ts';

/** An operation on all lanes of both operands. */
export const lanes =
  (operation: LaneOperation, width: Width): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    ops.writeXmm(xmmOf(insn, 0), ops.lanewise(operation, width, ops.readXmm(xmmOf(insn, 0)), source));
  };

/** PSLL, PSRL, PSRA: all lanes by an immediate, or by the low 64 bits of the source. */
export const shift =
  (direction: 'left' | 'right' | 'rightSigned', width: Width): Meaning =>
  (ops, insn) => {
    const operand = insn.operands[1]!;
    const count = operand.kind === OPERAND_IMMEDIATE ? ops.constant(64, operand.immediate) : ops.lane(64, readVector(ops, insn, 1), 0);
    ops.writeXmm(xmmOf(insn, 0), ops.shiftLanes(direction, width, ops.readXmm(xmmOf(insn, 0)), count));
  };

/** PSLLDQ and PSRLDQ: the whole vector by bytes. */
export const shiftBytes =
  (direction: 'left' | 'right'): Meaning =>
  (ops, insn) => {
    const count = Math.min(16, immediateOf(insn));
    const bytes = direction === 'left' ? [...bytesFrom(16, count), ...bytesFrom(0, 16 - count)] : bytesFrom(count, 16);
    ops.writeXmm(xmmOf(insn, 0), ops.shuffle(ops.readXmm(xmmOf(insn, 0)), ops.vectorConstant(0n), bytes));
  };

/** PHADD and PHSUB: neighbouring lanes of both operands, those of the destination low. */
export const horizontal =
  (operation: LaneOperation, width: 16 | 32): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    const destination = ops.readXmm(xmmOf(insn, 0));
    const every = (first: number): Value =>
      ops.shuffle(
        destination,
        source,
        lanesFrom(
          width,
          bytesFrom(0, 128 / width).map((i) => 2 * i + first),
        ),
      );
    ops.writeXmm(xmmOf(insn, 0), ops.lanewise(operation, width, every(0), every(1)));
  };

/** PACKSS and PACKUS: signed lanes held to half their width, those of the destination low. @param from width of the lanes before. */
export const pack =
  (from: 16 | 32, signed: boolean): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    const half = BigInt(from / 2);
    const least = ops.vectorConstant(splat(from, signed ? -(1n << (half - 1n)) : 0n));
    const greatest = ops.vectorConstant(splat(from, signed ? (1n << (half - 1n)) - 1n : (1n << half) - 1n));
    const held = (value: Value): Value =>
      ops.lanewise(LANE_MINIMUM_SIGNED, from, ops.lanewise(LANE_MAXIMUM_SIGNED, from, value, least), greatest);
    const lowHalves = bytesFrom(0, 256 / from).map((lane) => 2 * lane);
    ops.writeXmm(xmmOf(insn, 0), ops.shuffle(held(ops.readXmm(xmmOf(insn, 0))), held(source), lanesFrom(from / 2, lowHalves)));
  };

/** PTEST: ZF tells that no bit is set in both, CF that none of the source's is missing in the destination; the others are clear. */
export const test: Meaning = (ops, insn) => {
  const source = readVector(ops, insn, 1);
  const destination = ops.readXmm(xmmOf(insn, 0));
  const nothingLeft = (pick: (a: Value, b: Value) => Value): Value => {
    const [low, high] = [0, 1].map((half) => pick(ops.lane(64, destination, half), ops.lane(64, source, half))) as [Value, Value];
    return isZero(ops, 64, ops.or(64, low, high));
  };
  const zf = nothingLeft((a, b) => ops.and(64, a, b));
  const cf = nothingLeft((a, b) => ops.and(64, ops.not(64, a), b));
  const none = ops.constant(64, 0n);
  const flags = ops.or(64, ops.shiftLeft(64, ops.zeroExtend(8, 64, zf), ops.constant(64, BigInt(ZF))), ops.zeroExtend(8, 64, cf));
  ops.setFlags(FLAGS_GIVEN, 64, none, none, flags);
};

/** PHMINPOSUW: the least of eight words, and its number. */
export const leastWord: Meaning = (ops, insn) => {
  const source = readVector(ops, insn, 1);
  let least = ops.lane(16, source, 0);
  let place = ops.constant(16, 0n);
  for (let i = 1; i < 8; i++) {
    const word = ops.lane(16, source, i);
    const less = ops.lessUnsigned(16, word, least);
    least = ops.select(16, less, word, least);
    place = ops.select(16, less, ops.constant(16, BigInt(i)), place);
  }
  ops.writeXmm(xmmOf(insn, 0), ops.withLane(16, lowLane(ops, 16, least), 1, place));
};

/** MPSADBW: eight sums of the distances of four bytes; the immediate chooses where the bytes lie. */
export const blockDistances: Meaning = (ops, insn) => {
  const source = readVector(ops, insn, 1);
  const destination = ops.readXmm(xmmOf(insn, 0));
  const immediate = immediateOf(insn);
  const from = (immediate & 3) * 4;
  const window = ((immediate >> 2) & 1) * 4;
  const zero = ops.vectorConstant(0n);
  /** Eight bytes as words: byte numbers by lane. */
  const words = (value: Value, byte: (lane: number) => number): Value =>
    ops.shuffle(
      value,
      zero,
      bytesFrom(0, 8).flatMap((lane) => [byte(lane), 16]),
    );
  let sums: Value = zero;
  for (let i = 0; i < 4; i++) {
    const difference = ops.lanewise(
      LANE_SUBTRACT,
      16,
      words(destination, (lane) => window + lane + i),
      words(source, () => from + i),
    );
    sums = ops.lanewise(LANE_ADD, 16, sums, ops.lanewise(LANE_ABSOLUTE, 16, zero, difference));
  }
  ops.writeXmm(xmmOf(insn, 0), sums);
};

/** PMOVSX and PMOVZX: low lanes of the source widened. */
export const widen =
  (
    from: 8 | 16 | 32,
    to: 16 | 32 | 64,
    signed: boolean,
    readSource: (ops: Ops<Value>, insn: Parameters<Meaning>[1], width: Width) => Value,
  ): Meaning =>
  (ops, insn) => {
    const source = readSource(ops, insn, ((128 / to) * from) as Width);
    const ratio = to / from;
    // Signed ones go to the top of their new lanes and come down by a shift.
    const bytes = bytesFrom(0, 128 / to).flatMap((lane) => {
      const padding = Array<number>(((ratio - 1) * from) / 8).fill(16);
      return signed ? [...padding, ...laneBytes(from, lane)] : [...laneBytes(from, lane), ...padding];
    });
    const spread = ops.shuffle(source, ops.vectorConstant(0n), bytes);
    ops.writeXmm(xmmOf(insn, 0), signed ? ops.shiftLanes('rightSigned', to, spread, ops.constant(64, BigInt(to - from))) : spread);
  };
