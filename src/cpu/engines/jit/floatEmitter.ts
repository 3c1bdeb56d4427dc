/**
 * Floating-point operations in generated code: WebAssembly's own where that is exact (floatLimits), a second look for zeros, and the reference
 * engine's unit for the rest.
 */
import type { CodeBuilder } from './codeBuilder.ts';
import type { Effect } from './effect.ts';
import { emitCompare, emitExtremum, emitOrder } from './floatComparisons.ts';
import { type FloatContext, nativeOf, type Places, pushLow, setLow } from './floatContext.ts';
import { emitConvert } from './floatConversions.ts';
import { emitFloor, NATIVE_F32, NATIVE_F64 } from './floatLimits.ts';
import { FLOAT_OPERANDS_BYTE } from './jitLayout.ts';
import type { NodeEmitter } from './node.ts';
import { simdOp } from './simd.ts';
import { F32, F64, op } from './wasmModule.ts';

/** Function numbers of the runtime. */
export interface FloatNumbers {
  readonly floating: number;
  readonly ordinaryF64: number;
  readonly ordinaryF32: number;
}

type Floating = Extract<Effect, { kind: 'floating' }>;
type Arithmetic = 'add' | 'sub' | 'mul' | 'div' | 'sqrt';

const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  ...{ add: 'add', subtract: 'sub', multiply: 'mul', divide: 'div', squareRoot: 'sqrt' },
};

export class FloatEmitter {
  private readonly nodes: NodeEmitter;
  private readonly builder: CodeBuilder;
  private readonly core: number;
  private readonly numbers: FloatNumbers;
  private readonly leaveFaulted: () => void;
  private readonly context: FloatContext;
  private used = false;

  constructor(nodes: NodeEmitter, core: number, numbers: FloatNumbers, leaveFaulted: () => void) {
    this.nodes = nodes;
    this.builder = nodes.builder;
    this.core = core;
    this.numbers = numbers;
    this.leaveFaulted = leaveFaulted;
    this.context = {
      builder: this.builder,
      floors: { f64: this.builder.local(F64), f32: this.builder.local(F32) },
      done: 0,
      temporary: (type) => nodes.temporaries.take(type),
    };
  }

  /** The floors are as MXCSR says. */
  emitFloors(builder: CodeBuilder): void {
    if (!this.used) return;
    emitFloor(builder, this.core, NATIVE_F64, this.context.floors['f64']!);
    emitFloor(builder, this.core, NATIVE_F32, this.context.floors['f32']!);
  }

  emit({ step, a, b, result }: Floating): void {
    const { builder, nodes } = this;
    this.used = true;
    result.home = nodes.temporaries.take(result.type);
    const places: Places = { step, a: nodes.inLocal(a), b: nodes.inLocal(b), result: result.home };
    this.context.done = builder.open(op.block);
    this.emitNative(places);
    this.emitHostCall(places);
    builder.close();
  }

  /** The result by WebAssembly's means, and branches to `done` where it is right. */
  private emitNative(places: Places): void {
    const { operation, lanes } = places.step;
    const arithmetic = ARITHMETIC[operation];
    if (arithmetic !== undefined) {
      if (lanes === 1) this.emitScalarArithmetic(places, arithmetic);
      else this.emitPackedArithmetic(places, arithmetic);
      this.emitSecondLook(places, arithmetic);
    } else if (operation === 'minimum' || operation === 'maximum') emitExtremum(this.context, places);
    else if (operation === 'order') emitOrder(this.context, places);
    else if (operation === 'compare') emitCompare(this.context, places);
    else if (operation === 'convert') emitConvert(this.context, places);
  }

  private emitScalarArithmetic(places: Places, operation: Arithmetic): void {
    const { builder, context } = this;
    const { step, a, b, result } = places;
    const { scalar, packed, type, constant, greatest } = nativeOf(step.from);
    const r = context.temporary(type);
    if (operation !== 'sqrt') pushLow(builder, packed.extract, a);
    pushLow(builder, packed.extract, b);
    builder.op(scalar[operation]);
    builder.set(r);
    builder.get(a);
    builder.get(r);
    setLow(builder, packed.replace, result);
    const unusual = builder.open(op.block);
    this.leastMagnitude(places, operation === 'sqrt');
    builder.op(packed.extract);
    builder.code.byte(0);
    builder.get(context.floors[step.from]!);
    builder.op(scalar.gt);
    builder.op(op.i32_eqz);
    builder.branch(unusual, op.br_if);
    builder.get(r);
    builder.op(scalar.abs);
    constant(builder, greatest);
    builder.op(scalar.le);
    builder.branch(context.done, op.br_if);
    builder.close();
  }

  private emitPackedArithmetic(places: Places, operation: Arithmetic): void {
    const { builder, context } = this;
    const { step, a, b, result } = places;
    const { packed, constant, greatest } = nativeOf(step.from);
    if (operation !== 'sqrt') builder.get(a);
    builder.get(b);
    builder.op(packed[operation]);
    builder.set(result);
    this.leastMagnitude(places, operation === 'sqrt');
    builder.get(context.floors[step.from]!);
    builder.op(packed.splat);
    builder.op(packed.gt);
    builder.get(result);
    builder.op(packed.abs);
    constant(builder, greatest);
    builder.op(packed.splat);
    builder.op(packed.le);
    builder.op(simdOp.v128_and);
    builder.op(packed.allTrue);
    builder.branch(context.done, op.br_if);
  }

  /**
   * Leaves on the stack the least of |result|, |a| and |b|; of a square root, of result and b with their signs. A NaN operand may get lost on the
   * way, but makes the result a NaN, which does not: it comes first.
   */
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

  private emitSecondLook({ step, a, b, result }: Places, operation: Arithmetic): void {
    const { builder, numbers, context } = this;
    const all = (1 << step.lanes) - 1;
    // A root has one operand.
    builder.get(operation === 'sqrt' ? b : a);
    builder.get(b);
    builder.get(result);
    builder.get(context.floors[step.from]!);
    builder.i32(operation === 'add' || operation === 'sub' ? 1 : 0);
    builder.call(step.from === 'f64' ? numbers.ordinaryF64 : numbers.ordinaryF32);
    builder.i32(all);
    builder.op(op.i32_and);
    builder.i32(all);
    builder.op(op.i32_eq);
    builder.branch(context.done, op.br_if);
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
    builder.openIf(0);
    this.leaveFaulted();
    builder.close();
    builder.get(core);
    builder.memory(step.integerResult ? op.i64_load : simdOp.v128_load, FLOAT_OPERANDS_BYTE);
    builder.set(result);
    this.emitFloors(builder);
  }
}
