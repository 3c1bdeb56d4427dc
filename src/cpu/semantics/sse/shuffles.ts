/** Lanes rearranged. SDM: Vol. 1, "SSE Shuffle and Unpack Instructions" and their like. */
import { OPERAND_VECTOR, type Width } from '../../decode/instruction.ts';
import type { Meaning } from '../meaning.ts';
import { readOperand, writeOperand } from '../operands.ts';
import type { Ops, Value } from '../ops.ts';
import { bytesFrom, laneBytes, lanesFrom, splat } from './bytes.ts';
import { LANE_AND, LANE_AND_NOT, LANE_OR } from './laneOperations.ts';
import { immediateOf, isMemory, readLow, readVector, storeInteger, xmmOf } from './operands.ts';

/** The low (0) or high (1) lanes of both operands, taking turns. */
export const unpack =
  (width: Width, half: 0 | 1): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    const count = 128 / width;
    const first = (half * count) / 2;
    const order = bytesFrom(first, count / 2).flatMap((lane) => [lane, lane + count]);
    ops.writeXmm(xmmOf(insn, 0), ops.shuffle(ops.readXmm(xmmOf(insn, 0)), source, lanesFrom(width, order)));
  };

/** Two-bit lane numbers in an immediate. */
const quarters = (immediate: number): number[] => [0, 2, 4, 6].map((shift) => (immediate >> shift) & 3);

/** PSHUFD, PSHUFLW, PSHUFHW: lanes of the source by immediate; words of the other half stay. */
export const shuffleOne =
  (width: 16 | 32, half: 0 | 1): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    const chosen = quarters(immediateOf(insn)).map((lane) => lane + 4 * half);
    const kept = width === 32 ? [] : bytesFrom(half === 0 ? 4 : 0, 4);
    const order = half === 0 ? [...chosen, ...kept] : [...kept, ...chosen];
    ops.writeXmm(xmmOf(insn, 0), ops.shuffle(source, source, lanesFrom(width, order)));
  };

/** SHUFPS: two lanes of the destination, then two of the source. */
export const shuffleSingles: Meaning = (ops, insn) => {
  const source = readVector(ops, insn, 1);
  const order = quarters(immediateOf(insn)).map((lane, i) => (i < 2 ? lane : lane + 4));
  ops.writeXmm(xmmOf(insn, 0), ops.shuffle(ops.readXmm(xmmOf(insn, 0)), source, lanesFrom(32, order)));
};

/** SHUFPD: a half of the destination, then one of the source. */
export const shuffleDoubles: Meaning = (ops, insn) => {
  const source = readVector(ops, insn, 1);
  const immediate = immediateOf(insn);
  const order = [immediate & 1, 2 + ((immediate >> 1) & 1)];
  ops.writeXmm(xmmOf(insn, 0), ops.shuffle(ops.readXmm(xmmOf(insn, 0)), source, lanesFrom(64, order)));
};

/** PSHUFB: bytes by run-time numbers; 0 where the number's top bit is set. */
export const shuffleBytes: Meaning = (ops, insn) => {
  const numbers = ops.lanewise(LANE_AND, 64, readVector(ops, insn, 1), ops.vectorConstant(splat(8, 0x8fn)));
  ops.writeXmm(xmmOf(insn, 0), ops.swizzle(ops.readXmm(xmmOf(insn, 0)), numbers));
};

/** PALIGNR: 16 bytes out of destination:source, from a byte on. */
export const align: Meaning = (ops, insn) => {
  const source = readVector(ops, insn, 1);
  const first = immediateOf(insn);
  const zero = ops.vectorConstant(0n);
  const destination = ops.readXmm(xmmOf(insn, 0));
  const [low, high] = first < 16 ? [source, destination] : [destination, zero];
  const within = first < 32 ? first % 16 : 16;
  ops.writeXmm(xmmOf(insn, 0), ops.shuffle(low, high, bytesFrom(within, 16)));
};

