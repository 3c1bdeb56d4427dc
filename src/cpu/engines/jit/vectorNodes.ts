/** Nodes of 128-bit values: how `VectorOps` become WebAssembly expressions, and how those are written. */
import type { Width } from '../../decode/instruction.ts';
import type { LaneOperation } from '../../semantics/vectorOps.ts';
import { Node, type NodeEmitter } from './node.ts';
import { simdOp } from './simd.ts';
import { I64, op, V128 } from './wasmModule.ts';

type ByWidth = Readonly<Partial<Record<Width, number>>>;

const EXTRACT: ByWidth = {
  8: simdOp.i8x16_extract_lane_u,
  16: simdOp.i16x8_extract_lane_u,
  32: simdOp.i32x4_extract_lane,
  64: simdOp.i64x2_extract_lane,
};
const REPLACE: ByWidth = {
  8: simdOp.i8x16_replace_lane,
  16: simdOp.i16x8_replace_lane,
  32: simdOp.i32x4_replace_lane,
  64: simdOp.i64x2_replace_lane,
};
const BITMASK: ByWidth = {
  8: simdOp.i8x16_bitmask,
  16: simdOp.i16x8_bitmask,
  32: simdOp.i32x4_bitmask,
  64: simdOp.i64x2_bitmask,
};
const SHIFT: Readonly<Record<'left' | 'right' | 'rightSigned', ByWidth>> = {
  left: { 8: simdOp.i8x16_shl, 16: simdOp.i16x8_shl, 32: simdOp.i32x4_shl, 64: simdOp.i64x2_shl },
  right: { 8: simdOp.i8x16_shr_u, 16: simdOp.i16x8_shr_u, 32: simdOp.i32x4_shr_u, 64: simdOp.i64x2_shr_u },
  rightSigned: { 8: simdOp.i8x16_shr_s, 16: simdOp.i16x8_shr_s, 32: simdOp.i32x4_shr_s, 64: simdOp.i64x2_shr_s },
};

const everyWidth = (opcode: number): ByWidth => ({ 8: opcode, 16: opcode, 32: opcode, 64: opcode });

/** Lane operations that WebAssembly has, by name. */
const LANEWISE: Readonly<Record<string, ByWidth>> = {
  and: everyWidth(simdOp.v128_and),
  or: everyWidth(simdOp.v128_or),
  xor: everyWidth(simdOp.v128_xor),
  andNot: everyWidth(simdOp.v128_andnot),
  add: { 8: simdOp.i8x16_add, 16: simdOp.i16x8_add, 32: simdOp.i32x4_add, 64: simdOp.i64x2_add },
  subtract: { 8: simdOp.i8x16_sub, 16: simdOp.i16x8_sub, 32: simdOp.i32x4_sub, 64: simdOp.i64x2_sub },
  equal: { 8: simdOp.i8x16_eq, 16: simdOp.i16x8_eq, 32: simdOp.i32x4_eq, 64: simdOp.i64x2_eq },
  addSigned: { 8: simdOp.i8x16_add_sat_s, 16: simdOp.i16x8_add_sat_s },
  addUnsigned: { 8: simdOp.i8x16_add_sat_u, 16: simdOp.i16x8_add_sat_u },
  subtractSigned: { 8: simdOp.i8x16_sub_sat_s, 16: simdOp.i16x8_sub_sat_s },
  subtractUnsigned: { 8: simdOp.i8x16_sub_sat_u, 16: simdOp.i16x8_sub_sat_u },
  minimumSigned: { 8: simdOp.i8x16_min_s, 16: simdOp.i16x8_min_s, 32: simdOp.i32x4_min_s },
  minimumUnsigned: { 8: simdOp.i8x16_min_u, 16: simdOp.i16x8_min_u, 32: simdOp.i32x4_min_u },
  maximumSigned: { 8: simdOp.i8x16_max_s, 16: simdOp.i16x8_max_s, 32: simdOp.i32x4_max_s },
  maximumUnsigned: { 8: simdOp.i8x16_max_u, 16: simdOp.i16x8_max_u, 32: simdOp.i32x4_max_u },
  atLeastSigned: { 8: simdOp.i8x16_ge_s, 16: simdOp.i16x8_ge_s },
  atLeastUnsigned: { 8: simdOp.i8x16_ge_u, 16: simdOp.i16x8_ge_u },
  average: { 8: simdOp.i8x16_avgr_u, 16: simdOp.i16x8_avgr_u },
  multiply: { 16: simdOp.i16x8_mul, 32: simdOp.i32x4_mul, 64: simdOp.i64x2_mul },
  dotWords: { 32: simdOp.i32x4_dot_i16x8_s },
  greaterSigned: { 8: simdOp.i8x16_gt_s, 16: simdOp.i16x8_gt_s, 32: simdOp.i32x4_gt_s, 64: simdOp.i64x2_gt_s },
};

