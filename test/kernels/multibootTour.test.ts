/** A Multiboot kernel on every engine, bare and in virtual machines, and under QEMU where it is installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { BUFFER_BYTES, CHASE_NODES, CHASE_STEPS, CHURN_ROUNDS, MIX_ROUNDS } from '../../src/kernels/multiboot/longMode.ts';
import { PAE_ROUNDS, SUM_FACTOR, SUM_TERMS } from '../../src/kernels/multiboot/protectedMode.ts';
import { multibootTour } from '../../src/kernels/multiboot/tour.ts';
import { quickRun, virtual } from '../session/quickRun.ts';

const folder = mkdtempSync(join(tmpdir(), 'parapet-tour-'));
const kernel = join(folder, 'tour.bin');
writeFileSync(kernel, multibootTour());
afterAll(() => rmSync(folder, { recursive: true }));

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const rol = (value: bigint, count: bigint): bigint => u64((value << count) | (value >> (64n - count)));

function mix(): bigint {
  let x = 0x1234_5678_9abc_def1n;
  let sum = 0n;
  for (let i = 0; i < MIX_ROUNDS; i++) {
    x ^= x >> 12n;
    x = u64(x ^ (x << 25n));
    x ^= x >> 27n;
    sum = u64(rol(sum, 7n) + x * 0x2545_f491_4f6c_dd1dn);
  }
  return sum;
}

function copies(): bigint {
  const bytes = new Uint8Array(BUFFER_BYTES);
  const view = new DataView(bytes.buffer);
  let x = 1;
  for (let at = 0; at < BUFFER_BYTES; at += 4) {
    x = (Math.imul(x, 22_695_477) + 1) >>> 0;
    view.setUint32(at, x, true);
  }
  bytes.copyWithin(BUFFER_BYTES - 6995, BUFFER_BYTES - 7000, BUFFER_BYTES - 5);
  for (let i = 0; i < 100; i++) bytes[19 + i] = bytes[16 + i]!;
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return BigInt(~crc >>> 0);
}

function chase(): bigint {
  let node = 0;
  let sum = 0n;
  for (let i = 0; i < CHASE_STEPS; i++) {
    node = (5 * node + 3) % CHASE_NODES;
    sum = u64(sum * 31n + BigInt(node));
  }
  return sum;
}

function churn(rounds: number, counters: number[]): number {
  let sum = 0;
  for (let i = 0; i < rounds; i++) {
    const frame = (5 * i) % 64;
    counters[frame] = ((counters[frame] ?? 0) + i) >>> 0;
    sum = (Math.imul(sum, 31) + counters[frame]!) >>> 0;
  }
  return sum;
}

function expected(): string {
  const churned = BigInt(churn(CHURN_ROUNDS, []));
  let churns = 0n;
  for (let i = 0; i < 10; i++) churns = u64(rol(churns, 3n) + churned);
  const lines: [string, bigint][] = [
    ['protected mode', 610n],
    ['wide sum', u64(BigInt(SUM_FACTOR) * ((BigInt(SUM_TERMS) * BigInt(SUM_TERMS + 1)) / 2n))],
    ['PAE paging', BigInt(churn(PAE_ROUNDS, []))],
    ['mix', mix()],
    ['copies', copies()],
    ['chase', chase()],
    // The Ackermann-Péter function of 2 and n is 2n + 3.
    ['recursion', 123n],
    ['page churn', churns],
  ];
  return lines.map(([text, value]) => `${text}: ${value.toString(16)}\n`).join('');
}

test.for(ENGINES)('the tour through the modes computes what it should, engine %s', (engine) => {
  const { serial, stop } = quickRun(kernel, { engine, maxCycles: 1e9 });
  expect({ serial, stop }).toEqual({ serial: expected(), stop: { kind: 'power-off' } });
});

test('every engine takes the same time and does the same to its translations', () => {
  const [first, ...others] = ENGINES.map((engine) => ({ ...quickRun(kernel, { engine }).stats, engine: '' }));
  for (const other of others) expect(other).toEqual(first);
});

test('two virtual machines make the tour side by side', () => {
  const { serial, session } = quickRun(kernel, { cores: 1, vmm: virtual(2, 1) });
  const lines = serial.split('\n').filter((line) => line !== '');
  for (const vm of [0, 1]) {
    const own = lines.filter((line) => line.startsWith(`[vm${vm}] `)).map((line) => `${line.slice(6)}\n`);
    expect(own.join('')).toBe(expected());
  }
  expect(session.stopReason).toEqual({ kind: 'power-off' });
});

const QEMU = 'qemu-system-x86_64';
test.skipIf(spawnSync(QEMU, ['--version']).status !== 0)('QEMU prints the same', () => {
  const machine = ['-machine', 'q35', '-cpu', 'max', '-accel', 'tcg', '-m', '64', '-display', 'none', '-serial', 'stdio', '-no-reboot'];
  const { stdout, status } = spawnSync(QEMU, [...machine, '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04', '-kernel', kernel]);
  expect({ serial: stdout.toString().replaceAll('\r', ''), status }).toEqual({ serial: expected(), status: 0 });
});
