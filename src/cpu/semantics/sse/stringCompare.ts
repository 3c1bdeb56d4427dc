/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM: what the immediate says, as operations on whole vectors. A *valid* lane is one before the end of its
 * string.
 * SDM: Vol. 1, "SSE4.2 String and Text Instructions"; Vol. 2, "Imm8 Control Byte Operation for PCMPESTRI / PCMPESTRM / PCMPISTRI / PCMPISTRM".
 */
import { RAX, RCX, RDX } from '../../../arch/registers.ts';
import type { Instruction } from '../../decode/instruction.ts';
import { CF, FLAGS_GIVEN, isZero, notTruth, OF, SF, signBit, ZF } from '../flags.ts';
import type { Meaning } from '../meaning.ts';
import type { Ops, Value } from '../ops.ts';
import type { LaneOperation } from '../vectorOps.ts';
import { bytesFrom, lanesFrom, splat } from './bytes.ts';
import {
  LANE_AND,
  LANE_AND_NOT,
  LANE_AT_LEAST_SIGNED,
  LANE_AT_LEAST_UNSIGNED,
  LANE_EQUAL,
  LANE_GREATER_SIGNED,
  LANE_NEITHER,
  LANE_OR,
  LANE_XOR,
} from './laneOperations.ts';
import { immediateOf, lowLane, readVector, xmmOf } from './operands.ts';

const ALL = splat(64, -1n);

/** The comparison of one instruction: its operations on lanes of its width. */
class Comparison {
  readonly ops: Ops<Value>;
  readonly width: 8 | 16;
  readonly signed: boolean;
  readonly count: number;
  readonly zero: Value;

  constructor(ops: Ops<Value>, immediate: number) {
    this.ops = ops;
    this.width = immediate & 1 ? 16 : 8;
    this.signed = (immediate & 2) !== 0;
    this.count = 128 / this.width;
    this.zero = ops.vectorConstant(0n);
  }

  lanewise(operation: LaneOperation, a: Value, b: Value): Value {
    return this.ops.lanewise(operation, this.width, a, b);
  }

  /** Lane `lane` everywhere. */
  everywhere(vector: Value, lane: number): Value {
    return this.ops.shuffle(vector, vector, lanesFrom(this.width, Array<number>(this.count).fill(lane)));
  }

  /** Lanes moved `by` places down; 0 from beyond the end. */
  down(vector: Value, by: number): Value {
    return this.ops.shuffle(vector, this.zero, lanesFrom(this.width, bytesFrom(by, this.count)));
  }

  /** Lanes moved `by` places up; 0 from below. */
  up(vector: Value, by: number): Value {
    return this.ops.shuffle(this.zero, vector, lanesFrom(this.width, bytesFrom(this.count - by, this.count)));
  }

  not(vector: Value): Value {
    return this.lanewise(LANE_XOR, vector, this.ops.vectorConstant(ALL));
  }

  /** Lanes before the first zero lane. */
  validImplicit(vector: Value): Value {
    let ended = this.lanewise(LANE_EQUAL, vector, this.zero);
    for (let by = 1; by < this.count; by *= 2) ended = this.lanewise(LANE_OR, ended, this.up(ended, by));
    return this.not(ended);
  }

  /** As many lanes as a register says, its sign ignored. */
  validExplicit(register: number, width: 32 | 64): Value {
    const { ops } = this;
    const value = ops.readGpr(width, register);
    const magnitude = ops.select(width, signBit(ops, width, value), ops.negate(width, value), value);
    const limit = ops.constant(width, BigInt(this.count));
    // The least number is its own negative: unsigned, it is beyond the limit, too.
    const length = ops.select(width, ops.lessUnsigned(width, magnitude, limit), magnitude, limit);
    const lengths = this.everywhere(lowLane(ops, this.width, ops.truncate(width, this.width, length)), 0);
    const numbers = bytesFrom(0, this.count).reduce((all, lane) => all | (BigInt(lane) << BigInt(lane * this.width)), 0n);
    return this.lanewise(LANE_GREATER_SIGNED, lengths, ops.vectorConstant(numbers));
  }

  /** IntRes1 by the aggregation that the immediate chooses: all ones where it has a 1. */
  aggregate(kind: number, a: Value, b: Value, validA: Value, validB: Value): Value {
    if (kind === 0) return this.equalAny(a, b, validA, validB);
    if (kind === 1) return this.ranges(a, b, validA, validB);
    return kind === 2 ? this.equalEach(a, b, validA, validB) : this.equalOrdered(a, b, validA, validB);
  }

  /** b's lane is one of a's. */
  private equalAny(a: Value, b: Value, validA: Value, validB: Value): Value {
    let found = this.zero;
    for (let lane = 0; lane < this.count; lane++) {
      const equal = this.lanewise(LANE_EQUAL, this.everywhere(a, lane), b);
      found = this.lanewise(LANE_OR, found, this.lanewise(LANE_AND, equal, this.everywhere(validA, lane)));
    }
    return this.lanewise(LANE_AND, found, validB);
  }

