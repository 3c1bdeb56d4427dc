import { describe, expect, test } from 'vitest';
import { BOOT_CORES_OFFSET, BOOT_MAGIC_OFFSET, BOOT_RECORD, BOOT_RECORD_MAGIC, BOOT_STACK_TOP } from '../../src/arch/platform.ts';
import { mem64 } from '../../src/asm/operand.ts';
import { rax, rdi } from '../../src/asm/register.ts';
import { buildGuest } from '../../src/kernels/guests.ts';
import { prepareDirectEntry } from '../../src/machine/directEntry.ts';
import { enterDirect } from '../../src/machine/enterDirect.ts';
import { ImageError } from '../../src/machine/imageError.ts';
import { Machine } from '../../src/machine/machine.ts';
import { isRamSize, MAX_RAM, MIN_RAM, memoryLayout } from '../../src/machine/memoryLayout.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { Random } from '../../src/machine/random.ts';
import { attachPlatformDevices } from '../../src/session/platformDevices.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { Rig } from '../cpu/rig.ts';

const information = { cores: 3, memory: 16 * 1024 ** 2, tscHz: 1e9, seed: 7, commandLine: 'quiet' };

describe('direct entry', () => {
  test('RDI points to the boot record, RSP to the top of the boot stack', () => {
    const rig = new Rig((a) => {
      a.mov(rax, mem64(rdi, BOOT_MAGIC_OFFSET));
      a.hlt();
    });
    expect(rig.core.state.u64[4]).toBe(BigInt(BOOT_STACK_TOP));
    rig.run();
    expect(rig.core.state.u64[0]).toBe(BigInt(BOOT_RECORD_MAGIC));
    expect(rig.load(BOOT_RECORD + BOOT_CORES_OFFSET)).toBe(1n);
  });

  test.for([
    ['overlaps the boot area', { address: 0x8000, bytes: new Uint8Array(1), memorySize: 1 }, 'quiet'],
    ['lies outside', { address: 16 * 1024 ** 2 - 4096, bytes: new Uint8Array(1), memorySize: 4097 }, 'quiet'],
    ['command line', { address: 0x10_0000, bytes: new Uint8Array(1), memorySize: 1 }, 'x'.repeat(4000)],
  ] as const)('refuses an image that %s', ([text, segment, commandLine]) => {
    const { memory } = new Rig((a) => a.hlt()).machine;
    const image = { entry: segment.address, segments: [segment], symbols: new Map() };
    const prepare = (): void => prepareDirectEntry(memory, 0, image, { ...information, commandLine });
    expect(prepare).toThrow(ImageError);
    expect(prepare).toThrow(text);
  });
});

describe('order of the cores', () => {
  /** Serial output of the guest with this quantum. */
  function serial(quantum: number | undefined, guest = 'shootdown'): { text: string; stop: unknown } {
    const bytes: number[] = [];
    const memory = 64 * 1024 ** 2;
    const machine = new Machine({
      ...{ profile: ivybridge, cores: 3, memory, engine: 'jit', probe: noProbe },
      ...(quantum === undefined ? {} : { quantum }),
    });
    attachPlatformDevices(
      machine.ports,
      (byte) => bytes.push(byte),
      (reason) => machine.stop(reason),
    );
    const { image } = buildGuest(guest, guest === 'shootdown' ? { parameters: { iterations: 4, think: 3000 } } : {});
    prepareDirectEntry(machine.memory, 0, image, { ...information, memory });
    enterDirect(machine.cores[0]!, image.entry);
    while (machine.turn(1e9));
    return { text: Buffer.from(bytes).toString(), stop: machine.stopReason };
  }

  test('another quantum orders otherwise, with the same result for the guest', () => {
    const counted = ({ text, stop }: ReturnType<typeof serial>) => ({ lines: text.match(/^(shootdowns|reads): \d+$/gm), stop });
    const usual = counted(serial(undefined));
    expect(usual).toEqual({ lines: ['shootdowns: 12', 'reads: 192'], stop: { kind: 'power-off' } });
    for (const quantum of [1, 37, 400]) expect(counted(serial(quantum))).toEqual(usual);
  });

  test('a core never runs ahead of another by more than the quantum and one block', () => {
    const rig = new Rig(
      (a) => {
        a.label('loop');
        a.nop();
        a.jmp('loop');
      },
      { cores: 2 },
    );
    enterDirect(rig.machine.cores[1]!, rig.image.entry);
    let widest = 0;
    for (let turn = 0; turn < 2000; turn++) {
      rig.machine.turn(1e6);
      const [first, second] = rig.machine.cores;
      widest = Math.max(widest, Math.abs(first!.clock - second!.clock));
    }
    expect(widest).toBeGreaterThan(0);
    expect(widest).toBeLessThanOrEqual(rig.machine.costs.ipiLatency + 64);
  });

  test('a machine in which nobody will ever do anything again stops', () => {
    expect(new Rig((a) => a.hlt(), { cores: 4 }).run()).toEqual({ kind: 'idle' });
  });

  test('the first reason to stop counts', () => {
    const { machine } = new Rig((a) => a.hlt());
    machine.stop({ kind: 'power-off' });
    machine.stop({ kind: 'idle' });
    expect([machine.stopReason, machine.turn(1e6)]).toEqual([{ kind: 'power-off' }, false]);
  });
});

test('parts of the memory do not overlap, and are aligned', () => {
  const { mmuBase, mmuStride, ramBase, totalPages } = memoryLayout(64, ivybridge.mmu, MIN_RAM);
  expect(mmuBase).toBeGreaterThanOrEqual(64 * 4096);
  expect(ramBase).toBeGreaterThanOrEqual(mmuBase + 64 * mmuStride);
  expect([mmuStride % 64, ramBase % 65536]).toEqual([0, 0]);
  expect(totalPages * 65536).toBeGreaterThanOrEqual(ramBase + MIN_RAM);
  expect([MIN_RAM, MAX_RAM, MIN_RAM - 4096, MAX_RAM + 4096, MIN_RAM + 1].map(isRamSize)).toEqual([true, true, false, false, false]);
});

test('the random sequence is a function of the seed, and differs between seeds', () => {
  const first = (seed: number): number[] => {
    const random = new Random(seed);
    return [random.next(), random.next(), random.next()];
  };
  expect(first(5)).toEqual(first(5));
  expect(new Set([0, 1, 2, -1, 2 ** 31].map((seed) => first(seed).join())).size).toBe(5);
  const random = new Random(3);
  const fractions = Array.from({ length: 1000 }, () => random.fraction());
  expect(fractions.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
  expect(fractions.reduce((sum, fraction) => sum + fraction, 0) / 1000).toBeCloseTo(0.5, 1);
});
