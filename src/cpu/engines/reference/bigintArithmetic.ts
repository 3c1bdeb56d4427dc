/** The arithmetic of `Ops` on bigints: every value is zero-extended from its width. Slow and obvious. */
import type { Width } from '../../decode/instruction.ts';

/** 2^width - 1, by width / 8. */
const MASKS = [0n, 0xffn, 0xffffn, 0n, 0xffff_ffffn, 0n, 0n, 0n, 0xffff_ffff_ffff_ffffn] as const;
/** 2^(width - 1), by width / 8. */
const SIGNS = [0n, 0x80n, 0x8000n, 0n, 0x8000_0000n, 0n, 0n, 0n, 0x8000_0000_0000_0000n] as const;

const maskOf = (width: Width): bigint => MASKS[width >> 3]!;
const signed = (width: number, a: bigint): bigint => BigInt.asIntN(width, a);

/** Values 0 to 255, so that bytes and truth values cost no allocation. */
export const SMALL: readonly bigint[] = Array.from({ length: 256 }, (_, i) => BigInt(i));

const scratch = new DataView(new ArrayBuffer(8));

function popCount32(a: number): number {
  let n = a - ((a >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

const low32 = (a: bigint): number => Number(a & 0xffff_ffffn);
const high32 = (a: bigint): number => Number(a >> 32n);

export class BigintArithmetic {
  constant(_width: Width, value: bigint): bigint {
    return value;
  }

  add(width: Width, a: bigint, b: bigint): bigint {
    const r = a + b;
    if (width === 64) return BigInt.asUintN(64, r);
    const mask = maskOf(width);
    return r > mask ? r & mask : r;
  }

  sub(width: Width, a: bigint, b: bigint): bigint {
    const r = a - b;
    if (width === 64) return BigInt.asUintN(64, r);
    return r < 0n ? r & maskOf(width) : r;
  }

  mul(width: Width, a: bigint, b: bigint): bigint {
    return (a * b) & maskOf(width);
  }

  mulHighUnsigned(width: Width, a: bigint, b: bigint): bigint {
    return (a * b) >> BigInt(width);
  }

  mulHighSigned(width: Width, a: bigint, b: bigint): bigint {
    return ((signed(width, a) * signed(width, b)) >> BigInt(width)) & maskOf(width);
  }

  divideUnsigned(width: Width, high: bigint, low: bigint, divisor: bigint): bigint {
    return (((high << BigInt(width)) | low) / divisor) & maskOf(width);
  }

  remainderUnsigned(width: Width, high: bigint, low: bigint, divisor: bigint): bigint {
    return (((high << BigInt(width)) | low) % divisor) & maskOf(width);
  }

  divideSigned(width: Width, high: bigint, low: bigint, divisor: bigint): bigint {
    return (signed(2 * width, (high << BigInt(width)) | low) / signed(width, divisor)) & maskOf(width);
  }

  remainderSigned(width: Width, high: bigint, low: bigint, divisor: bigint): bigint {
    return (signed(2 * width, (high << BigInt(width)) | low) % signed(width, divisor)) & maskOf(width);
  }

  signedDivideOverflows(width: Width, high: bigint, low: bigint, divisor: bigint): bigint {
    if (divisor === 0n) return 1n;
    const quotient = signed(2 * width, (high << BigInt(width)) | low) / signed(width, divisor);
    return signed(width, quotient) === quotient ? 0n : 1n;
  }

  and(_width: Width, a: bigint, b: bigint): bigint {
    return a & b;
  }

  or(_width: Width, a: bigint, b: bigint): bigint {
    return a | b;
  }

  xor(_width: Width, a: bigint, b: bigint): bigint {
    return a ^ b;
  }

  not(width: Width, a: bigint): bigint {
    return a ^ maskOf(width);
  }

  negate(width: Width, a: bigint): bigint {
    return a === 0n ? a : maskOf(width) + 1n - a;
  }

  shiftLeft(width: Width, a: bigint, count: bigint): bigint {
    return count >= width ? 0n : (a << count) & maskOf(width);
  }

  shiftRight(width: Width, a: bigint, count: bigint): bigint {
    return count >= width ? 0n : a >> count;
  }

  shiftRightSigned(width: Width, a: bigint, count: bigint): bigint {
    return (signed(width, a) >> (count >= width ? BigInt(width - 1) : count)) & maskOf(width);
  }

  popCount(_width: Width, a: bigint): bigint {
    return SMALL[popCount32(low32(a)) + popCount32(high32(a))]!;
  }

  countTrailingZeros(width: Width, a: bigint): bigint {
    if (a === 0n) return SMALL[width]!;
    const low = low32(a) | 0;
    if (low !== 0) return SMALL[31 - Math.clz32(low & -low)]!;
    const high = high32(a) | 0;
    return SMALL[63 - Math.clz32(high & -high)]!;
  }

  countLeadingZeros(width: Width, a: bigint): bigint {
    const high = high32(a);
    const zeros = high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low32(a));
    return SMALL[zeros - (64 - width)]!;
  }

  byteSwap(width: 32 | 64, a: bigint): bigint {
    scratch.setBigUint64(0, a, true);
    return width === 64 ? scratch.getBigUint64(0, false) : BigInt(scratch.getUint32(0, false));
  }

  equal(_width: Width, a: bigint, b: bigint): bigint {
    return a === b ? 1n : 0n;
  }

  lessUnsigned(_width: Width, a: bigint, b: bigint): bigint {
    return a < b ? 1n : 0n;
  }

  lessSigned(width: Width, a: bigint, b: bigint): bigint {
    const sign = SIGNS[width >> 3]!;
    return (a ^ sign) < (b ^ sign) ? 1n : 0n;
  }

  select(_width: Width, condition: bigint, a: bigint, b: bigint): bigint {
    return condition !== 0n ? a : b;
  }

  zeroExtend(_from: Width, _to: Width, a: bigint): bigint {
    return a;
  }

  signExtend(from: Width, to: Width, a: bigint): bigint {
    return a < SIGNS[from >> 3]! ? a : a + (maskOf(to) - maskOf(from));
  }

  truncate(_from: Width, to: Width, a: bigint): bigint {
    return a & maskOf(to);
  }
}
