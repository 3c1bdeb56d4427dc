/** Conversions between formats and to and from integers, where WebAssembly's are exact or rounded alike. */
import { ROUND_TO_ZERO } from '../../../arch/mxcsr.ts';
import { ROUNDING_BY_MXCSR } from '../../semantics/floatStep.ts';
import { branchIfQuiet } from './floatComparisons.ts';
import { branchIfOrdinaryMode, type FloatContext, nativeOf, type Places, pushLow, setLow } from './floatContext.ts';
import { NATIVE_F32, NATIVE_F64 } from './floatLimits.ts';
import { simdOp } from './simd.ts';
import { F32, F64, op, V128 } from './wasmModule.ts';

/** Emits the conversion, with a branch to `done` where it is right; nothing for those that WebAssembly has no way for. */
export function emitConvert(context: FloatContext, places: Places): void {
  const { lanes, control, integerSource, integerResult, from, to } = places.step;
  if (control !== ROUND_TO_ZERO && control !== ROUNDING_BY_MXCSR) return;
  if (integerSource) emitFromInteger(context, places);
  else if (integerResult) emitToInteger(context, places);
  else if (lanes === 1) {
    if (from === 'f32') emitWiden(context, places);
    else emitNarrow(context, places);
  } else if (from === 'i32') emitPackedFromInteger(context, places);
  else if (from === 'f32' && to === 'i32') emitPackedToInteger(context, places);
  else if (from === 'f32' && to === 'f64') emitPackedWiden(context, places);
}

function emitFromInteger(context: FloatContext, { step, a, b, result }: Places): void {
  const { builder } = context;
  const wide = step.to === 'f64';
  builder.get(a);
  builder.get(b);
  if (step.from === 'i32') {
    builder.op(op.i32_wrap_i64);
    builder.op(wide ? op.f64_convert_i32_s : op.f32_convert_i32_s);
  } else builder.op(wide ? op.f64_convert_i64_s : op.f32_convert_i64_s);
  setLow(builder, nativeOf(step.to).packed.replace, result);
  if (step.from === 'i32' && wide) builder.branch(context.done);
  else branchIfOrdinaryMode(context, step.to);
}

function emitToInteger(context: FloatContext, { step, b, result }: Places): void {
  const { builder } = context;
  const whole = context.temporary(F64);
  pushLow(builder, nativeOf(step.from).packed.extract, b);
  if (step.from === 'f32') builder.op(op.f64_promote_f32);
  builder.op(step.control === ROUND_TO_ZERO ? op.f64_trunc : op.f64_nearest);
  builder.set(whole);
  const unusual = builder.open(op.block);
  builder.get(whole);
  builder.op(op.f64_abs);
  builder.f64(step.to === 'i32' ? 2 ** 31 : 2 ** 63);
  builder.op(op.f64_lt);
  builder.op(op.i32_eqz);
  builder.branch(unusual, op.br_if);
  builder.get(whole);
  if (step.to === 'i32') {
    builder.op(op.i32_trunc_f64_s);
    builder.op(op.i64_extend_i32_u);
  } else builder.op(op.i64_trunc_f64_s);
  builder.set(result);
  branchIfOrdinaryMode(context, step.from);
  builder.close();
}

/** To a wider format: exact; only what a denormal number or a NaN signals is in the way. */
function emitWiden(context: FloatContext, places: Places): void {
  const { builder } = context;
  builder.get(places.a);
  pushLow(builder, NATIVE_F32.packed.extract, places.b);
  builder.op(op.f64_promote_f32);
  setLow(builder, NATIVE_F64.packed.replace, places.result);
  branchIfQuiet(context, { ...places, a: places.b });
}

function emitNarrow(context: FloatContext, { a, b, result }: Places): void {
  const { builder } = context;
  const { scalar, packed, greatest } = NATIVE_F32;
  const r = context.temporary(F32);
  pushLow(builder, NATIVE_F64.packed.extract, b);
  builder.op(op.f32_demote_f64);
  builder.set(r);
  builder.get(a);
  builder.get(r);
  setLow(builder, packed.replace, result);
  const magnitude = (): void => {
    builder.get(r);
    builder.op(scalar.abs);
  };
  magnitude();
  builder.get(context.floors['f32']!);
  builder.op(scalar.gt);
  magnitude();
  builder.f32(greatest);
  builder.op(scalar.le);
  builder.op(op.i32_and);
  builder.branch(context.done, op.br_if);
}

function emitPackedFromInteger(context: FloatContext, { step, b, result }: Places): void {
  const { builder } = context;
  builder.get(b);
  builder.op(step.to === 'f64' ? simdOp.f64x2_convert_low_i32x4_s : simdOp.f32x4_convert_i32x4_s);
  builder.set(result);
  if (step.to === 'f64') builder.branch(context.done);
  else branchIfOrdinaryMode(context, 'f32');
}

/** Singles to integers: those that fit, which a NaN never does. */
function emitPackedToInteger(context: FloatContext, { step, b, result }: Places): void {
  const { builder } = context;
  const { packed } = NATIVE_F32;
  const whole = context.temporary(V128);
  builder.get(b);
  builder.op(step.control === ROUND_TO_ZERO ? simdOp.f32x4_trunc : simdOp.f32x4_nearest);
  builder.set(whole);
  builder.get(whole);
  builder.op(simdOp.i32x4_trunc_sat_f32x4_s);
  builder.set(result);
  const unusual = builder.open(op.block);
  builder.get(whole);
  builder.op(packed.abs);
  builder.f32(2 ** 31);
  builder.op(packed.splat);
  builder.op(packed.lt);
  builder.op(packed.allTrue);
  builder.op(op.i32_eqz);
  builder.branch(unusual, op.br_if);
  branchIfOrdinaryMode(context, 'f32');
  builder.close();
}

function emitPackedWiden(context: FloatContext, places: Places): void {
  const { builder } = context;
  builder.get(places.b);
  builder.op(simdOp.f64x2_promote_low_f32x4);
  builder.set(places.result);
  branchIfQuiet(context, { ...places, a: places.b });
}
