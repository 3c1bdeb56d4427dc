/** v86 as a peer: a translator to WebAssembly for 32-bit code, so the kernels are written again for it (kernels.ts). */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Measurement } from '../measurement.ts';
import type { Peer } from '../peer.ts';
import { NARROW_KERNELS } from './kernels.ts';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
const TIME_LIMIT_SECONDS = 60;

/** v86, if it is among the installed packages. */
export function v86Peers(): Peer[] {
  let version: string;
  try {
    const manifest = new URL('../package.json', import.meta.resolve('v86'));
    version = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
  } catch {
    return [];
  }
  const runs = (guest: string, cores: number): boolean => cores === 1 && NARROW_KERNELS[guest] !== undefined;
  return [{ name: 'v86', version: `v86 ${version}, 32-bit code`, run: runV86, runs, narrow: true }];
}

async function runV86(guest: string, _cores: number, iterations: number): Promise<Measurement> {
  const { stdout } = await promisify(execFile)(process.execPath, [WORKER, guest, `${iterations}`], { timeout: TIME_LIMIT_SECONDS * 1000 });
  return JSON.parse(stdout) as Measurement;
}
