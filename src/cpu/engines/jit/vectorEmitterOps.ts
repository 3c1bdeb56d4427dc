/** The part of `Ops` over nodes that deals with 128-bit values. */
import type { Width } from '../../decode/instruction.ts';
import type { FloatStep } from '../../semantics/floatStep.ts';
import type { Ops, Value } from '../../semantics/ops.ts';
import type { LaneOperation } from '../../semantics/vectorOps.ts';
import type { Effect } from './effect.ts';
import { MXCSR_BYTE } from './jitLayout.ts';
import { constantNode, localNode, Node, stateNode } from './node.ts';
import { notCompilable } from './notCompilable.ts';
import {
  laneNode,
  lanewiseNode,
  shiftNode,
  shuffleNode,
  signMaskNode,
  splatNode,
  swizzleNode,
  vectorConstantNode,
  withLaneNode,
} from './vectorNodes.ts';
import { I64, op, V128 } from './wasmModule.ts';

export abstract class VectorEmitterOps {
  effects: Effect[] = [];
  /** XMM registers that code written so far reads or writes, and writes. */
  readonly touchedXmm = new Set<number>();
  readonly writtenXmm = new Set<number>();
  /** Some instruction needs SSE to be enabled. */
  needsSse = false;
  private readonly xmmLocals: readonly number[];

  constructor(xmmLocals: readonly number[]) {
    this.xmmLocals = xmmLocals;
  }

  /** Checked when the region is entered (regionFrame). */
  requireSse(): void {
    this.needsSse = true;
  }

  readXmm(register: number): Node {
    this.touchedXmm.add(register);
    return localNode(this.xmmLocals[register]!, 128, V128);
  }

  writeXmm(register: number, value: Node): void {
    this.touchedXmm.add(register);
    this.writtenXmm.add(register);
    value.uses++;
    this.effects.push({ kind: 'xmm', register, value });
  }

  loadVector(segment: number, la: Node): Node {
    la.uses += 2;
    const result = settledNode(V128, 128);
    this.effects.push({ kind: 'load', width: 128, segment, la, result, update: false });
    return result;
  }

  storeVector(segment: number, la: Node, value: Node): void {
    la.uses += 2;
    value.uses += 2;
    this.effects.push({ kind: 'store', width: 128, segment, la, value });
  }

  vectorConstant(value: bigint): Node {
    return vectorConstantNode(value);
  }

  lane(width: Width, vector: Node, index: number): Node {
    return laneNode(width, vector, index);
  }

  withLane(width: Width, vector: Node, index: number, value: Node): Node {
    return withLaneNode(width, vector, index, value);
  }

  lanewise(operation: LaneOperation, width: Width, a: Node, b: Node): Node {
    const direct = lanewiseNode(operation, width, a, b);
    if (direct !== undefined) return direct;
    const ops = this as unknown as Ops<Value>;
    const opaque = (node: Node): Value => node as unknown as Value;
    let result = vectorConstantNode(0n);
    for (let i = 0; i < 128 / width; i++) {
      const lane = operation.lane(ops, width, opaque(laneNode(width, a, i)), opaque(laneNode(width, b, i)));
      result = withLaneNode(width, result, i, lane as unknown as Node);
    }
    return result;
  }

  shiftLanes(direction: 'left' | 'right' | 'rightSigned', width: Width, a: Node, count: Node): Node {
    const ops = this as unknown as Ops<Node>;
    const last = constantNode(BigInt(width - 1));
    if (direction === 'rightSigned') {
      const held = ops.select(64, ops.lessUnsigned(64, count, last), count, last);
      return shiftNode(direction, width, a, held);
    }
    if (count.isConstant) return count.value >= width ? vectorConstantNode(0n) : shiftNode(direction, width, a, count);
    // WebAssembly takes counts modulo the width.
    const near = splatNode(ops.negate(64, ops.zeroExtend(8, 64, ops.lessUnsigned(64, count, constantNode(BigInt(width))))));
    return this.masked(shiftNode(direction, width, a, count), near);
  }

  private masked(a: Node, mask: Node): Node {
    return lanewiseNode({ name: 'and', lane: (_ops, _width, x) => x }, 64, a, mask)!;
  }

  shuffle(a: Node, b: Node, bytes: readonly number[]): Node {
    return shuffleNode(a, b, bytes);
  }

  swizzle(a: Node, indices: Node): Node {
    return swizzleNode(a, indices);
  }

  signMask(width: Width, a: Node): Node {
    return signMaskNode(width, a);
  }

  floating(step: FloatStep, a: Node, b: Node): Node {
    a.uses += 2;
    b.uses += 2;
    const result = step.integerResult ? settledNode(I64, 64) : settledNode(V128, 128);
    this.effects.push({ kind: 'floating', step, a, b, result });
    return result;
  }

  readMxcsr(): Node {
    return stateNode(MXCSR_BYTE, 32);
  }

  /** The x87 unit and MMX registers are left to the reference engine. */
  requireX87(): never {
    throw notCompilable;
  }
  waitForX87(): never {
    throw notCompilable;
  }
  requireMmx(): never {
    throw notCompilable;
  }
  noteX87(): void {}
  x87(): never {
    throw notCompilable;
  }
  readMmx(): never {
    throw notCompilable;
  }
  writeMmx(): never {
    throw notCompilable;
  }

  /** What has been derived from MXCSR would be out of date. */
  writeMxcsr(): void {
    throw notCompilable;
  }
}

/** A node whose home is set when the effect that gives it its value is emitted. */
export function settledNode(type: number, bits: number): Node {
  const result = new Node(op.unreachable, type, bits);
  result.uses = 2;
  return result;
}
