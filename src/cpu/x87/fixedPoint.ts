/** Elementary functions on fixed-point numbers: bigints that count units of 2^-bits. Good to a few units. */

/** 64 bits beyond the point of π, as processors keep it for reduction: 66 significant bits. */
export const PI_66 = 0x3_243f_6a88_85a3_08d3n;
export const PI_66_BITS = 64;

/** ln 2 and π with `bits` bits beyond the point, worked out once for each precision. */
const logarithms = new Map<number, bigint>();
const circles = new Map<number, bigint>();

const once = (known: Map<number, bigint>, bits: number, compute: () => bigint): bigint => {
  let value = known.get(bits);
  if (value === undefined) {
    value = compute();
    known.set(bits, value);
  }
  return value;
};

export const lnTwo = (bits: number): bigint => once(logarithms, bits, () => 2n * artanh((1n << BigInt(bits)) / 3n, bits));

/** Machin's formula. */
export const pi = (bits: number): bigint =>
  once(circles, bits, () => {
    const part = (n: bigint): bigint => arctangentSeries((1n << BigInt(bits)) / n, bits);
    return 4n * (4n * part(5n) - part(239n));
  });

/** z + z³/3 + z⁵/5 + …, |z| well below 1. */
export function artanh(z: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const square = (z * z) >> shift;
  let sum = z;
  let power = z;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = (power * square) >> shift;
    sum += power / n;
  }
  return sum;
}

function arctangentSeries(z: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const square = (z * z) >> shift;
  let sum = z;
  let power = z;
  for (let n = 3n; power !== 0n && power !== -1n; n += 2n) {
    power = -((power * square) >> shift);
    sum += power / n;
  }
  return sum;
}

/** arctan z, 0 <= z <= 1: the angle is halved until the series is short. */
export function arctangent(z: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  const one = 1n << shift;
  let part = z;
  for (let i = 0; i < 4; i++) part = (part << shift) / (one + squareRoot(one * one + part * part));
  return arctangentSeries(part, bits) << 4n;
}

function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** e^z - 1, |z| < 1. */
export function exponentialLessOne(z: bigint, bits: number): bigint {
  const shift = BigInt(bits);
  let sum = 0n;
  let term = 1n << shift;
  for (let n = 1n; ; n++) {
    term = ((term * z) >> shift) / n;
    if (term === 0n || term === -1n) return sum;
    sum += term;
  }
}

/** Sine and cosine, |z| < 1. */
export function sineAndCosine(z: bigint, bits: number): { sine: bigint; cosine: bigint } {
  const shift = BigInt(bits);
  const sums: [bigint, bigint] = [0n, 0n];
  let term = 1n << shift;
  for (let n = 0; term !== 0n && term !== -1n; n++) {
    // cos: +1, -z²/2, …; sin: +z, -z³/6, …
    sums[n & 1]! += n & 2 ? -term : term;
    term = ((term * z) >> shift) / BigInt(n + 1);
  }
  return { cosine: sums[0], sine: sums[1] };
}

/** log2 of a significand of `length` bits, its leading bit standing for 1: in [0, 1). */
export function logarithmOfSignificand(significand: bigint, length: number, bits: number): bigint {
  const one = 1n << BigInt(length - 1);
  const z = ((significand - one) << BigInt(bits)) / (significand + one);
  return ((2n * artanh(z, bits)) << BigInt(bits)) / lnTwo(bits);
}
