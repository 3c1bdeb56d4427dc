/**
 * When WebAssembly's arithmetic is the processor's: which numbers are ordinary, and what MXCSR must say.
 *
 * With all exceptions masked, rounding to nearest, no FTZ and no DAZ, and PE set already, an operation whose operands and result are normal numbers
 * changes nothing but its destination. The least normal number is left out: it may have come from a tiny one by rounding, and tininess is
 * detected before that. A *floor* is the magnitude that ordinary numbers exceed; where MXCSR says anything else it is infinite, and no number is
 * ordinary.
 */
import { MXCSR_DAZ, MXCSR_FLAGS, MXCSR_FTZ, MXCSR_MASKS, MXCSR_PE, MXCSR_ROUNDING_SHIFT } from '../../../arch/mxcsr.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import { MXCSR_BYTE } from './jitLayout.ts';
import { simdOp } from './simd.ts';
import { F32, F64, op } from './wasmModule.ts';

/** The WebAssembly operations of one format. */
export interface NativeFormat {
  readonly type: number;
  readonly lanes: 2 | 4;
  readonly leastNormal: number;
  readonly greatest: number;
  constant(builder: CodeBuilder, value: number): void;
  readonly scalar: Readonly<Record<'eq' | 'lt' | 'gt' | 'le' | 'ge' | 'abs' | 'sqrt' | 'add' | 'sub' | 'mul' | 'div', number>>;
  readonly packed: Readonly<
    Record<
      | 'eq'
      | 'lt'
      | 'gt'
      | 'le'
      | 'abs'
      | 'sqrt'
      | 'add'
      | 'sub'
      | 'mul'
      | 'div'
      | 'pmin'
      | 'pmax'
      | 'splat'
      | 'extract'
      | 'replace'
      | 'bitmask'
      | 'allTrue',
      number
    >
  >;
}

export const NATIVE_F64: NativeFormat = {
  type: F64,
  lanes: 2,
  leastNormal: 2 ** -1022,
  greatest: Number.MAX_VALUE,
  constant: (builder, value) => builder.f64(value),
  scalar: {
    ...{ eq: op.f64_eq, lt: op.f64_lt, gt: op.f64_gt, le: op.f64_le, ge: op.f64_ge },
    ...{ abs: op.f64_abs, sqrt: op.f64_sqrt, add: op.f64_add, sub: op.f64_sub, mul: op.f64_mul, div: op.f64_div },
  },
  packed: {
    ...{ eq: simdOp.f64x2_eq, lt: simdOp.f64x2_lt, gt: simdOp.f64x2_gt, le: simdOp.f64x2_le },
    ...{ abs: simdOp.f64x2_abs, sqrt: simdOp.f64x2_sqrt, add: simdOp.f64x2_add, sub: simdOp.f64x2_sub },
    ...{ mul: simdOp.f64x2_mul, div: simdOp.f64x2_div, pmin: simdOp.f64x2_pmin, pmax: simdOp.f64x2_pmax },
    ...{ splat: simdOp.f64x2_splat, extract: simdOp.f64x2_extract_lane, replace: simdOp.f64x2_replace_lane },
    ...{ bitmask: simdOp.i64x2_bitmask, allTrue: simdOp.i64x2_all_true },
  },
};

export const NATIVE_F32: NativeFormat = {
  type: F32,
  lanes: 4,
  leastNormal: 2 ** -126,
  greatest: (2 - 2 ** -23) * 2 ** 127,
  constant: (builder, value) => builder.f32(value),
  scalar: {
    ...{ eq: op.f32_eq, lt: op.f32_lt, gt: op.f32_gt, le: op.f32_le, ge: op.f32_ge },
    ...{ abs: op.f32_abs, sqrt: op.f32_sqrt, add: op.f32_add, sub: op.f32_sub, mul: op.f32_mul, div: op.f32_div },
  },
  packed: {
    ...{ eq: simdOp.f32x4_eq, lt: simdOp.f32x4_lt, gt: simdOp.f32x4_gt, le: simdOp.f32x4_le },
    ...{ abs: simdOp.f32x4_abs, sqrt: simdOp.f32x4_sqrt, add: simdOp.f32x4_add, sub: simdOp.f32x4_sub },
    ...{ mul: simdOp.f32x4_mul, div: simdOp.f32x4_div, pmin: simdOp.f32x4_pmin, pmax: simdOp.f32x4_pmax },
    ...{ splat: simdOp.f32x4_splat, extract: simdOp.f32x4_extract_lane, replace: simdOp.f32x4_replace_lane },
    ...{ bitmask: simdOp.i32x4_bitmask, allTrue: simdOp.i32x4_all_true },
  },
};

/** MXCSR without the five other flags, which do not matter. */
const DECIDING = (MXCSR_MASKS | MXCSR_PE | MXCSR_DAZ | MXCSR_FTZ | (3 << MXCSR_ROUNDING_SHIFT)) & ~(MXCSR_FLAGS & ~MXCSR_PE);
const ORDINARY = MXCSR_MASKS | MXCSR_PE;

/** Sets the floor of a format as MXCSR in the state block says. */
export function emitFloor(builder: CodeBuilder, core: number, format: NativeFormat, floor: number): void {
  format.constant(builder, format.leastNormal);
  format.constant(builder, Number.POSITIVE_INFINITY);
  builder.get(core);
  builder.memory(op.i32_load, MXCSR_BYTE);
  builder.i32(DECIDING);
  builder.op(op.i32_and);
  builder.i32(ORDINARY);
  builder.op(op.i32_eq);
  builder.op(op.select);
  builder.set(floor);
}
