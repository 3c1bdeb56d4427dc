/** Generated C programs: a small share of what `npm run fuzz:programs` does, with seeds that stay. */
import { afterAll, expect, test } from 'vitest';
import { buildFolder } from '../compiler.ts';
import { canCompile } from './generatedKernel.ts';
import { runGenerated } from './generatedRun.ts';
import { programText } from './programText.ts';
import { VARIANTS } from './variant.ts';

const folder = buildFolder();
afterAll(() => folder.remove());
const available = { 32: canCompile(32, folder.path), 64: canCompile(64, folder.path) };

test('a program is a function of its seed', () => {
  expect(programText(7, 2)).toBe(programText(7, 2));
  expect(programText(7, 2)).not.toBe(programText(8, 2));
});

const SHARE = [
  ['O0', 101],
  ['O3-bits', 102],
  ['O3-387', 103],
  ['Os', 104],
  ['m32-Os', 105],
  ['m32-O3-v2', 106],
] as const;

for (const [name, seed] of SHARE) {
  const variant = VARIANTS.find((one) => one.name === name)!;
  test.skipIf(!available[variant.bits])(`program ${seed}, compiled as ${name}, prints the same everywhere`, { timeout: 60_000 }, () => {
    const { instructions, difference } = runGenerated(seed, 1, variant, folder.path);
    expect(difference).toBeUndefined();
    expect(instructions).toBeGreaterThan(10_000);
  });
}

test.skipIf(available[64])('without gcc for x86-64 Linux no program is compiled, and nothing of this is tested', () => {
  expect(available[64]).toBe(false);
});

test.skipIf(available[32])('without gcc for 32 bits, or without QEMU, no 32-bit program is tested', () => {
  expect(available[32]).toBe(false);
});
