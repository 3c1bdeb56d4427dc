import type { Width } from '../decode/instruction.ts';
import type { FloatStep } from './floatStep.ts';
import type { Ops, Value } from './ops.ts';

/**
 * What happens to each lane of vectors: a definition in terms of `Ops`. An engine may know a quicker way to the same result for a name and a
 * width.
 */
export interface LaneOperation {
  readonly name: string;
  /** The lane of the result, from lanes of `width` bits. */
  lane(ops: Ops<Value>, width: Width, a: Value, b: Value): Value;
}

/**
 * What a meaning may do with 128-bit values, beside `Ops`. Lanes are numbered from the low end. The conventions of `Ops` hold: reads are
 * snapshots, register writes take effect at the end.
 */
export interface VectorOps<V> {
  /**
   * Nothing happens when SSE instructions may be executed. Every meaning that uses XMM registers or MXCSR asks first.
   * Raises: #UD when CR0.EM = 1 or CR4.OSFXSR = 0; #NM when CR0.TS = 1.
   */
  requireSse(): void;

  readXmm(register: number): V;
  writeXmm(register: number, value: V): void;
  /** 16 bytes at a linear address (64 bits), aligned or not; as `load` and `store` otherwise. */
  loadVector(segment: number, la: V): V;
  storeVector(segment: number, la: V, value: V): void;
  vectorConstant(value: bigint): V;

  /** Lane `index` as a value of `width` bits. */
  lane(width: Width, vector: V, index: number): V;
  /** The vector with lane `index` replaced. */
  withLane(width: Width, vector: V, index: number, value: V): V;
  /** The operation on every pair of lanes. */
  lanewise(operation: LaneOperation, width: Width, a: V, b: V): V;
  /** Every lane shifted by `count` (64 bits, any value), as `Ops` shifts. */
  shiftLanes(direction: 'left' | 'right' | 'rightSigned', width: Width, a: V, count: V): V;
  /** Byte i of the result is byte `bytes[i]` of a (0–15) or b (16–31). */
  shuffle(a: V, b: V, bytes: readonly number[]): V;
  /** Byte i of the result is the byte of `a` that byte i of `indices` names; 0 where that is 16 or more. */
  swizzle(a: V, indices: V): V;
  /** The sign bits of all lanes, lane 0 lowest. */
  signMask(width: Width, a: V): V;

  /**
   * A floating-point operation by MXCSR's rounding, masks and modes. The lanes it does not compute are those of `a`; an integer result or source
   * (`step.integerResult`, `integerSource`) is a value of its format's width. MXCSR's exception flags are written at once: nothing that a
   * meaning does later may fault.
   * Raises: #XM for an unmasked exception, #UD instead when CR4.OSXMMEXCPT = 0; the flags are set then, too.
   */
  floating(step: FloatStep, a: V, b: V): V;
  readMxcsr(): V;
  /** Writes all bits; the meaning has excluded reserved ones. */
  writeMxcsr(value: V): void;
}
