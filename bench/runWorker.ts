import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Measurement } from './measurement.ts';
import type { WholeRun, WorkerTask } from './worker.ts';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

/** The result of a task in a process of its own. @throws Error with what the process said when it fails. */
export function runWorker(task: Extract<WorkerTask, { kind: 'whole' }>): Promise<WholeRun>;
export function runWorker(task: Exclude<WorkerTask, { kind: 'whole' }>): Promise<Measurement>;
export function runWorker(task: WorkerTask): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WORKER, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString();
    });
    child.on('close', (status) => {
      if (status === 0) resolve(JSON.parse(output));
      else reject(new Error(`measuring ${JSON.stringify(task)} ended with status ${status}:\n${errors}`));
    });
  });
}
