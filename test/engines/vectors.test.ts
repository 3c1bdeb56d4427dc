/**
 * SSE in generated code against the reference engine: random single instructions, whole results. Each runs twice, so that memory is reached by the
 * slow way and by the quick one. VECTOR_CASES and VECTOR_SEED choose how many and which.
 */
import { expect, test } from 'vitest';
import { CR4_OSFXSR, CR4_OSXMMEXCPT } from '../../src/arch/controlRegisters.ts';
import { JitEngine } from '../../src/cpu/engines/jit/jitEngine.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import { updateMode } from '../../src/cpu/mode.ts';
import { ACTIVITY_ACTIVE, I32_ACTIVITY, I32_MXCSR, I32_RFLAGS, U64_CR4, U64_RIP } from '../../src/cpu/state.ts';
import { prepareDirectEntry } from '../../src/machine/directEntry.ts';
import { enterDirect } from '../../src/machine/enterDirect.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { VectorCaseGenerator } from '../silicon/vectorCases.ts';
import { DATA, DATA_SIZE, type VectorCase } from '../silicon/vectorSilicon.ts';

const count = Number(process.env['VECTOR_CASES'] ?? 1200);
const seed = Number(process.env['VECTOR_SEED'] ?? 1);
const MEMORY = 4 * 2 ** 20;
const CODE = 0x4_0000;
const HLT = 0xf4;
/** No more than a few exceptions' worth. */
const ENOUGH_CYCLES = 20_000;

function machineWith(engine: EngineName): Machine {
  const machine = new Machine({ profile: ivybridge, cores: 1, memory: MEMORY, engine, probe: noProbe, quantum: 1000 });
  const segments = [{ address: CODE, bytes: Uint8Array.of(HLT), memorySize: 1 }];
  const image = { entry: CODE, segments, symbols: new Map() } as never;
  prepareDirectEntry(machine.memory, 0, image, { cores: 1, memory: MEMORY, tscHz: 1e9, seed: 1, commandLine: '' });
  const core = machine.cores[0]!;
  if (core.engine instanceof JitEngine) core.engine.heatToCompile = 1;
  return machine;
}

/** State after one run from the case's registers; there is no IDT, so an exception shuts the core down where it happened. */
function run(machine: Machine, test: VectorCase): unknown {
  const core = machine.cores[0]!;
  const { u64, i32, xmm } = core.state;
  core.stopped = false;
  enterDirect(core, CODE);
  u64[U64_CR4]! |= BigInt(CR4_OSFXSR | CR4_OSXMMEXCPT);
  updateMode(core);
  i32[I32_ACTIVITY] = ACTIVITY_ACTIVE;
  machine.memory.write(DATA, test.data);
  u64.set(test.gpr);
  i32[I32_RFLAGS] = test.flags & ~0x200;
  i32[I32_MXCSR] = test.mxcsr;
  xmm.set(test.xmm);
  core.run(core.clock + ENOUGH_CYCLES);
  return {
    stopped: core.stopped,
    rip: u64[U64_RIP],
    gpr: [...u64.subarray(0, 16)],
    flags: i32[I32_RFLAGS],
    mxcsr: i32[I32_MXCSR],
    xmm: [...xmm],
    data: Buffer.from(machine.memory.bytes.subarray(DATA, DATA + DATA_SIZE)).toString('hex'),
    counters: [...core.state.counters],
    clock: core.clock,
  };
}

/** Ten times around: page one, ADDSD in page two, back. Then CR0.TS is set, and around again. */
const AROUND_TWO_PAGES = {
  0: 'b90a000000 e9f60f0000 ffc9 75f7 0f20c0 0c08 0f22c0 b90a000000 ebe8',
  4096: 'f20f58c1 e901f0ffff',
};

test('Setting CR0.TS is seen by code that was compiled and entered before', () => {
  const outcomes = (['reference', 'jit'] as const).map((engine) => {
    const machine = machineWith(engine);
    for (const [offset, code] of Object.entries(AROUND_TWO_PAGES))
      machine.memory.write(CODE + Number(offset), Buffer.from(code.replaceAll(' ', ''), 'hex'));
    machine.memory.markedWritten(CODE, 1);
    const xmm = Array.from({ length: 32 }, () => 0x3ff0_0000_0000_0000n);
    const empty = {
      code: new Uint8Array(0),
      gpr: Array.from({ length: 16 }, () => 0n),
      flags: 2,
      mxcsr: 0x1f80,
      xmm,
      data: new Uint8Array(16),
    };
    return run(machine, empty) as Record<string, unknown>;
  });
  expect(outcomes[1]).toEqual(outcomes[0]);
  // ADDSD itself faults, and 11 is what ten times 1 added to 1 makes.
  expect(outcomes[0]).toMatchObject({ stopped: true, rip: BigInt(CODE + 4096) });
  expect((outcomes[0]!['xmm'] as bigint[])[0]).toBe(0x4026_0000_0000_0000n);
});

test('Random SSE instructions do the same in generated code as on the reference engine', { timeout: 3_600_000 }, () => {
  const generator = new VectorCaseGenerator(seed);
  const machines = [machineWith('reference'), machineWith('jit')] as const;
  const failures: unknown[] = [];
  for (let i = 0; i < count && failures.length < 10; i++) {
    const { test, insn } = generator.group(1, () => true)[0]!;
    for (const machine of machines) {
      machine.memory.write(CODE, Uint8Array.from([...test.code, HLT]));
      machine.memory.markedWritten(CODE, 1);
    }
    for (const time of ['first', 'second']) {
      const [expected, actual] = machines.map((machine) => run(machine, test)) as [Record<string, unknown>, Record<string, unknown>];
      const different = Object.keys(expected).filter((key) => `${expected[key]}` !== `${actual[key]}`);
      if (different.length === 0) continue;
      const values = different.map((key) => `${key}: ${expected[key]} | ${actual[key]}`).join('\n');
      failures.push(`${insn.form} ${Buffer.from(test.code).toString('hex')}, ${time} time, MXCSR ${test.mxcsr.toString(16)}\n${values}`);
      break;
    }
  }
  expect(failures).toEqual([]);
  const statistics = machines[1].cores[0]!.engine.statistics!();
  expect(statistics['regionCalls']).toBeGreaterThanOrEqual(count);
  // Some operations are not ordinary, and not all.
  expect(statistics['slowFloats']).toBeGreaterThan(0);
  expect(statistics['slowFloats']).toBeLessThan(count);
});
