import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/sources.ts';
import { ensureBuilt } from '../built.ts';
import type { CliResult } from '../runCli.ts';

const PARAPET = join(ROOT, 'bin/parapet.js');

beforeAll(ensureBuilt, 120_000);

/** Runs the command with so many kilobytes of address space. */
function runWithin(kilobytes: number, ...args: string[]): Promise<CliResult> {
  const child = spawn('sh', ['-c', `ulimit -v ${kilobytes}; exec "$@"`, 'sh', process.execPath, PARAPET, ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })));
}

describe.skipIf(process.platform !== 'linux')('a host without enough memory', () => {
  test('for the machine: one line, status 2', async () => {
    // A WebAssembly memory takes 10 GB of address space where there is so much: then there is room for one, the instruction tables', and not for
    // another. Newer versions of Node are content with less, so that only the second limit is too narrow.
    const boot = (kilobytes: number): Promise<CliResult> => runWithin(kilobytes, 'boot', 'hello', '--memory', '3G');
    const wide = await boot(20_000_000);
    const { status, stdout, stderr } = wide.status === 0 ? await boot(8_000_000) : wide;
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: --memory: the host cannot allocate the \d+M that the machine needs\n$/),
    });
  });
});

describe('Ctrl-C', () => {
  test('ends a run with status 130, its results written', async () => {
    const out = join(mkdtempSync(join(tmpdir(), 'parapet-')), 'out');
    const child = spawn(process.execPath, [PARAPET, 'boot', 'bench-alu', '--param', 'iterations=4000000000', '--out', out, '--json']);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes.toString();
    });
    const status = await new Promise((resolve) => {
      child.stderr.on('data', (bytes: Buffer) => {
        // The guest's serial line: the run is under way.
        if (!stderr.includes('start') && (stderr + bytes.toString()).includes('start')) child.kill('SIGINT');
        stderr += bytes.toString();
      });
      child.on('close', resolve);
    });
    expect(status).toBe(130);
    expect(stderr).toContain('interrupted; this is what was measured so far');
    const stats = JSON.parse(readFileSync(join(out, 'stats.json'), 'utf8'));
    expect(stats).toMatchObject({ guest: 'bench-alu', exitStatus: 130, instructions: expect.any(Number) });
    expect(stats.instructions).toBeGreaterThan(0);
    expect(JSON.parse(stdout)).toMatchObject(stats);
    expect(readFileSync(join(out, 'serial.log'), 'utf8')).toBe('start\n');
    expect(existsSync(join(out, 'config.json'))).toBe(true);
  });
});
