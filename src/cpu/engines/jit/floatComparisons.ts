/** Comparisons, minimum and maximum: WebAssembly's are the processor's, but for what denormal numbers and NaNs signal. */
import { PREDICATE_EQ, PREDICATE_LE, PREDICATE_LT, PREDICATE_NOT, PREDICATE_UNORD } from '../../semantics/floatStep.ts';
import { type FloatContext, nativeOf, type Places, pushLow, setLow } from './floatContext.ts';
import { simdOp } from './simd.ts';
import { op, V128 } from './wasmModule.ts';

/** Goes to `done` when the low lanes of both are numbers, and not denormal: comparing them signals nothing, whatever MXCSR says. */
export function branchIfQuiet({ builder, done }: FloatContext, { step, a, b }: Places): void {
  const { packed, constant, leastNormal } = nativeOf(step.from);
  [a, b].forEach((operand, i) => {
    builder.get(operand);
    builder.op(packed.abs);
    constant(builder, leastNormal);
    builder.op(packed.splat);
    builder.op(packed.lt);
    builder.get(operand);
    constant(builder, 0);
    builder.op(packed.splat);
    builder.op(packed.eq);
    // Small but not zero.
    builder.op(simdOp.v128_andnot);
    if (i === 1) builder.op(simdOp.v128_or);
  });
  // Or a NaN among them.
  builder.get(a);
  builder.get(a);
  builder.op(packed.eq);
  builder.get(b);
  builder.get(b);
  builder.op(packed.eq);
  builder.op(simdOp.v128_and);
  builder.op(simdOp.v128_not);
  builder.op(simdOp.v128_or);
  builder.op(packed.bitmask);
  builder.i32((1 << step.lanes) - 1);
  builder.op(op.i32_and);
  builder.op(op.i32_eqz);
  builder.branch(done, op.br_if);
}

/** MIN and MAX take the second operand unless the first is strictly beyond it: WebAssembly's pseudo-minimum with its operands exchanged. */
export function emitExtremum(context: FloatContext, places: Places): void {
  const { builder } = context;
  const { step, a, b, result } = places;
  const { packed } = nativeOf(step.from);
  if (step.lanes === 1) builder.get(a);
  builder.get(b);
  builder.get(a);
  builder.op(step.operation === 'minimum' ? packed.pmin : packed.pmax);
  if (step.lanes === 1) {
    builder.op(packed.extract);
    builder.code.byte(0);
    setLow(builder, packed.replace, result);
  } else builder.set(result);
  branchIfQuiet(context, places);
}

/** COMIS and UCOMIS: CF, and ZF six places above it. */
export function emitOrder(context: FloatContext, places: Places): void {
  const { builder } = context;
  const { step, a, b, result } = places;
  const { scalar, packed } = nativeOf(step.from);
  for (const opcode of [scalar.lt, scalar.eq]) {
    pushLow(builder, packed.extract, a);
    pushLow(builder, packed.extract, b);
    builder.op(opcode);
  }
  builder.i32(6);
  builder.op(op.i32_shl);
  builder.op(op.i32_or);
  builder.op(op.i64_extend_i32_u);
  builder.set(result);
  branchIfQuiet(context, places);
}

/** CMP: masks of all lanes; a scalar comparison keeps the low one. Among numbers, everything is ordered. */
export function emitCompare(context: FloatContext, places: Places): void {
  const { builder } = context;
  const { step, a, b, result } = places;
  const { packed, lanes } = nativeOf(step.from);
  const relation = step.control & 3;
  if (relation === PREDICATE_UNORD) builder.vector(0n);
  else {
    builder.get(a);
    builder.get(b);
    builder.op({ [PREDICATE_EQ]: packed.eq, [PREDICATE_LT]: packed.lt, [PREDICATE_LE]: packed.le }[relation]!);
  }
  if (step.control & PREDICATE_NOT) builder.op(simdOp.v128_not);
  if (step.lanes === 1) {
    const mask = context.temporary(V128);
    builder.set(mask);
    builder.get(a);
    pushLow(builder, lanes === 2 ? simdOp.i64x2_extract_lane : simdOp.i32x4_extract_lane, mask);
    setLow(builder, lanes === 2 ? simdOp.i64x2_replace_lane : simdOp.i32x4_replace_lane, result);
  } else builder.set(result);
  branchIfQuiet(context, places);
}
