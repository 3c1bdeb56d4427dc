/**
 * Kernels written in NASM for any PC, from the outside: what they print of segment checks, faults, traps and modes is what Bochs 2.7 (model
 * corei7_skylake_x) prints, but for the lines that README.md lists. They are committed as binaries, so that nobody needs an assembler.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { quickRun } from '../session/quickRun.ts';

const FOLDER = new URL('.', import.meta.url).pathname;
const KERNELS = ['events'];
const NASM = 'nasm';
const hasAssembler = spawnSync(NASM, ['-v']).status === 0;

describe.for(KERNELS)('the kernel %s', (name) => {
  test('prints what it should, and takes the same time on every engine', () => {
    const expected = readFileSync(join(FOLDER, `${name}.txt`), 'utf8');
    const runs = ENGINES.map((engine) => quickRun(join(FOLDER, `${name}.bin`), { engine, maxCycles: 2e8 }));
    for (const { serial, stop } of runs) {
      expect(serial.split('\n')).toEqual(expected.split('\n'));
      expect(stop).toEqual({ kind: 'debug-exit', value: 99 });
    }
    const [first, ...others] = runs.map(({ stats }) => ({ ...stats, engine: '' }));
    for (const other of others) expect(other).toEqual(first);
  });

  test.skipIf(!hasAssembler)('is what NASM makes of its source', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parapet-nasm-'));
    const file = join(folder, name);
    const { status, stderr } = spawnSync(NASM, ['-w-all', '-f', 'bin', '-I', FOLDER, join(FOLDER, `${name}.asm`), '-o', file]);
    expect({ status, complaints: stderr.toString() }).toEqual({ status: 0, complaints: '' });
    const same = readFileSync(file).equals(readFileSync(join(FOLDER, `${name}.bin`)));
    rmSync(folder, { recursive: true });
    expect(same).toBe(true);
  });
});

test.skipIf(hasAssembler)('without NASM the committed kernels are not compared with their sources', () => {
  expect(hasAssembler).toBe(false);
});
