import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../scripts/sources.ts';

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command in a process of its own and waits for its end. */
export const runCli = (...args: string[]): Promise<CliResult> => runNode([join(ROOT, 'bin/parapet.js'), ...args]);

/** Runs Node with these arguments. */
export function runNode(args: readonly string[], cwd: string = ROOT): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
