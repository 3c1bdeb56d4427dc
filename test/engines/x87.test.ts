import { expect, test } from 'vitest';
import { JitEngine } from '../../src/cpu/engines/jit/jitEngine.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import { U64_RIP } from '../../src/cpu/state.ts';
import { prepareDirectEntry } from '../../src/machine/directEntry.ts';
import { enterDirect } from '../../src/machine/enterDirect.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { noProbe } from '../../src/trace/probe.ts';

const MEMORY = 4 * 2 ** 20;
const CODE = 0x4_0000;
const DATA = 0x2_0000;
const ROUNDS = 100;

/** Integer, x87 and MMX instructions take turns: √i² for the integers from 0 on, summed up; the bytes of the sums summed up in an MMX register. */
const PROGRAM = `
  dbe3 b964000000
  db042500000200 d9fa d8c8 ff042500000200
  dc042508000200 dd1c2508000200
  0f6f042510000200 0ffc042508000200 0f7f042510000200 0f77
  ffc9 75c2 f4`;

function run(engine: EngineName): Record<string, unknown> {
  const machine = new Machine({ profile: ivybridge, cores: 1, memory: MEMORY, engine, probe: noProbe });
  const bytes = Buffer.from(PROGRAM.replaceAll(/\s/g, ''), 'hex');
  const segments = [{ address: CODE, bytes, memorySize: bytes.length }];
  prepareDirectEntry(machine.memory, 0, { entry: CODE, segments, symbols: new Map() } as never, {
    ...{ cores: 1, memory: MEMORY, tscHz: 1e9, seed: 1, commandLine: '' },
  });
  const core = machine.cores[0]!;
  if (core.engine instanceof JitEngine) core.engine.heatToCompile = 1;
  enterDirect(core, CODE);
  core.run(core.clock + 1_000_000);
  const { u64, x87, i32, counters } = core.state;
  return {
    rip: u64[U64_RIP],
    gpr: [...u64.subarray(0, 16)],
    x87: [...x87],
    words: [...i32.subarray(500, 1024)],
    counters: [...counters],
    clock: core.clock,
    memory: Buffer.from(machine.memory.bytes.slice(DATA, DATA + 24)).toString('hex'),
    sum: machine.memory.view.getFloat64(DATA + 8, true),
  };
}

test('x87 and MMX instructions in compiled blocks do what they do on the reference engine', () => {
  const [reference, jit] = [run('reference'), run('jit')];
  expect(jit).toEqual(reference);
  expect(reference).toMatchObject({ rip: BigInt(CODE + 70) });
  expect(reference['sum']).toBeCloseTo((ROUNDS * (ROUNDS - 1)) / 2, 9);
});
