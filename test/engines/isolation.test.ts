/** No guest reaches memory that is not its machine's RAM, whatever its page tables say. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PTE_P, PTE_RW, PTE_US } from '../../src/arch/paging.ts';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { loadRegister } from '../arbitraries/plainInstruction.ts';
import type { EngineCase, ProgramPiece } from './engineCase.ts';
import { FRAME_REGISTERS } from './rigHandlers.ts';
import { AREA_RCX, DATA, EXCEPTION_LIMIT, FRAME_STRIDE, FRAMES, RIG_CORES, STACKS } from './rigLayout.ts';
import { runCase } from './runCase.ts';

const RAM = 4 * 2 ** 20;
const PHYSICAL_BITS = 40;
/** Data page 13 is the table that maps the data pages; page 16 is free for the places to be tried. */
const ENTRY = DATA + 13 * 4096 + 16 * 8;
const WINDOW = DATA + 16 * 4096;
const RESULTS = DATA + 0x100;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

const disp32 = (value: number): string => Buffer.from(Int32Array.of(value).buffer).toString('hex');

/** Maps `hpa`, stores to it and loads from it; what was loaded is left in the results. */
function attempt(hpa: number, offset: number, index: number): ProgramPiece {
  return {
    code: [
      loadRegister(0, BigInt(hpa) | BigInt(PTE_P | PTE_RW | PTE_US)),
      `48890425${disp32(ENTRY)}`, // mov [ENTRY], rax
      loadRegister(3, BigInt(WINDOW + offset)),
      '0f013b', // invlpg [rbx]
      '48890b', // mov [rbx], rcx
      '488b13', // mov rdx, [rbx]
      `48891425${disp32(RESULTS + index * 8)}`, // mov [RESULTS + index], rdx
    ].join(''),
  };
}

function caseOf(pieces: readonly ProgramPiece[]): EngineCase {
  return {
    cores: 1,
    programs: [{ pieces, offset: 0, user: false, interruptsOn: false, registers: ['0', '123456789abcdef'] }],
    timers: [null],
    geometry: ivybridge.mmu,
    quantum: 1000,
    ipiLatency: 1000,
    x2apic: true,
    cr4: 0,
    virtual: null,
    events: 0,
    pause: 4_000_000,
    maxCycles: 4_000_000,
    heat: 2,
  };
}

/** Pages just outside RAM, and those whose place in the machine's memory would wrap round to somewhere inside it. */
function places(ramBase: number): number[] {
  const wrapped = [0, 4096, ramBase - 4096].map((inside) => 2 ** 32 - ramBase + inside);
  const powers = Array.from({ length: PHYSICAL_BITS - 24 }, (_, i) => 2 ** (24 + i));
  return [RAM, RAM + 65_536, ...wrapped, ...wrapped.map((place) => place + 2 ** 32), ...powers, 2 ** PHYSICAL_BITS - 4096];
}

const RealInstance = WebAssembly.Instance;
let imports: unknown[] = [];

beforeEach(() => {
  imports = [];
  class WatchedInstance extends RealInstance {
    constructor(module: WebAssembly.Module, importObject?: Record<string, Record<string, unknown>>) {
      super(module, importObject);
      imports.push(importObject);
    }
  }
  (WebAssembly as { Instance: unknown }).Instance = WatchedInstance;
});

afterEach(() => {
  (WebAssembly as { Instance: unknown }).Instance = RealInstance;
});

/** Every memory among imports, at any depth of two. */
const memoriesOf = (imported: unknown): WebAssembly.Memory[] =>
  Object.values((imported ?? {}) as Record<string, Record<string, unknown>>).flatMap((group) =>
    Object.values(group).filter((value) => value instanceof WebAssembly.Memory),
  );

describe.each(ENGINES)('engine %s', (engine) => {
  test('loads all ones and stores nothing where there is no RAM', () => {
    const ramBase = runCase(caseOf([{ code: '90' }]), 'reference').machine.memory.bytes.byteOffset;
    const tried = places(ramBase);
    const { machine } = runCase(caseOf(tried.map((hpa, index) => attempt(hpa, 8, index))), engine);
    const { view, bytes } = machine.memory;
    const loaded = tried.map((hpa, index) => [hpa, view.getBigUint64(0x6_0100 + index * 8, true)]);
    expect(loaded).toEqual(tried.map((hpa) => [hpa, ALL_ONES]));
    // The program went round and round, so that hot code was tried, too, and its stores are nowhere.
    expect(machine.cores[0]!.state.counters[0]).toBeGreaterThan(EXCEPTION_LIMIT * tried.length);
    const whole = Buffer.from(bytes.buffer);
    const pattern = Buffer.alloc(8);
    pattern.writeBigUInt64LE(0x0123_4567_89ab_cdefn);
    const found: number[] = [];
    for (let at = whole.indexOf(pattern); at >= 0; at = whole.indexOf(pattern, at + 1)) found.push(at);
    // RCX itself in the state block, its value in the start frames, and where the handler keeps it.
    const frames = Array.from({ length: RIG_CORES }, (_, core) => FRAMES + core * FRAME_STRIDE + FRAME_REGISTERS + 8);
    const kept = [...frames, STACKS + AREA_RCX].map((address) => bytes.byteOffset + address);
    expect(found).toEqual([8, ...kept]);
  });

  test('gives generated code no memory but the machine’s own', () => {
    const { machine } = runCase(caseOf(places(0x1_0000).map((hpa, index) => attempt(hpa, 0, index))), engine);
    const memories = imports.flatMap(memoriesOf);
    // Without modules there would be nothing to see.
    expect(imports.length > 0).toBe(engine === 'jit');
    expect(memories.filter((memory) => memory.buffer !== machine.memory.bytes.buffer)).toEqual([]);
  });
});
