import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { embedProgram } from '../../../src/kernels/fwk/elfProgram.ts';
import { PROGRAM_BASE, USER_BASE } from '../../../src/kernels/fwk/layout.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../../src/kernels/fwk/vma.ts';
import { buildFolder, hasCompiler } from '../../programs/compiler.ts';
import { runPrograms } from './runPrograms.ts';

const folder = hasCompiler() ? buildFolder() : undefined;
afterAll(() => folder?.remove());

const SOURCE = join(import.meta.dirname, 'programs/words.c');
const PLAIN = ['-O1', '-ffreestanding', '-nostdlib', '-fno-stack-protector', '-fcf-protection=none', '-Wl,--build-id=none'];

function compile(name: string, options: readonly string[]): Uint8Array {
  const output = join(folder!.path, name);
  execFileSync('gcc', [...PLAIN, ...options, '-o', output, SOURCE], { stdio: 'pipe' });
  return readFileSync(output);
}

const STYLES = {
  'position-independent': ['-fPIE', '-static-pie'],
  'linked above 512 GiB': ['-fPIE', '-static', '-no-pie', `-Wl,-Ttext-segment=0x${(USER_BASE + 0x1000_0000).toString(16)}`],
} as const;

describe.skipIf(folder === undefined)('a static C program', () => {
  test.for(Object.entries(STYLES))('%s runs, with its arguments, its data and its status', ([name, options]) => {
    const program = embedProgram('words', compile(name, options));
    const { stop, serial } = runPrograms([{ program, args: ['first', 'second'], expectedStatus: 42 }]);
    expect({ stop, serial }).toEqual({ stop: { kind: 'power-off' }, serial: 'words\nfirst\nsecond\none two three\n' });
  });

  test('has pages of its own for what may be written, run and only read', () => {
    const { segments, entry } = embedProgram('words', compile('rights', STYLES['position-independent']));
    const home = segments.find(({ start, end }) => entry >= start && entry < end)!;
    expect(home.rights).toBe(PROT_READ | PROT_EXEC);
    expect(segments.map(({ rights }) => rights & (PROT_WRITE | PROT_EXEC))).not.toContain(PROT_WRITE | PROT_EXEC);
    expect(segments[0]!.start).toBe(PROGRAM_BASE);
    for (const { start, end, bytes } of segments) {
      expect([start % 4096, end % 4096, bytes.length % 4096]).toEqual([0, 0, 0]);
      expect(bytes.length).toBeLessThanOrEqual(end - start);
    }
  });

  test('that cannot run here is refused with the reason', () => {
    expect(() => embedProgram('low', compile('low', ['-fno-pie', '-static', '-no-pie']))).toThrow(
      /low: linked outside of user space, at 0x40.*: link it above 0x8000000000, or -static-pie/,
    );
    expect(() => embedProgram('dynamic', compile('dynamic', ['-fPIE', '-pie', '-Wl,--dynamic-linker=/lib/ld.so']))).toThrow(
      'dynamic: dynamically linked',
    );
  });
});

test('what is no ELF file is refused', () => {
  expect(() => embedProgram('text', new Uint8Array(100))).toThrow('text: not an ELF file');
  expect(() => embedProgram('short', new Uint8Array([0x7f, 0x45, 0x4c, 0x46]))).toThrow('short: not an ELF file');
});

test.skipIf(folder === undefined)(
  'a file that was cut or damaged anywhere in its headers is refused, or runs to some end, but never crashes the builder',
  () => {
    const file = compile('damage', STYLES['position-independent']);
    for (let at = 0; at < 64 + 56 * 9; at++) {
      const damaged = file.slice();
      damaged[at] = damaged[at]! ^ 0xff;
      try {
        embedProgram('damaged', damaged);
      } catch (error) {
        expect((error as Error).message).toMatch(/^damaged: /);
      }
    }
    for (const length of [5, 63, 64, 100, 1000, 5000]) expect(() => embedProgram('cut', file.slice(0, length))).toThrow(/^cut: /);
  },
);
