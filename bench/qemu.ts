/** QEMU as a peer: the same images, in a Multiboot wrapper, timed by what comes over the serial line. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGuest } from '../src/kernels/guests.ts';
import { wrapForMultiboot } from '../test/kernels/multiboot.ts';
import type { Measurement } from './measurement.ts';

const QEMU = 'qemu-system-x86_64';
const MEMORY_MIB = 128;
/** Four virtual processors that wait in line for a ticket lock on two real ones may take minutes: then there is no result. */
const TIME_LIMIT_SECONDS = 20;

export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly run: (guest: string, cores: number, iterations: number) => Promise<Measurement>;
}

/** QEMU's translator, freely running and counting instructions; none where it is not installed. */
export function qemuPeers(): Peer[] {
  const found = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  if (found.status !== 0) return [];
  const version = found.stdout.split('\n')[0]!;
  const peer = (name: string, options: readonly string[]): Peer => ({
    name,
    version,
    run: (guest, cores, iterations) => runQemu(guest, cores, iterations, options),
  });
  return [peer('qemu', []), peer('qemu-icount', ['-icount', 'shift=0'])];
}

async function runQemu(guest: string, cores: number, iterations: number, options: readonly string[]): Promise<Measurement> {
  const directory = mkdtempSync(join(tmpdir(), 'parapet-bench-'));
  try {
    const file = join(directory, 'kernel.bin');
    const { image } = buildGuest(guest, { parameters: { iterations } });
    writeFileSync(file, wrapForMultiboot(image, { cores, memory: MEMORY_MIB * 2 ** 20, tscHz: 1_000_000_000, seed: 1 }));
    const { text, started, ended } = await listen(file, cores, options);
    const checksum = /checksum: (\d+)/.exec(text)?.[1];
    if (checksum === undefined)
      throw new Error(`${guest} under ${QEMU} ${options.join(' ')} did not finish in ${TIME_LIMIT_SECONDS} s: ${JSON.stringify(text)}`);
    return { iterations, checksum, seconds: (ended - started) / 1000, instructions: undefined, cycles: undefined, statistics: {} };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function listen(file: string, cores: number, options: readonly string[]): Promise<{ text: string; started: number; ended: number }> {
  const machine = ['-machine', 'q35', '-cpu', 'max', '-accel', 'tcg', '-m', `${MEMORY_MIB}`, '-smp', `${cores}`];
  const devices = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04', '-display', 'none', '-serial', 'stdio', '-no-reboot'];
  const child = spawn(QEMU, [...machine, ...options, ...devices, '-kernel', file], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  let started = 0;
  let ended = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
    if (started === 0 && text.includes('start')) started = performance.now();
    if (ended === 0 && text.includes('checksum')) ended = performance.now();
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT_SECONDS * 1000);
  return new Promise((resolve) => {
    child.on('close', () => {
      clearTimeout(limit);
      resolve({ text, started, ended });
    });
  });
}
