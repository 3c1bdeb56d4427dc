/** Machine code that a compiler wrote: C programs print on every engine what they print on this host. */
import { afterAll, expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { quickRun } from '../session/quickRun.ts';
import { buildFolder, compilePrograms, hasCompiler } from './compiler.ts';

const LEVELS: readonly (readonly [name: string, ...options: string[]])[] = [
  ['O0', '-O0'],
  ['O2', '-O2'],
  ['O3', '-O3', '-march=x86-64-v2'],
];

const available = hasCompiler();
const folder = buildFolder();
afterAll(() => folder.remove());

test.skipIf(!available).for(LEVELS)('C programs of level %s', { timeout: 300_000 }, ([name, ...options]) => {
  const { nativeOutput, kernel } = compilePrograms(folder.path, name, options);
  expect(nativeOutput.split('\n').length).toBeGreaterThan(80);
  const runs = ENGINES.map((engine) => quickRun(kernel, { engine }));
  for (const { serial, stop } of runs) {
    expect(serial).toBe(nativeOutput);
    expect(stop).toEqual({ kind: 'debug-exit', value: 1 });
  }
  const [first, ...others] = runs.map(({ stats }) => ({ ...stats, engine: '' }));
  for (const other of others) expect(other).toEqual(first);
});

test.skipIf(available)('without gcc for x86-64 Linux these programs are not compiled, and nothing of this is tested', () => {
  expect(available).toBe(false);
});
