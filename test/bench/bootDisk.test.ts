import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bochsPeers } from '../../bench/bochs.ts';
import { bootDisk } from '../../bench/bootDisk.ts';
import { peerImage } from '../../bench/peerImage.ts';

const QEMU = 'qemu-system-x86_64';
const SECTOR = 512;
const kernel = peerImage('hello', 1, {});

describe('the boot disk', () => {
  test('is a boot sector, then the kernel, in whole cylinders', () => {
    const disk = bootDisk(kernel);
    expect({
      signature: [...disk.subarray(SECTOR - 2, SECTOR)],
      kernel: Buffer.compare(disk.subarray(SECTOR, SECTOR + kernel.length), kernel),
      cylinders: disk.length % (SECTOR * 16 * 63),
    }).toEqual({ signature: [0x55, 0xaa], kernel: 0, cylinders: 0 });
  });

  test.skipIf(spawnSync(QEMU, ['--version']).status !== 0)('starts the kernel from the disk of a PC', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'parapet-')), 'disk.img');
    writeFileSync(file, bootDisk(kernel));
    const options = ['-machine', 'pc', '-cpu', 'max', '-accel', 'tcg', '-m', '128', '-display', 'none', '-serial', 'stdio', '-no-reboot'];
    const child = spawn(QEMU, [...options, '-drive', `file=${file},format=raw`]);
    let serial = '';
    child.stdout.on('data', (bytes: Buffer) => {
      serial += bytes.toString();
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect({ serial, status }).toEqual({
      serial: 'Hello from the kernel\nOne tick of the timer\nHello from ring 3\n',
      status: 0,
    });
  });

  const [bochs] = bochsPeers();
  test.skipIf(bochs === undefined)('runs under Bochs to the checksum that is known', async () => {
    const { checksum, seconds } = await bochs!.run('bench-sieve', 1, 2);
    expect(checksum).toBe(`${2 * 82_025}`);
    expect(seconds).toBeGreaterThan(0);
  });
});
