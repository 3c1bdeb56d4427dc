/** Floating-point numbers as bit patterns, biased to where rounding and exceptions happen. For seeded generators. */

/** Zeros, least and greatest denormal and normal numbers, one and its neighbours, exact halves, integer limits, infinities, NaNs of both kinds. */
const EDGES_64: readonly bigint[] = [
  ...[0n, 1n, 2n, 0xf_ffff_ffff_ffffn, 0x10_0000_0000_0000n, 0x10_0000_0000_0001n, 0x7fef_ffff_ffff_ffffn, 0x7ff0_0000_0000_0000n],
  ...[0x7ff0_0000_0000_0001n, 0x7ff7_ffff_ffff_ffffn, 0x7ff8_0000_0000_0000n, 0x7ffc_0000_1234_0000n, 0x3ff0_0000_0000_0000n],
  ...[0x3ff0_0000_0000_0001n, 0x3fef_ffff_ffff_ffffn, 0x3fe0_0000_0000_0000n, 0x3ff8_0000_0000_0000n, 0x4004_0000_0000_0000n],
  ...[0x41df_ffff_ffc0_0000n, 0x41df_ffff_ffe0_0000n, 0x41e0_0000_0000_0000n, 0x43df_ffff_ffff_ffffn, 0x43e0_0000_0000_0000n],
  ...[0x4330_0000_0000_0001n, 0x4340_0000_0000_0000n, 0x36a0_0000_0000_0000n, 0x380f_ffff_e000_0000n, 0x380f_ffff_f000_0000n],
  ...[0x47ef_ffff_e000_0000n, 0x47ef_ffff_f000_0000n, 0x0000_0000_0fff_ffffn, 0x2010_0000_0000_0000n, 0x5fe0_0000_0000_0000n],
];
const EDGES_32: readonly bigint[] = [
  ...[0n, 1n, 2n, 0x7f_ffffn, 0x80_0000n, 0x80_0001n, 0x7f7f_ffffn, 0x7f80_0000n, 0x7f80_0001n, 0x7fbf_ffffn, 0x7fc0_0000n, 0x7fe0_1234n],
  ...[0x3f80_0000n, 0x3f80_0001n, 0x3f7f_ffffn, 0x3f00_0000n, 0x3fc0_0000n, 0x4020_0000n, 0x4b00_0001n, 0x4b80_0000n, 0x4eff_ffffn],
  ...[0x4f00_0000n, 0x5eff_ffffn, 0x5f00_0000n, 0x2000_0000n, 0x5f80_0000n, 0x1f80_0000n],
];

export type Random = () => number;

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
export const randomBits = (random: Random, width: number): bigint => {
  let value = 0n;
  for (let i = 0; i < width; i += 32) value = (value << 32n) | BigInt(Math.floor(random() * 0x1_0000_0000));
  return BigInt.asUintN(width, value);
};

/** A pattern of 32 or 64 bits. */
export function randomFloat(random: Random, width: 32 | 64): bigint {
  const fraction = width === 64 ? 52 : 23;
  const sign = random() < 0.4 ? 1n << BigInt(width - 1) : 0n;
  const kind = random();
  if (kind < 0.35) return BigInt.asUintN(width, pick(random, width === 64 ? EDGES_64 : EDGES_32) | sign);
  if (kind < 0.45)
    return BigInt.asUintN(width, (pick(random, width === 64 ? EDGES_64 : EDGES_32) | sign) + BigInt(Math.floor(random() * 5) - 2));
  if (kind < 0.6) return randomBits(random, width);
  const bias = width === 64 ? 1023 : 127;
  // Near one, or near one of the ends: few significant bits, so that halves and exact results are common.
  const place = pick(random, [bias, bias, bias, 1, 2 * bias, bias + fraction, width === 64 ? bias - 1074 + 1022 : bias - 20, 1 + fraction]);
  const exponent = Math.max(0, Math.min(2 * bias, place + Math.floor(random() * 9) - 4));
  const bits = kind < 0.8 ? randomBits(random, fraction) : randomBits(random, 4) << BigInt(fraction - 4);
  return sign | (BigInt(exponent) << BigInt(fraction)) | bits;
}