  /** b's lane is within one of the ranges that pairs of a's lanes are. */
  private ranges(a: Value, b: Value, validA: Value, validB: Value): Value {
    const atLeast = this.signed ? LANE_AT_LEAST_SIGNED : LANE_AT_LEAST_UNSIGNED;
    let found = this.zero;
    for (let lane = 0; lane < this.count; lane += 2) {
      const within = this.lanewise(
        LANE_AND,
        this.lanewise(atLeast, b, this.everywhere(a, lane)),
        this.lanewise(atLeast, this.everywhere(a, lane + 1), b),
      );
      // A range counts when its upper end is valid; the lower one is then, too.
      found = this.lanewise(LANE_OR, found, this.lanewise(LANE_AND, within, this.everywhere(validA, lane + 1)));
    }
    return this.lanewise(LANE_AND, found, validB);
  }

  /** The lanes are equal, or both strings have ended. */
  private equalEach(a: Value, b: Value, validA: Value, validB: Value): Value {
    const both = this.lanewise(LANE_AND, this.lanewise(LANE_AND, validA, validB), this.lanewise(LANE_EQUAL, a, b));
    return this.lanewise(LANE_OR, both, this.lanewise(LANE_NEITHER, validA, validB));
  }

  /** String a begins at this lane of b, as far as b goes. */
  private equalOrdered(a: Value, b: Value, validA: Value, validB: Value): Value {
    let found = this.ops.vectorConstant(ALL);
    for (let lane = 0; lane < this.count; lane++) {
      const equal = this.lanewise(LANE_EQUAL, this.everywhere(a, lane), this.down(b, lane));
      const meets = this.lanewise(LANE_AND, equal, this.down(validB, lane));
      const beyond = lane === 0 ? 0n : ALL ^ ((1n << BigInt(128 - lane * this.width)) - 1n);
      const excused = this.lanewise(LANE_OR, this.not(this.everywhere(validA, lane)), this.ops.vectorConstant(beyond));
      found = this.lanewise(LANE_AND, found, this.lanewise(LANE_OR, meets, excused));
    }
    return found;
  }
}

/** Strings end at a zero lane, or have their lengths in EAX and EDX, or RAX and RDX. */
export type Lengths = 'implicit' | 32 | 64;

/** IntRes2 as a vector and as a bit mask; the flags are set. */
function compare(ops: Ops<Value>, insn: Instruction, lengths: Lengths): { comparison: Comparison; vector: Value; mask: Value } {
  const immediate = immediateOf(insn);
  const comparison = new Comparison(ops, immediate);
  const b = readVector(ops, insn, 1, false);
  const a = ops.readXmm(xmmOf(insn, 0));
  const validA = lengths === 'implicit' ? comparison.validImplicit(a) : comparison.validExplicit(RAX, lengths);
  const validB = lengths === 'implicit' ? comparison.validImplicit(b) : comparison.validExplicit(RDX, lengths);
  let vector = comparison.aggregate((immediate >> 2) & 3, a, b, validA, validB);
  const polarity = (immediate >> 4) & 3;
  if (polarity === 1) vector = comparison.not(vector);
  else if (polarity === 3) vector = comparison.lanewise(LANE_XOR, vector, validB);
  const mask = ops.signMask(comparison.width, vector);
  const ended = (valid: Value): Value =>
    notTruth(ops, isZero(ops, 64, ops.signMask(comparison.width, comparison.lanewise(LANE_AND_NOT, valid, ops.vectorConstant(ALL)))));
  const flag = (truth: Value, bit: number): Value => ops.shiftLeft(64, ops.zeroExtend(8, 64, truth), ops.constant(64, BigInt(bit)));
  const none = ops.constant(64, 0n);
  const flags = [
    flag(notTruth(ops, isZero(ops, 64, mask)), CF),
    flag(ended(validB), ZF),
    flag(ended(validA), SF),
    flag(ops.and(64, mask, ops.constant(64, 1n)), OF),
  ].reduce((all, one) => ops.or(64, all, one));
  ops.setFlags(FLAGS_GIVEN, 64, none, none, flags);
  return { comparison, vector, mask };
}

/** PCMPESTRI, PCMPISTRI: ECX = the number of the lowest or highest lane of the result; of lanes, when there is none. */
export const compareToIndex =
  (lengths: Lengths): Meaning =>
  (ops, insn) => {
    const { comparison, mask } = compare(ops, insn, lengths);
    const highest = (immediateOf(insn) & 0x40) !== 0;
    const place = highest
      ? ops.sub(32, ops.constant(32, 31n), ops.countLeadingZeros(32, ops.truncate(64, 32, mask)))
      : ops.countTrailingZeros(32, ops.truncate(64, 32, mask));
    ops.writeGpr(32, RCX, ops.select(32, isZero(ops, 64, mask), ops.constant(32, BigInt(comparison.count)), place));
  };

/** PCMPESTRM, PCMPISTRM: XMM0 = the result, as lanes or as bits. */
export const compareToMask =
  (lengths: Lengths): Meaning =>
  (ops, insn) => {
    const { vector, mask } = compare(ops, insn, lengths);
    ops.writeXmm(0, immediateOf(insn) & 0x40 ? vector : lowLane(ops, 64, mask));
  };
