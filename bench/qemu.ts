/** QEMU as a peer: the same images, in a Multiboot wrapper, timed by what comes over the serial line. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurement } from './measurement.ts';
import { listen, type Peer } from './peer.ts';
import { PEER_MEMORY_MIB, peerImage } from './peerImage.ts';
import { inTemporaryDirectory } from './temporaryDirectory.ts';

const QEMU = 'qemu-system-x86_64';

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

function runQemu(guest: string, cores: number, iterations: number, options: readonly string[]): Promise<Measurement> {
  return inTemporaryDirectory((directory) => {
    const file = join(directory, 'kernel.bin');
    writeFileSync(file, peerImage(guest, cores, { iterations }));
    const machine = ['-machine', 'q35', '-cpu', 'max', '-accel', 'tcg', '-m', `${PEER_MEMORY_MIB}`, '-smp', `${cores}`];
    const devices = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04', '-display', 'none', '-serial', 'stdio', '-no-reboot'];
    const child = spawn(QEMU, [...machine, ...options, ...devices, '-kernel', file], { stdio: ['ignore', 'pipe', 'ignore'] });
    return listen(child, child.stdout, iterations);
  });
}
