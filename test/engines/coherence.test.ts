/** With `coherence` a cache line costs what it should, in every engine alike, and nothing where no other core has it. */
import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/asm/assembler.ts';
import { mem8, mem32, mem64 } from '../../src/asm/operand.ts';
import { al, eax, ecx, edi, esi, rax } from '../../src/asm/register.ts';
import { ENGINES, type EngineName } from '../../src/cpu/engines/registry.ts';
import { enterDirect } from '../../src/machine/enterDirect.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import type { RunOptions } from '../../src/session/runOptions.ts';
import { COUNTER_BUSY_CYCLES } from '../../src/trace/counters.ts';
import { DATA, Rig } from '../cpu/rig.ts';
import { quickRun, virtual } from '../session/quickRun.ts';

const TRANSFER = ivybridge.costs.cacheLineTransfer.cycles;
const SHARED = ivybridge.costs.cacheLineShared.cycles;

type Code = (a: Assembler) => void;

/** Cycles that core 0 pays more for `then` because core 1 has done `first` long before. */
function price(engine: EngineName, first: Code, then: Code): number {
  const [free, priced] = [false, true].map((coherence) => {
    const rig = new Rig(
      (a) => {
        for (let i = 0; i < 2000; i++) a.nop();
        then(a);
        a.hlt();
        a.label('other');
        first(a);
        a.hlt();
      },
      { cores: 2, engine, coherence },
    );
    const other = rig.machine.cores[1]!;
    enterDirect(other, rig.at('other'));
    other.state.u64[4] = 0x4_0000n;
    rig.run();
    return rig.core.state.counters[COUNTER_BUSY_CYCLES]!;
  }) as [number, number];
  return priced - free;
}

const load: Code = (a) => a.mov(eax, mem32(DATA));
const store: Code = (a) => a.mov(mem32(DATA), eax);
const nothing: Code = () => {};
/** The line of DATA, 64 bytes by one REP MOVSB, from a line that nobody else has. */
const copyTo: Code = (a) => {
  a.mov(esi, DATA + 2048);
  a.mov(edi, DATA);
  a.mov(ecx, 64);
  a.rep.movsb();
};

describe.each(ENGINES)('%s', (engine) => {
  test.each<readonly [string, Code, Code, number]>([
    ['a line that nobody has', nothing, load, 0],
    ['a load of what another core has written', store, load, TRANSFER],
    ['two of them', store, (a) => [load(a), load(a)], TRANSFER],
    ['a load of what another core has read', load, load, SHARED],
    ['a store to what another core has read', load, store, TRANSFER],
    ['a store to what another core has written', store, store, TRANSFER],
    ['a load, then a store', store, (a) => [load(a), store(a)], 2 * TRANSFER],
    ['a store, then a load', store, (a) => [store(a), load(a)], TRANSFER],
    ['a locked addition', store, (a) => a.lock.add(mem32(DATA), 1), TRANSFER],
    ['an addition in memory', store, (a) => a.add(mem8(DATA + 63), al), TRANSFER],
    [
      'a load of 16 bytes (MOVUPS)',
      store,
      (a) => a.bytes([0x0f, 0x10, 0x04, 0x25, DATA & 0xff, (DATA >> 8) & 0xff, DATA >> 16, 0]),
      TRANSFER,
    ],
    ['the next line', store, (a) => a.mov(rax, mem64(DATA + 64)), 0],
    ['what begins in the line before', store, (a) => a.mov(rax, mem64(DATA - 4)), 0],
    ['what goes on in the next line', store, (a) => a.mov(rax, mem64(DATA + 60)), TRANSFER],
    ['a string that fills it', store, copyTo, TRANSFER],
    [
      'a string over 32 lines',
      (a) => [0, 64, 512].map((at) => a.mov(mem32(DATA + at), eax)),
      (a) => {
        a.mov(edi, DATA);
        a.mov(ecx, 512);
        a.rep.stosd();
      },
      3 * TRANSFER,
    ],
  ])('%s', (_what, first, then, cycles) => {
    expect(price(engine, first, then)).toBe(cycles);
  });
});

/** The same for every engine, of everything that counts cycles or events. */
const alike = (guest: string, given: Partial<RunOptions>) => {
  const [reference, ...others] = [...ENGINES].reverse().map((engine) => {
    const { stats, serial, stop } = quickRun(guest, { ...given, engine, coherence: true });
    const { engine: _name, ...rest } = stats;
    return { rest, serial, stop };
  });
  for (const other of others) expect(other).toEqual(reference);
  return reference!;
};

describe('guests pay for their lines, and every engine says how much', () => {
  test.each<readonly [string, Partial<RunOptions>]>([
    ['fairbench', { cores: 4, params: { iterations: '60', section: '50' } }],
    ['fairbench', { cores: 4, lock: 'mcs', params: { iterations: '60' } }],
    ['shootdown', { cores: 3, params: { iterations: '20' } }],
    ['hackbench', { cores: 3, params: { loops: '1', fan: '4' } }],
    ['hackbench', { cores: 2, vmm: virtual(2, 2), lock: 'pv-preemptable', params: { loops: '1', fan: '3' } }],
  ])('%s %j', (guest, given) => {
    const { rest, serial } = alike(guest, given);
    const free = quickRun(guest, given);
    expect(rest.cycles).not.toBe(free.stats.cycles);
    expect(serial.length).toBeGreaterThan(0);
  });
});

test('one core pays nothing', () => {
  for (const guest of ['bench-movs', 'bench-sieve', 'hello']) {
    const [free, priced] = [false, true].map((coherence) => quickRun(guest, { coherence }).stats.cycles);
    expect(priced).toBe(free);
  }
});
