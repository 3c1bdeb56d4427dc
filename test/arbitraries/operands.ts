/** Operand values biased to edges: zero, all ones, sign boundaries, small numbers, single bits. */
import * as fc from 'fast-check';
import type { Width } from '../../src/cpu/decode/instruction.ts';

export const WIDTHS: readonly Width[] = [8, 16, 32, 64];

export const width: fc.Arbitrary<Width> = fc.constantFrom(...WIDTHS);

/** A value below 2^bits. */
export function bitsOf(bits: number): fc.Arbitrary<bigint> {
  const top = 1n << BigInt(bits);
  const edges = [0n, 1n, 2n, 9n, 10n, 15n, 16n, top - 1n, top - 2n, top / 2n, top / 2n - 1n, top / 2n + 1n];
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...edges.map((edge) => BigInt.asUintN(bits, edge))) },
    { weight: 1, arbitrary: fc.nat(bits - 1).map((n) => 1n << BigInt(n)) },
    { weight: 4, arbitrary: fc.bigInt({ min: 0n, max: top - 1n }) },
  );
}

/** A 64-bit register value whose low parts are as edgy as its whole. */
export const registerValue: fc.Arbitrary<bigint> = fc.oneof(
  bitsOf(64),
  fc.tuple(bitsOf(32), bitsOf(32)).map(([high, low]) => (high << 32n) | low),
  fc.tuple(bitsOf(56), bitsOf(8)).map(([high, low]) => (high << 8n) | low),
);

/** Any combination of the six status flags, with the fixed bit. */
export const statusFlags: fc.Arbitrary<number> = fc.nat(63).map((bits) => {
  const positions = [0, 2, 4, 6, 7, 11];
  return positions.reduce((word, position, i) => word | (((bits >> i) & 1) << position), 2);
});
