/** The 128-bit arithmetic of `VectorOps` on bigints: lanes are cut out and put back. */
import type { Width } from '../../decode/instruction.ts';
import type { Ops, Value } from '../../semantics/ops.ts';
import type { LaneOperation } from '../../semantics/vectorOps.ts';
import { BigintArithmetic } from './bigintArithmetic.ts';

const opaque = (value: bigint): Value => value as unknown as Value;

export class BigintVectors extends BigintArithmetic {
  vectorConstant(value: bigint): bigint {
    return value;
  }

  lane(width: Width, vector: bigint, index: number): bigint {
    return BigInt.asUintN(width, vector >> BigInt(index * width));
  }

  withLane(width: Width, vector: bigint, index: number, value: bigint): bigint {
    const shift = BigInt(index * width);
    const mask = ((1n << BigInt(width)) - 1n) << shift;
    return (vector & ~mask) | (value << shift);
  }

  lanewise(operation: LaneOperation, width: Width, a: bigint, b: bigint): bigint {
    const ops = this as unknown as Ops<Value>;
    return this.each(width, (i) => {
      const value = operation.lane(ops, width, opaque(this.lane(width, a, i)), opaque(this.lane(width, b, i)));
      return value as unknown as bigint;
    });
  }

  shiftLanes(direction: 'left' | 'right' | 'rightSigned', width: Width, a: bigint, count: bigint): bigint {
    return this.each(width, (i) => {
      const lane = this.lane(width, a, i);
      if (direction === 'left') return this.shiftLeft(width, lane, count);
      return direction === 'right' ? this.shiftRight(width, lane, count) : this.shiftRightSigned(width, lane, count);
    });
  }

  shuffle(a: bigint, b: bigint, bytes: readonly number[]): bigint {
    const both = (b << 128n) | a;
    return this.each(8, (i) => (both >> BigInt(bytes[i]! * 8)) & 0xffn);
  }

  swizzle(a: bigint, indices: bigint): bigint {
    return this.each(8, (i) => {
      const index = this.lane(8, indices, i);
      return index > 15n ? 0n : this.lane(8, a, Number(index));
    });
  }

  signMask(width: Width, a: bigint): bigint {
    let mask = 0n;
    for (let i = 128 / width - 1; i >= 0; i--) mask = (mask << 1n) | (this.lane(width, a, i) >> BigInt(width - 1));
    return mask;
  }

  private each(width: Width, lane: (index: number) => bigint): bigint {
    let result = 0n;
    for (let i = 128 / width - 1; i >= 0; i--) result = (result << BigInt(width)) | lane(i);
    return result;
  }
}