/** MOVDDUP, MOVSLDUP, MOVSHDUP: lanes of the source, some of them twice. */
export const duplicate =
  (width: 32 | 64, order: readonly number[]): Meaning =>
  (ops, insn) => {
    const source = width === 64 ? readLow(ops, insn, 1, 64) : readVector(ops, insn, 1);
    ops.writeXmm(xmmOf(insn, 0), ops.shuffle(source, source, lanesFrom(width, order)));
  };

/** BLENDPS, BLENDPD, PBLENDW: lanes of the source where the immediate has a 1. */
export const blend =
  (width: 16 | 32 | 64): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    const count = 128 / width;
    const order = bytesFrom(0, count).map((lane) => ((immediateOf(insn) >> lane) & 1 ? lane + count : lane));
    ops.writeXmm(xmmOf(insn, 0), ops.shuffle(ops.readXmm(xmmOf(insn, 0)), source, lanesFrom(width, order)));
  };

/** `b` where the mask's bits are set, else `a`. */
export const choose = (ops: Ops<Value>, mask: Value, a: Value, b: Value): Value =>
  ops.lanewise(LANE_OR, 64, ops.lanewise(LANE_AND_NOT, 64, mask, a), ops.lanewise(LANE_AND, 64, mask, b));

/** BLENDVPS, BLENDVPD, PBLENDVB: lanes of the source where those of XMM0 are negative. */
export const blendBySign =
  (width: 8 | 32 | 64): Meaning =>
  (ops, insn) => {
    const source = readVector(ops, insn, 1);
    const mask = ops.shiftLanes('rightSigned', width, ops.readXmm(0), ops.constant(64, BigInt(width - 1)));
    ops.writeXmm(xmmOf(insn, 0), choose(ops, mask, ops.readXmm(xmmOf(insn, 0)), source));
  };

/** PINSRB, PINSRW, PINSRD, PINSRQ: a lane from a general-purpose register or memory. */
export const insert =
  (width: Width): Meaning =>
  (ops, insn) => {
    const lane = immediateOf(insn) % (128 / width);
    // A register operand is wider than a byte or word lane.
    const value = isMemory(insn, 1) ? readOperand(ops, insn, 1, width) : ops.readGpr(width, insn.operands[1]!.register);
    ops.writeXmm(xmmOf(insn, 0), ops.withLane(width, ops.readXmm(xmmOf(insn, 0)), lane, value));
  };

/** PEXTRB, PEXTRW, PEXTRD, PEXTRQ, EXTRACTPS: a lane to memory, or zero-extended to a general-purpose register. */
export const extract =
  (width: Width): Meaning =>
  (ops, insn) => {
    const value = ops.lane(width, ops.readXmm(xmmOf(insn, 1)), immediateOf(insn) % (128 / width));
    if (isMemory(insn, 0)) storeInteger(ops, insn, width, value);
    else if (width === 64) writeOperand(ops, insn, 0, 64, value);
    else writeOperand(ops, insn, 0, 32, width === 32 ? value : ops.zeroExtend(width, 32, value));
  };

/** INSERTPS: a single of the source into the destination; then lanes cleared. */
export const insertSingle: Meaning = (ops, insn) => {
  const immediate = immediateOf(insn);
  // From memory it is the one single that there is.
  const source = readLow(ops, insn, 1, 32);
  const from = insn.operands[1]!.kind === OPERAND_VECTOR ? immediate >> 6 : 0;
  const to = (immediate >> 4) & 3;
  const order = [0, 1, 2, 3].map((lane) => (lane === to ? from + 4 : lane));
  const joined = ops.shuffle(ops.readXmm(xmmOf(insn, 0)), source, lanesFrom(32, order));
  const bytes = [0, 1, 2, 3].flatMap((lane) => laneBytes(32, (immediate >> lane) & 1 ? lane + 4 : lane));
  ops.writeXmm(xmmOf(insn, 0), ops.shuffle(joined, ops.vectorConstant(0n), bytes));
};

/** MOVMSKPS, MOVMSKPD, PMOVMSKB: the signs of all lanes. */
export const signs =
  (width: 8 | 32 | 64): Meaning =>
  (ops, insn) => {
    ops.writeGpr(insn.width, insn.operands[0]!.register, ops.signMask(width, ops.readXmm(xmmOf(insn, 1))));
  };