const vector = (opcode: number, a?: Node, b?: Node, value = 0n, index = 0): Node =>
  new Node(opcode, V128, 128, a, b, undefined, value, index);

export const vectorConstantNode = (value: bigint): Node => vector(simdOp.v128_const, undefined, undefined, value);
export const laneNode = (width: Width, a: Node, index: number): Node =>
  new Node(EXTRACT[width]!, I64, width, a, undefined, undefined, 0n, index);
export const withLaneNode = (width: Width, a: Node, index: number, lane: Node): Node => vector(REPLACE[width]!, a, lane, 0n, index);
export const signMaskNode = (width: Width, a: Node): Node => new Node(BITMASK[width]!, I64, 128 / width, a);
export const swizzleNode = (a: Node, indices: Node): Node => vector(simdOp.i8x16_swizzle, a, indices);
/** Shifts by less than the width. */
export const shiftNode = (direction: 'left' | 'right' | 'rightSigned', width: Width, a: Node, count: Node): Node =>
  vector(SHIFT[direction][width]!, a, count);
export const splatNode = (value: Node): Node => vector(simdOp.i64x2_splat, value);

export function shuffleNode(a: Node, b: Node, bytes: readonly number[]): Node {
  const mask = bytes.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);
  return vector(simdOp.i8x16_shuffle, a, b, mask);
}

/** Lane operations on the second operand alone that WebAssembly has. */
const UNARY: Readonly<Record<string, ByWidth>> = {
  absolute: { 8: simdOp.i8x16_abs, 16: simdOp.i16x8_abs, 32: simdOp.i32x4_abs },
};

/** The operation in one instruction, or undefined where WebAssembly has none. */
export function lanewiseNode(operation: LaneOperation, width: Width, a: Node, b: Node): Node | undefined {
  const unary = UNARY[operation.name]?.[width];
  if (unary !== undefined) return vector(unary, b);
  const opcode = LANEWISE[operation.name]?.[width];
  if (opcode === undefined) return undefined;
  // WebAssembly's ANDNOT inverts its second operand.
  return opcode === simdOp.v128_andnot ? vector(opcode, b, a) : vector(opcode, a, b);
}

const isIn = (table: ByWidth, opcode: number): boolean => Object.values(table).includes(opcode);
const NARROW_REPLACE = [REPLACE[8]!, REPLACE[16]!, REPLACE[32]!];
const NARROW_RESULT = [EXTRACT[8]!, EXTRACT[16]!, EXTRACT[32]!, ...Object.values(BITMASK)];
const TAKES_COUNT = Object.values(SHIFT).flatMap((widths) => Object.values(widths));

/** Leaves the value of a SIMD node on the stack. */
export function emitVectorNode(emitter: NodeEmitter, node: Node): void {
  const { builder } = emitter;
  const { opcode, a, b } = node;
  if (a !== undefined) emitter.value(a);
  if (b !== undefined) emitter.value(b);
  // Lanes narrower than 64 bits, and shift counts, are 32-bit numbers there.
  if (NARROW_REPLACE.includes(opcode) || TAKES_COUNT.includes(opcode)) builder.op(op.i32_wrap_i64);
  builder.op(opcode);
  if (opcode === simdOp.v128_const || opcode === simdOp.i8x16_shuffle) {
    for (let i = 0n; i < 128n; i += 8n) builder.code.byte(Number((node.value >> i) & 0xffn));
  } else if (isIn(EXTRACT, opcode) || isIn(REPLACE, opcode)) builder.code.byte(node.index);
  if (NARROW_RESULT.includes(opcode)) builder.op(op.i64_extend_i32_u);
}
