/**
 * Floating-point operations in generated code: WebAssembly's own where that is exact (floatLimits), a second look for zeros, and the reference
 * engine's unit for the rest.
 */
import { type FloatStep, PREDICATE_EQ, PREDICATE_LE, PREDICATE_LT, PREDICATE_NOT, ROUNDING_BY_MXCSR } from '../../semantics/floatStep.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import type { Effect } from './effect.ts';
import { emitFloor, NATIVE_F32, NATIVE_F64, type NativeFormat } from './floatLimits.ts';
import { FLOAT_OPERANDS_BYTE } from './jitLayout.ts';
import type { NodeEmitter } from './node.ts';
import { simdOp } from './simd.ts';
import { F32, F64, I32, op, V128 } from './wasmModule.ts';

/** Function numbers of the runtime. */
export interface FloatNumbers {
  readonly floating: number;
  readonly ordinaryF64: number;
  readonly ordinaryF32: number;
}

type Floating = Extract<Effect, { kind: 'floating' }>;
/** An operation under way: its operands and result in locals. */
interface Places {
  readonly step: FloatStep;
  readonly a: number;
  readonly b: number;
  readonly result: number;
}

const ARITHMETIC: Readonly<Record<string, 'add' | 'sub' | 'mul' | 'div' | 'sqrt'>> = {
  ...{ add: 'add', subtract: 'sub', multiply: 'mul', divide: 'div', squareRoot: 'sqrt' },
};

const nativeOf = (format: string): NativeFormat => (format === 'f64' ? NATIVE_F64 : NATIVE_F32);

export class FloatEmitter {
  private readonly nodes: NodeEmitter;
  private readonly builder: CodeBuilder;
  private readonly core: number;
  private readonly numbers: FloatNumbers;
  private readonly leaveFaulted: () => void;
  private readonly floors: Readonly<Record<string, number>>;
  private used = false;
  /** Level of the block that is left once the result is right. */
  private done = 0;

  constructor(nodes: NodeEmitter, core: number, numbers: FloatNumbers, leaveFaulted: () => void) {
    this.nodes = nodes;
    this.builder = nodes.builder;
    this.core = core;
    this.numbers = numbers;
    this.leaveFaulted = leaveFaulted;
    this.floors = { f64: this.builder.local(F64), f32: this.builder.local(F32) };
  }

  /** The floors are as MXCSR says. */
  emitFloors(builder: CodeBuilder): void {
    if (!this.used) return;
    emitFloor(builder, this.core, NATIVE_F64, this.floors['f64']!);
    emitFloor(builder, this.core, NATIVE_F32, this.floors['f32']!);
  }

  emit({ step, a, b, result }: Floating): void {
    const { builder, nodes } = this;
    this.used = true;
    result.home = nodes.temporaries.take(result.type);
    const places: Places = { step, a: nodes.inLocal(a), b: nodes.inLocal(b), result: result.home };
    this.done = builder.open(op.block);
    this.emitNative(places);
    this.emitHostCall(places);
    builder.close();
  }

  /** The result by WebAssembly's means, and branches to `done` where it is right. */
  private emitNative(places: Places): void {
    const { operation, lanes, control } = places.step;
    const arithmetic = ARITHMETIC[operation];
    if (arithmetic !== undefined) {
      if (lanes === 1) this.emitScalarArithmetic(places, arithmetic);
      else this.emitPackedArithmetic(places, arithmetic);
    } else if (operation === 'minimum' || operation === 'maximum') this.emitExtremum(places);
    else if (operation === 'order' && lanes === 1) this.emitOrder(places);
    else if (operation === 'compare' && lanes === 1) this.emitCompare(places);
    else if (operation === 'convert' && lanes === 1 && (control & ROUNDING_BY_MXCSR || control === 3)) this.emitConvert(places);
  }

  private emitScalarArithmetic({ step, a, b, result }: Places, operation: 'add' | 'sub' | 'mul' | 'div' | 'sqrt'): void {
    const { builder } = this;
    const { scalar, packed, type } = nativeOf(step.from);
    const r = this.nodes.temporaries.take(type);
    if (operation !== 'sqrt') this.low(packed.extract, a);
    this.low(packed.extract, b);
    builder.op(scalar[operation]);
    builder.set(r);
    builder.get(a);
    builder.get(r);
    builder.op(packed.replace);
    builder.code.byte(0);
    builder.set(result);
    const unusual = builder.open(op.block);
    // The least magnitude of all; a NaN that gets lost on the way makes the result a NaN, which is first in line.
    this.leastMagnitude({ step, a, b, result }, operation === 'sqrt');
    builder.op(packed.extract);
    builder.code.byte(0);
    builder.get(this.floors[step.from]!);
    builder.op(scalar.gt);
    builder.op(op.i32_eqz);
    builder.branch(unusual, op.br_if);
    builder.get(r);
    builder.op(scalar.abs);
    nativeOf(step.from).constant(builder, nativeOf(step.from).greatest);
    builder.op(scalar.le);
    builder.branch(this.done, op.br_if);
    builder.close();
    this.emitSecondLook({ step, a, b, result }, operation);
  }

