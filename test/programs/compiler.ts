/** The programs of this folder, compiled by the system's gcc: once for this host, once for a machine without an operating system. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCES = new URL('.', import.meta.url).pathname;
/** The objects of the programs are the same in both: nothing but the runtime differs. */
const COMMON = ['-std=gnu17', '-ffreestanding', '-fno-math-errno', '-fno-strict-aliasing', '-Wall', '-Werror', '-Wno-parentheses'];
const PLAIN = ['-fno-pic', '-fno-pie', '-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fcf-protection=none'];
/** Or gcc turns the loop in memcpy into a call of memcpy. */
const NO_IDIOMS = '-fno-tree-loop-distribute-patterns';

export interface CompiledPrograms {
  /** What the programs print on this host. */
  readonly nativeOutput: string;
  /** Path of an ELF64 executable with a direct entry. */
  readonly kernel: string;
}

/** This host can compile and run the programs. */
export function hasCompiler(): boolean {
  return process.platform === 'linux' && process.arch === 'x64' && spawnSync('gcc', ['--version']).status === 0;
}

/** A folder for what is compiled, and its end. */
export function buildFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'parapet-programs-'));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** Compiles all programs with these options. Raises: Error with gcc's complaint. */
export function compilePrograms(folder: string, name: string, options: readonly string[]): CompiledPrograms {
  const gcc = (args: readonly string[], cwd: string): void => void execFileSync('gcc', args, { cwd, stdio: 'pipe' });
  const programs = readdirSync(SOURCES).filter((file) => file.endsWith('.c'));
  const runtime = (file: string): string => join(SOURCES, 'runtime', file);
  const objects = mkdtempSync(join(folder, `${name}-`));
  gcc([...COMMON, ...PLAIN, ...options, '-c', ...programs.map((file) => join(SOURCES, file)), runtime('print.c')], objects);
  gcc([...COMMON, ...PLAIN, '-O2', NO_IDIOMS, '-c', runtime('memory.c'), runtime('serialLine.c'), runtime('bare.c')], objects);
  gcc(['-O1', '-fno-pie', '-c', runtime('hosted.c')], objects);
  const shared = [...programs, 'print.c'].map((file) => file.replace(/\.c$/, '.o'));
  gcc(['-static', '-no-pie', '-o', 'native', ...shared, 'hosted.o'], objects);
  gcc(
    ['-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none', '-o', 'kernel', ...shared, 'memory.o', 'serialLine.o', 'bare.o', '-lgcc'],
    objects,
  );
  return { nativeOutput: execFileSync(join(objects, 'native')).toString(), kernel: join(objects, 'kernel') };
}
