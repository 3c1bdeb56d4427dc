import type { FloatStep } from '../../semantics/floatStep.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import { NATIVE_F32, NATIVE_F64, type NativeFormat } from './floatLimits.ts';
import { op } from './wasmModule.ts';

/** Operands and result of an operation under way: numbers of locals. */
export interface Places {
  readonly step: FloatStep;
  readonly a: number;
  readonly b: number;
  readonly result: number;
}

/** What the emitters of floating-point operations share while one is written. */
export interface FloatContext {
  readonly builder: CodeBuilder;
  /** The floors of 'f64' and 'f32' (floatLimits). */
  readonly floors: Readonly<Record<string, number>>;
  /** Level of the block that is left once the result is right. */
  done: number;
  /** A local of this type until the instruction ends. */
  temporary(type: number): number;
}

export const nativeOf = (format: string): NativeFormat => (format === 'f64' ? NATIVE_F64 : NATIVE_F32);

/** Leaves the low lane of a vector on the stack. */
export function pushLow(builder: CodeBuilder, extract: number, vector: number): void {
  builder.get(vector);
  builder.op(extract);
  builder.code.byte(0);
}

/** With a vector and a lane on the stack: the vector with its low lane replaced is in the local. */
export function setLow(builder: CodeBuilder, replace: number, local: number): void {
  builder.op(replace);
  builder.code.byte(0);
  builder.set(local);
}

/** Goes to `done` when MXCSR is ordinary: a floor is finite then. */
export function branchIfOrdinaryMode({ builder, floors, done }: FloatContext, format: string): void {
  const { constant, greatest, scalar } = nativeOf(format);
  builder.get(floors[format]!);
  constant(builder, greatest);
  builder.op(scalar.le);
  builder.branch(done, op.br_if);
}
