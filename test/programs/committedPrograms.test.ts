/** The compiled programs that are committed: what they hash to, what makes them, and what they print on Linux itself. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesUnder, ROOT, readSource } from '../../scripts/sources.ts';
import { PROGRAM_NAMES } from '../../src/kernels/workloads/programFile.ts';
import { SMALL_RUNS } from '../kernels/workloads/smallRuns.ts';

const FOLDER = join(ROOT, 'programs', 'elf');
const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Output of a command, or undefined where there is none of that name. */
function output(command: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}

const firstLine = (text: string | undefined): string | undefined => text?.split('\n')[0];
const compiler = firstLine(output('gcc', '--version'));
const linker = firstLine(output('ld', '--version'));
const canCompile =
  compiler !== undefined && output('make', '--version') !== undefined && process.platform === 'linux' && process.arch === 'x64';
const canRun = process.platform === 'linux' && process.arch === 'x64';

test('the committed programs are those that guests know, and hash to what is written down', () => {
  const lines = readFileSync(join(FOLDER, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
  const wanted = lines.map((line) => line.split('  ') as [string, string]);
  expect(wanted.map(([, file]) => file).sort()).toEqual(PROGRAM_NAMES.map((name) => `${name}.elf`));
  expect(readdirSync(FOLDER).sort()).toEqual(['COMPILER', 'SHA256SUMS', ...PROGRAM_NAMES.map((name) => `${name}.elf`)].sort());
  expect(wanted.map(([, file]) => [hash(join(FOLDER, file)), file])).toEqual(wanted);
});

describe.runIf(canRun)('on Linux', () => {
  test.for(SMALL_RUNS)('$program prints the same', ({ program, parameters, checksum, says }) => {
    const args = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
    const stdout = execFileSync(join(FOLDER, `${program}.elf`), args, { encoding: 'utf8' });
    expect(stdout).toMatch(says);
    expect(stdout).toContain(`checksum: ${checksum}\n`);
  });

  test.for([
    [['threads=0x'], 'threads=0x: not a whole number from 0 to 64\n'],
    [['threads=65'], 'threads=65: not a whole number from 0 to 64\n'],
    [['thread=1'], 'thread=1: no such argument\n'],
  ] as const)('a bad argument is one line and status 2: %o', ([args, line]) => {
    const { status, stdout } = spawnSync(join(FOLDER, 'dedup.elf'), args, { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: line });
  });
});

describe.runIf(canCompile)('compiled again', () => {
  const folder = canCompile ? mkdtempSync(join(tmpdir(), 'parapet-programs-')) : '';
  beforeAll(() => {
    execFileSync('make', ['-C', join(ROOT, 'programs'), `OUT=${folder}`, `OBJECTS=${join(folder, 'objects')}`], { stdio: 'pipe' });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const [madeBy, linkedBy] = readFileSync(join(FOLDER, 'COMPILER'), 'utf8').split('\n');
  test.runIf(compiler === madeBy && linker === linkedBy)('by the same compiler, they are the same files', () => {
    for (const name of PROGRAM_NAMES) expect([name, hash(join(folder, `${name}.elf`))]).toEqual([name, hash(join(FOLDER, `${name}.elf`))]);
  });

  test.for(SMALL_RUNS)('by whatever compiler, $program prints the same', ({ program, parameters, checksum }) => {
    const args = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
    expect(execFileSync(join(folder, `${program}.elf`), args, { encoding: 'utf8' })).toContain(`checksum: ${checksum}\n`);
  });
});

test('every source of a program says at its head what it is for, and is not too long', () => {
  const sources = [...filesUnder('programs', '.c'), ...filesUnder('programs', '.h')];
  expect(sources.length).toBeGreaterThan(20);
  expect(sources.filter((path) => !readSource(path).startsWith('/**'))).toEqual([]);
  expect(sources.filter((path) => readSource(path).split('\n').length > 300)).toEqual([]);
});
