/** The second look at a floating-point operation: zeros are ordinary, too, where they came about exactly. */
import { CodeBuilder } from './codeBuilder.ts';
import { NATIVE_F32, NATIVE_F64 } from './floatLimits.ts';
import { simdOp } from './simd.ts';
import { type FunctionBody, op, V128 } from './wasmModule.ts';

/**
 * (a, b, r, floor, sum) -> bit mask of the lanes in which r = a ∘ b is what the processor gives, without an exception. A result of 0 is exact
 * when an operand is 0, or always when ∘ is a sum.
 */
export function ordinaryFunction(format: 'f32' | 'f64', type: number): FunctionBody {
  const [A, B, R, FLOOR, SUM] = [0, 1, 2, 3, 4];
  const native = format === 'f64' ? NATIVE_F64 : NATIVE_F32;
  const { packed } = native;
  const builder = new CodeBuilder(5);
  const [floor, zeroA, zeroB, zeroR] = [0, 1, 2, 3].map(() => builder.local(V128)) as [number, number, number, number];
  const greatest = builder.local(V128);
  builder.get(FLOOR);
  builder.op(packed.splat);
  builder.set(floor);
  native.constant(builder, native.greatest);
  builder.op(packed.splat);
  builder.set(greatest);
  for (const [value, zero] of [
    [A, zeroA],
    [B, zeroB],
    [R, zeroR],
  ] as const) {
    builder.get(value);
    native.constant(builder, 0);
    builder.op(packed.splat);
    builder.op(packed.eq);
    builder.set(zero);
  }
  // floor < |x| <= greatest
  const normal = (value: number): void => {
    builder.get(value);
    builder.op(packed.abs);
    builder.get(floor);
    builder.op(packed.gt);
    builder.get(value);
    builder.op(packed.abs);
    builder.get(greatest);
    builder.op(packed.le);
    builder.op(simdOp.v128_and);
  };
  normal(A);
  builder.get(zeroA);
  builder.op(simdOp.v128_or);
  normal(B);
  builder.get(zeroB);
  builder.op(simdOp.v128_or);
  builder.op(simdOp.v128_and);
  normal(R);
  builder.get(zeroR);
  builder.get(zeroA);
  builder.get(zeroB);
  builder.op(simdOp.v128_or);
  // All ones for a sum.
  builder.i64(0n);
  builder.get(SUM);
  builder.op(op.i64_extend_i32_u);
  builder.op(op.i64_sub);
  builder.op(simdOp.i64x2_splat);
  builder.op(simdOp.v128_or);
  builder.op(simdOp.v128_and);
  builder.op(simdOp.v128_or);
  builder.op(simdOp.v128_and);
  // The sign of an exact zero depends on the rounding mode: MXCSR must be ordinary in any case.
  builder.get(floor);
  builder.get(greatest);
  builder.op(packed.le);
  builder.op(simdOp.v128_and);
  builder.op(packed.bitmask);
  return { type, name: format === 'f64' ? 'ordinaryF64' : 'ordinaryF32', locals: builder.locals, code: builder.code.bytes().slice() };
}
