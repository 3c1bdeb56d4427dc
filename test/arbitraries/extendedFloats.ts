/** Extended floating-point numbers as bit patterns, biased to where rounding and exceptions happen. For seeded generators. */
import { type Random, randomBits, randomFloat } from './floats.ts';

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

const EXPONENTS = [0, 0, 1, 2, 0x7ffe, 0x7fff, 0x7fff, 0x3fff, 0x3fff, 0x3ffe, 0x4000, 0x3fbf, 0x403e, 0x403d, 0x401e, 0x400e];
const SIGNIFICANDS = [
  ...[0n, 1n, 1n << 63n, 1n << 63n, (1n << 63n) + 1n, (1n << 64n) - 1n, 3n << 62n, (3n << 62n) + 1n, (1n << 62n) + 5n, (1n << 63n) - 1n],
  ...[0xffff_ff00_0000_0000n, 0xffff_ff80_0000_0000n, 0xffff_ffff_ffff_f800n, 0xffff_ffff_ffff_fc00n, 0x8000_0000_0000_0400n],
  ...[0x8000_0080_0000_0000n, 0xa000_0000_0000_0000n, 0xfffe_0000_0000_0000n, 0xffff_ffff_0000_0000n, 0xffff_ffff_8000_0000n],
];

/** 80 bits: numbers, denormals and pseudo-denormals, unnormals, infinities and what looks like them, NaNs. */
export function randomExtended(random: Random): bigint {
  const sign = random() < 0.4 ? 1n << 79n : 0n;
  const kind = random();
  if (kind < 0.05) return randomBits(random, 80);
  if (kind < 0.2) return fromDouble(randomFloat(random, 64));
  const near = Math.floor(random() * 7) - 3;
  const exponent =
    kind < 0.45 ? pick(random, EXPONENTS) : kind < 0.85 ? 0x3fff + Math.floor(random() * 80) - 20 + near : pick(random, EXPONENTS) + near;
  const significand =
    random() < 0.4
      ? pick(random, SIGNIFICANDS)
      : random() < 0.5
        ? (randomBits(random, 6) << 58n) | (1n << 63n)
        : randomBits(random, 64) | (1n << 63n);
  const biased = BigInt(Math.max(0, Math.min(0x7fff, exponent)));
  const integer = random() < 0.93 && biased !== 0n ? 1n << 63n : 0n;
  return sign | (biased << 64n) | significand | (significand === 0n && random() < 0.7 ? 0n : integer);
}

const CONVERSION = new DataView(new ArrayBuffer(8));

/** A normal double as an extended number; others as one. */
function fromDouble(bits: bigint): bigint {
  CONVERSION.setBigUint64(0, bits);
  const biased = (bits >> 52n) & 0x7ffn;
  if (biased === 0n || biased === 0x7ffn) return (0x3fffn << 64n) | (1n << 63n);
  const fraction = BigInt.asUintN(52, bits) << 11n;
  return ((bits >> 63n) << 79n) | ((biased + 16383n - 1023n) << 64n) | (1n << 63n) | fraction;
}
