/** Bochs as a peer: the same images, on a disk with a loader of our own, timed by what comes over the serial line. */
import { spawn, spawnSync } from 'node:child_process';
import { constants, existsSync, openSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { bootDisk, DISK_HEADS, DISK_SECTORS_PER_TRACK } from './bootDisk.ts';
import type { Measurement } from './measurement.ts';
import { listen, type Peer } from './peer.ts';
import { PEER_MEMORY_MIB, peerImage } from './peerImage.ts';
import { inTemporaryDirectory } from './temporaryDirectory.ts';

const BOCHS = 'bochs';
const FIRMWARE = '/usr/share/bochs/BIOS-bochs-latest';
const VIDEO_FIRMWARE = '/usr/share/bochs/VGABIOS-lgpl-latest';
/** Emulated instructions in an emulated second: only timers follow it, such as those that its firmware waits for at boot. */
const RATE = 10_000_000;

/** Bochs, if it is installed with its firmware. */
export function bochsPeers(): Peer[] {
  const help = spawnSync(BOCHS, ['--help'], { encoding: 'utf8', timeout: 5000 });
  const text = `${help.stdout}${help.stderr}`;
  const version = /Bochs x86 Emulator [\d.]+/.exec(text)?.[0];
  if (version === undefined || !existsSync(FIRMWARE) || !existsSync(VIDEO_FIRMWARE)) return [];
  // Distributions build it with its debugger, which looks at every instruction; it starts stopped.
  const debug = text.includes('-rc filename');
  return [
    {
      name: 'bochs',
      version: debug ? `${version}, built with its debugger` : version,
      run: (guest, cores, iterations) => runBochs(guest, cores, iterations, debug),
    },
  ];
}

function runBochs(guest: string, cores: number, iterations: number, debug: boolean): Promise<Measurement> {
  return inTemporaryDirectory(async (directory) => {
    const [disk, serial, configuration, commands] = ['disk.img', 'serial', 'bochsrc', 'commands'].map((name) => join(directory, name));
    const bytes = bootDisk(peerImage(guest, cores, { iterations }));
    writeFileSync(disk!, bytes);
    writeFileSync(configuration!, configurationOf(directory, disk!, serial!, bytes.length, cores));
    writeFileSync(commands!, 'c\n');
    if (spawnSync('mkfifo', [serial!]).status !== 0) throw new Error('mkfifo failed');
    const child = spawn(BOCHS, ['-q', '-f', configuration!, ...(debug ? ['-rc', commands!] : [])], { stdio: 'ignore' });
    // Open for writing, too, so that opening does not wait for Bochs; polled, since a blocking read would keep a thread for ever.
    const stream = new Socket({ fd: openSync(serial!, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false });
    try {
      return await listen(child, stream, iterations);
    } finally {
      stream.destroy();
    }
  });
}

function configurationOf(directory: string, disk: string, serial: string, bytes: number, cores: number): string {
  const cylinders = bytes / (512 * DISK_HEADS * DISK_SECTORS_PER_TRACK);
  return [
    // A server that nobody needs to connect to is the one display that wants neither a terminal nor a window.
    'display_library: rfb, options="timeout=0"',
    `cpu: model=corei7_skylake_x, count=${cores}, ips=${RATE}, reset_on_triple_fault=0`,
    `megs: ${PEER_MEMORY_MIB}`,
    `romimage: file=${FIRMWARE}`,
    `vgaromimage: file=${VIDEO_FIRMWARE}`,
    'ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14',
    'ata1: enabled=0',
    `ata0-master: type=disk, path="${disk}", mode=flat, cylinders=${cylinders}, heads=${DISK_HEADS}, spt=${DISK_SECTORS_PER_TRACK}, translation=none`,
    'boot: disk',
    `com1: enabled=1, mode=file, dev=${serial}`,
    'clock: sync=none',
    'sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy',
    `log: ${join(directory, 'log')}`,
    'panic: action=fatal',
    'error: action=ignore',
    'info: action=ignore',
    'debug: action=ignore',
    '',
  ].join('\n');
}
