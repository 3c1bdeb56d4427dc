/**
 * Generated programs, compiled by the system's gcc: the same objects once for this host without any library, once for a machine without an operating
 * system. Those of 32 bits run under QEMU instead of on this host, whose kernel need not know 32-bit programs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Variant } from './variant.ts';

const RUNTIME = new URL('../runtime/', import.meta.url).pathname.replace('/build/test/', '/test/');
const OWN_RUNTIME = new URL('runtime/', import.meta.url).pathname.replace('/build/test/', '/test/');
const COMMON = ['-std=gnu17', '-w', '-ffreestanding', '-fno-math-errno', '-fwrapv', '-fno-strict-aliasing', `-I${OWN_RUNTIME}`];
const PLAIN = ['-fno-pic', '-fno-pie', '-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fcf-protection=none'];
/** Or gcc turns the loop in memcpy into a call of memcpy. */
const NO_IDIOMS = '-fno-tree-loop-distribute-patterns';
/** A program that runs longer on this host is none for an emulator. */
const NATIVE_MILLISECONDS = 2000;

const QEMU = 'qemu-system-x86_64';
const QEMU_OPTIONS = [
  '-cpu',
  'max',
  '-accel',
  'tcg',
  '-m',
  '64',
  '-display',
  'none',
  '-serial',
  'stdio',
  '-no-reboot',
  '-device',
  'isa-debug-exit,iobase=0xf4,iosize=0x04',
];
const QEMU_MILLISECONDS = 20_000;

export interface GeneratedKernel {
  /** What the program prints elsewhere; undefined when it takes too long. */
  readonly expected: string | undefined;
  /** Path of the kernel: a direct 64-bit entry, or a Multiboot one. */
  readonly kernel: string;
}

/** This host can compile and link programs of so many bits, and run them: itself, or by QEMU. */
export function canCompile(bits: 32 | 64, folder: string): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64' || spawnSync('gcc', ['--version']).status !== 0) return false;
  if (bits === 32 && spawnSync(QEMU, ['--version']).status !== 0) return false;
  const file = join(folder, `probe${bits}.c`);
  writeFileSync(file, 'void _start(void) { volatile unsigned long long x = 3; x /= x; for (;;); }\n');
  return spawnSync('gcc', [`-m${bits}`, '-nostdlib', '-static', '-no-pie', '-o', `${file}.out`, file, '-lgcc']).status === 0;
}

/** Compiles a program in one way. Raises: Error with gcc's complaint. */
export function compileGenerated(text: string, { name, options, bits }: Variant, folder: string): GeneratedKernel {
  const directory = mkdtempSync(join(folder, `${name}-`));
  const gcc = (...args: string[]): void => void execFileSync('gcc', args, { cwd: directory, stdio: 'pipe' });
  writeFileSync(join(directory, 'program.c'), text);
  gcc(...COMMON, ...PLAIN, ...options, '-c', 'program.c', join(RUNTIME, 'print.c'));
  const entry = bits === 64 ? [join(RUNTIME, 'bare.c'), join(OWN_RUNTIME, 'linux.c')] : [join(OWN_RUNTIME, 'multiboot.c')];
  const runtimes = [join(RUNTIME, 'serialLine.c'), ...entry];
  gcc(...COMMON, ...PLAIN, ...options, '-O2', NO_IDIOMS, '-c', join(RUNTIME, 'memory.c'), ...runtimes);
  const link = [`-m${bits}`, '-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none,-z,noexecstack'];
  const objects = ['program.o', 'print.o', 'memory.o'];
  const kernel = join(directory, 'kernel');
  if (bits === 32) {
    gcc(...link, '-Wl,-Ttext-segment=0x100000,-z,noseparate-code', '-o', 'kernel', ...objects, 'serialLine.o', 'multiboot.o', '-lgcc');
    const { stdout, status } = spawnSync(QEMU, [...QEMU_OPTIONS, '-kernel', kernel], { encoding: 'latin1', timeout: QEMU_MILLISECONDS });
    return { expected: status === 1 ? stdout.replaceAll('\r', '') : undefined, kernel };
  }
  gcc(...link, '-o', 'kernel', ...objects, 'serialLine.o', 'bare.o', '-lgcc');
  gcc(...link, '-o', 'native', ...objects, 'linux.o', '-lgcc');
  const { stdout, status } = spawnSync(join(directory, 'native'), { encoding: 'latin1', timeout: NATIVE_MILLISECONDS });
  return { expected: status === 0 ? stdout : undefined, kernel };
}
