/** Code that shares its page: it does there what it does alone, and is compiled once. */
import { expect, test } from 'vitest';
import { RFLAGS_FIXED } from '../../src/arch/rflags.ts';
import { VECTOR_GP } from '../../src/arch/vectors.ts';
import { instructionsOf } from './generator.ts';
import { Model } from './model.ts';
import { type Place, placePieces, placeTogether, SLOTS } from './sharedPage.ts';
import type { SiliconCase } from './siliconCase.ts';
import { CODE, ORIGIN } from './surroundings.ts';

/** ADD EAX, number. */
const adds = (number: number): Uint8Array => Uint8Array.of(0x83, 0xc0, number);
const pieceOf = (code: Uint8Array) => ({ code, insns: instructionsOf(code, 64), origin: ORIGIN });
const caseAt = (code: Uint8Array, { origin, page }: Place): SiliconCase => ({
  ...{ codeSize: 64, smallStack: false, localTable: false, origin, page, code },
  ...{ gpr: new Array<bigint>(16).fill(0n), flags: RFLAGS_FIXED, template: 0, patches: [] },
});

test('pieces have a page together, as many as there is room for', () => {
  const codes = Array.from({ length: SLOTS + 1 }, (_, i) => adds(i));
  const places = placeTogether(codes);
  expect(new Set(places.slice(0, SLOTS).map(({ page }) => page)).size).toBe(1);
  expect(places[SLOTS]!.page).not.toBe(places[0]!.page);
  places.forEach(({ origin, page }, i) => {
    const code = codes[i]!;
    expect(page!.bytes.slice(origin - CODE, origin - CODE + code.length)).toEqual(code);
  });
});

test('what depends on where it stands, or could jump into another piece, is alone', () => {
  const ripRelative = Uint8Array.of(0x8b, 0x05, 0, 0, 0xfe, 0xff);
  const near = Uint8Array.of(0x74, 0x7f);
  const far = Uint8Array.of(0x0f, 0x84, 0, 0x07, 0, 0);
  const places = placePieces([ripRelative, near, far, adds(1)].map(pieceOf));
  expect(places.map(({ page }) => page !== undefined)).toEqual([false, false, true, true]);
  expect(places[0]!.origin).toBe(ORIGIN);
});

test('the JIT compiles a page once, and every piece does in it what it does alone', () => {
  const codes = Array.from({ length: SLOTS }, (_, i) => adds(i + 1));
  const places = placeTogether(codes);
  const model = new Model('jit');
  const regions = (): number | undefined => model.core.engine.statistics?.()['regions'];
  model.run(caseAt(codes[0]!, places[0]!));
  const compiled = regions();
  const outcomes = codes.map((code, i) => model.run(caseAt(code, places[i]!)));
  expect(compiled).toBeGreaterThan(0);
  expect(regions()).toBe(compiled);
  expect(outcomes).toEqual(
    places.map(({ origin }, i) =>
      expect.objectContaining({ vector: VECTOR_GP, rip: BigInt(origin + 3), gpr: [BigInt(i + 1), ...new Array(15).fill(0n)] }),
    ),
  );
  const alone = model.run(caseAt(codes[3]!, { origin: ORIGIN, page: undefined }));
  expect(alone).toEqual({ ...(outcomes[3] as object), rip: BigInt(ORIGIN + 3) });
});