  private emitPackedArithmetic(places: Places, operation: 'add' | 'sub' | 'mul' | 'div' | 'sqrt'): void {
    const { builder } = this;
    const { step, a, b, result } = places;
    const native = nativeOf(step.from);
    const { packed } = native;
    if (operation !== 'sqrt') builder.get(a);
    builder.get(b);
    builder.op(packed[operation]);
    builder.set(result);
    this.leastMagnitude(places, operation === 'sqrt');
    builder.get(this.floors[step.from]!);
    builder.op(packed.splat);
    builder.op(packed.gt);
    builder.get(result);
    builder.op(packed.abs);
    native.constant(builder, native.greatest);
    builder.op(packed.splat);
    builder.op(packed.le);
    builder.op(simdOp.v128_and);
    builder.op(packed.allTrue);
    builder.branch(this.done, op.br_if);
    this.emitSecondLook(places, operation);
  }

  /** Leaves on the stack the least of |result|, |a| and |b|; of a square root, of result and b with their signs. */
  private leastMagnitude({ step, a, b, result }: Places, root: boolean): void {
    const { builder } = this;
    const { packed } = nativeOf(step.from);
    builder.get(result);
    if (!root) {
      builder.op(packed.abs);
      builder.get(a);
      builder.op(packed.abs);
      builder.op(packed.pmin);
    }
    builder.get(b);
    if (!root) builder.op(packed.abs);
    builder.op(packed.pmin);
  }

  private emitSecondLook({ step, a, b, result }: Places, operation: string): void {
    const { builder, numbers } = this;
    const all = (1 << step.lanes) - 1;
    // A root of zero is zero; of one operand, twice.
    builder.get(operation === 'sqrt' ? b : a);
    builder.get(b);
    builder.get(result);
    builder.get(this.floors[step.from]!);
    builder.i32(operation === 'add' || operation === 'sub' ? 1 : 0);
    builder.call(step.from === 'f64' ? numbers.ordinaryF64 : numbers.ordinaryF32);
    builder.i32(all);
    builder.op(op.i32_and);
    builder.i32(all);
    builder.op(op.i32_eq);
    builder.branch(this.done, op.br_if);
  }

  /** MIN and MAX take the second operand unless the first is strictly beyond it: WebAssembly's pseudo-minimum with its operands exchanged. */
  private emitExtremum({ step, a, b, result }: Places): void {
    const { builder } = this;
    const native = nativeOf(step.from);
    const { packed } = native;
    const vector = this.nodes.temporaries.take(V128);
    builder.get(b);
    builder.get(a);
    builder.op(step.operation === 'minimum' ? packed.pmin : packed.pmax);
    builder.set(vector);
    if (step.lanes === 1) {
      builder.get(a);
      this.low(packed.extract, vector);
      builder.op(packed.replace);
      builder.code.byte(0);
    } else builder.get(vector);
    builder.set(result);
    this.emitQuietOperands(native, a, b, step.lanes);
    builder.branch(this.done, op.br_if);
  }

