/** Arithmetic and rearrangement of MMX registers. SDM: Vol. 1, "MMX Instructions"; "SSE 64-Bit SIMD Integer Instructions". */
import { OPERAND_IMMEDIATE, type Width } from '../../decode/instruction.ts';
import type { Meaning } from '../meaning.ts';
import type { Ops, Value } from '../ops.ts';
import { bytesFrom, laneBytes, lanesFrom, splat } from '../sse/bytes.ts';
import { LANE_AND, LANE_MAXIMUM_SIGNED, LANE_MINIMUM_SIGNED } from '../sse/laneOperations.ts';
import { immediateOf } from '../sse/operands.ts';
import type { LaneOperation } from '../vectorOps.ts';
import { combining, readMmx, writeMmx } from './operands.ts';

/** Both operands as one vector, the first one low. */
const joined = (ops: Ops<Value>, a: Value, b: Value): Value => ops.shuffle(a, b, [...bytesFrom(0, 8), ...bytesFrom(16, 8)]);

/** These bytes, and zeros above. */
const low = (ops: Ops<Value>, a: Value, bytes: readonly number[]): Value =>
  ops.shuffle(a, ops.vectorConstant(0n), [...bytes, ...Array<number>(16 - bytes.length).fill(16)]);

export const lanes = (operation: LaneOperation, width: Width): Meaning => combining((ops, a, b) => ops.lanewise(operation, width, a, b));

/** PSLL, PSRL, PSRA: by an immediate, or by all 64 bits of the source. */
export const shift =
  (direction: 'left' | 'right' | 'rightSigned', width: Width): Meaning =>
  (ops, insn) => {
    const operand = insn.operands[1]!;
    const count = operand.kind === OPERAND_IMMEDIATE ? ops.constant(64, operand.immediate) : ops.lane(64, readMmx(ops, insn, 1), 0);
    writeMmx(ops, insn, 0, ops.shiftLanes(direction, width, readMmx(ops, insn, 0), count));
  };

/** PUNPCKL (half 0; from memory only 32 bits are read) and PUNPCKH: lanes of both, taking turns. */
export const unpack = (width: Width, half: 0 | 1): Meaning =>
  combining(
    (ops, a, b) => {
      const count = 64 / width;
      const order = bytesFrom((half * count) / 2, count / 2).flatMap((lane) => [lane, lane + 128 / width]);
      return ops.shuffle(a, b, [...lanesFrom(width, order), ...bytesFrom(8, 8)]);
    },
    half === 0 ? 32 : 64,
  );

/** PACKSS and PACKUS. @param from width of the lanes before. */
export const pack = (from: 16 | 32, signed: boolean): Meaning =>
  combining((ops, a, b) => {
    const half = BigInt(from / 2);
    const least = ops.vectorConstant(splat(from, signed ? -(1n << (half - 1n)) : 0n));
    const greatest = ops.vectorConstant(splat(from, signed ? (1n << (half - 1n)) - 1n : (1n << half) - 1n));
    const atLeast = ops.lanewise(LANE_MAXIMUM_SIGNED, from, joined(ops, a, b), least);
    const held = ops.lanewise(LANE_MINIMUM_SIGNED, from, atLeast, greatest);
    return low(
      ops,
      held,
      bytesFrom(0, 128 / from).flatMap((lane) => laneBytes(from, lane).slice(0, from / 16)),
    );
  });

/** PHADD and PHSUB: neighbouring lanes, those of the destination low. */
export const horizontal = (operation: LaneOperation, width: 16 | 32): Meaning =>
  combining((ops, a, b) => {
    const both = joined(ops, a, b);
    const every = (first: number): Value => {
      const order = bytesFrom(0, 64 / width).map((i) => 2 * i + first);
      return low(ops, both, lanesFrom(width, order));
    };
    return ops.lanewise(operation, width, every(0), every(1));
  });

/** PSHUFW: words of the source by immediate. */
export const shuffleWords = combining((ops, _a, b, insn) => {
  const immediate = immediateOf(insn);
  return low(
    ops,
    b,
    lanesFrom(
      16,
      [0, 2, 4, 6].map((at) => (immediate >> at) & 3),
    ),
  );
});

/** PSHUFB: bytes by run-time numbers; 0 where the number's top bit is set. */
export const shuffleBytes = combining((ops, a, b) => ops.swizzle(a, ops.lanewise(LANE_AND, 64, b, ops.vectorConstant(splat(8, 0x87n)))));

/** PALIGNR: 8 bytes out of destination:source, from a byte on. */
export const align = combining((ops, a, b, insn) =>
  ops.shuffle(joined(ops, b, a), ops.vectorConstant(0n), bytesFrom(Math.min(16, immediateOf(insn)), 16)),
);

/** PMOVMSKB. */
export const signs: Meaning = (ops, insn) => ops.writeGpr(insn.width, insn.operands[0]!.register, ops.signMask(8, readMmx(ops, insn, 1)));