  /** Leaves 1 on the stack when the low lanes of both are numbers and not denormal: comparing them signals nothing. */
  private emitQuietOperands(native: NativeFormat, a: number, b: number, lanes: number): void {
    const { builder } = this;
    const { packed } = native;
    const all = (1 << lanes) - 1;
    [a, b].forEach((operand, i) => {
      builder.get(operand);
      builder.op(packed.abs);
      native.constant(builder, native.leastNormal);
      builder.op(packed.splat);
      builder.op(packed.lt);
      builder.get(operand);
      native.constant(builder, 0);
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
    builder.i32(all);
    builder.op(op.i32_and);
    builder.op(op.i32_eqz);
  }

  private emitOrder({ step, a, b, result }: Places): void {
    const { builder } = this;
    const native = nativeOf(step.from);
    const { scalar, packed } = native;
    const compare = (opcode: number): void => {
      this.low(packed.extract, a);
      this.low(packed.extract, b);
      builder.op(opcode);
    };
    // CF, and ZF six places above it.
    compare(scalar.lt);
    compare(scalar.eq);
    builder.i32(6);
    builder.op(op.i32_shl);
    builder.op(op.i32_or);
    builder.op(op.i64_extend_i32_u);
    builder.set(result);
    this.emitQuietOperands(native, a, b, 1);
    builder.branch(this.done, op.br_if);
  }

  private emitCompare({ step, a, b, result }: Places): void {
    const { builder } = this;
    const native = nativeOf(step.from);
    const { scalar, packed } = native;
    const wide = step.from === 'f64';
    builder.get(a);
    const relation = step.control & 3;
    if (relation > PREDICATE_LE) builder.i32(0);
    else {
      this.low(packed.extract, a);
      this.low(packed.extract, b);
      builder.op({ [PREDICATE_EQ]: scalar.eq, [PREDICATE_LT]: scalar.lt, [PREDICATE_LE]: scalar.le }[relation]!);
    }
    if (step.control & PREDICATE_NOT) builder.op(op.i32_eqz);
    const truth = this.nodes.temporaries.take(I32);
    builder.set(truth);
    builder.i32(0);
    builder.get(truth);
    builder.op(op.i32_sub);
    if (wide) builder.op(op.i64_extend_i32_s);
    builder.op(wide ? simdOp.i64x2_replace_lane : simdOp.i32x4_replace_lane);
    builder.code.byte(0);
    builder.set(result);
    this.emitQuietOperands(native, a, b, 1);
    builder.branch(this.done, op.br_if);
  }

  private emitConvert(places: Places): void {
    const { step } = places;
    if (step.integerSource) this.emitFromInteger(places);
    else if (step.integerResult) this.emitToInteger(places);
    else if (step.from === 'f32') this.emitWiden(places);
    else this.emitNarrow(places);
  }

  private emitFromInteger({ step, a, b, result }: Places): void {
    const { builder } = this;
    const native = nativeOf(step.to);
    builder.get(a);
    builder.get(b);
    if (step.from === 'i32') builder.op(op.i32_wrap_i64);
    const wide = step.to === 'f64';
    if (step.from === 'i32') builder.op(wide ? op.f64_convert_i32_s : op.f32_convert_i32_s);
    else builder.op(wide ? op.f64_convert_i64_s : op.f32_convert_i64_s);
    builder.op(native.packed.replace);
    builder.code.byte(0);
    builder.set(result);
    if (step.from === 'i32' && wide) builder.branch(this.done);
    else this.branchIfOrdinaryMode(step.to);
  }

  /** Goes to `done` when MXCSR is ordinary: its floor is finite then. */
  private branchIfOrdinaryMode(format: string): void {
    const { builder } = this;
    const native = nativeOf(format);
    builder.get(this.floors[format]!);
    native.constant(builder, native.greatest);
    builder.op(native.scalar.le);
    builder.branch(this.done, op.br_if);
  }

  private emitToInteger({ step, b, result }: Places): void {
    const { builder } = this;
    const whole = this.nodes.temporaries.take(F64);
    this.low(nativeOf(step.from).packed.extract, b);
    if (step.from === 'f32') builder.op(op.f64_promote_f32);
    builder.op(step.control === 3 ? op.f64_trunc : op.f64_nearest);
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
    this.branchIfOrdinaryMode(step.from);
    builder.close();
  }

  /** To a wider format: exact; only what a denormal number or a signalling NaN signals is in the way. */
  private emitWiden({ step, a, b, result }: Places): void {
    const { builder } = this;
    builder.get(a);
    this.low(nativeOf(step.from).packed.extract, b);
    builder.op(op.f64_promote_f32);
    builder.op(NATIVE_F64.packed.replace);
    builder.code.byte(0);
    builder.set(result);
    this.emitQuietOperands(nativeOf(step.from), b, b, 1);
    builder.branch(this.done, op.br_if);
  }

  private emitNarrow({ step, a, b, result }: Places): void {
    const { builder } = this;
    const { scalar, packed, greatest } = NATIVE_F32;
    const r = this.nodes.temporaries.take(F32);
    this.low(nativeOf(step.from).packed.extract, b);
    builder.op(op.f32_demote_f64);
    builder.set(r);
    builder.get(a);
    builder.get(r);
    builder.op(packed.replace);
    builder.code.byte(0);
    builder.set(result);
    builder.get(r);
    builder.op(scalar.abs);
    builder.get(this.floors['f32']!);
    builder.op(scalar.gt);
    builder.get(r);
    builder.op(scalar.abs);
    builder.f32(greatest);
    builder.op(scalar.le);
    builder.op(op.i32_and);
    builder.branch(this.done, op.br_if);
  }

  private emitHostCall({ step, a, b, result }: Places): void {
    const { builder, core, numbers } = this;
    const put = (local: number, vector: boolean, offset: number): void => {
      builder.get(core);
      builder.get(local);
      builder.memory(vector ? simdOp.v128_store : op.i64_store, offset);
    };
    put(a, true, FLOAT_OPERANDS_BYTE);
    put(b, !step.integerSource, FLOAT_OPERANDS_BYTE + 16);
    builder.i32(step.id);
    builder.call(numbers.floating);
    builder.open(op.if);
    this.leaveFaulted();
    builder.close();
    builder.get(core);
    builder.memory(step.integerResult ? op.i64_load : simdOp.v128_load, FLOAT_OPERANDS_BYTE);
    builder.set(result);
    this.emitFloors(builder);
  }

  private low(extract: number, vector: number): void {
    this.builder.get(vector);
    this.builder.op(extract);
    this.builder.code.byte(0);
  }
}
