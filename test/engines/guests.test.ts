/** Every built-in guest runs the same on every engine, bare and under the VMM, traced or not. */
import { describe, expect, test } from 'vitest';
import { ENGINES, type EngineName } from '../../src/cpu/engines/registry.ts';
import { GUESTS } from '../../src/kernels/guests.ts';
import type { RunOptions } from '../../src/session/runOptions.ts';
import { planRun } from '../../src/session/runPlan.ts';
import { Session } from '../../src/session/session.ts';
import { ALL_EVENTS } from '../../src/trace/eventSelection.ts';
import { EVENT_INSTRUCTION } from '../../src/trace/events.ts';
import { TextWriter } from '../../src/trace/textWriter.ts';
import { MemorySink } from '../trace/memorySink.ts';
import { difference } from './difference.ts';
import type { FinishedRun } from './runCase.ts';

const MAX_CYCLES = 600_000;
/** The pointer chase has 16 MB to chase through. */
const MEMORY = 32 * 2 ** 20;
const FEW: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shootdown: { iterations: '4', think: '500', slots: '8', reads: '8' },
  'ipi-pingpong': { rounds: '10' },
};
const engines = ENGINES.length > 1 ? ENGINES.filter((engine) => engine !== 'reference') : ENGINES;

interface Shape {
  readonly cores: number;
  readonly vmm?: { readonly vms: number; readonly vcpus: number };
  readonly shootdown?: string;
}

function run(guest: string, { cores, vmm, shootdown }: Shape, engine: EngineName, events: number): FinishedRun {
  const options: RunOptions = {
    guest,
    cores,
    memoryBytes: MEMORY,
    engine,
    profile: undefined,
    seed: 7,
    append: '',
    params: guest.startsWith('bench-') ? { iterations: '3' } : (FEW[guest] ?? {}),
    shootdown,
    lock: undefined,
    vmm: vmm === undefined ? undefined : { ...vmm, scheduler: undefined, slice: { cycles: 60_000 } },
    maxCycles: MAX_CYCLES,
    checkTlb: false,
  };
  const sink = new MemorySink();
  const writer = events === 0 ? undefined : new TextWriter(sink, events);
  const serial: number[] = [];
  const session = new Session(planRun(options), { serial: (byte) => serial.push(byte), probe: writer });
  const progress: number[] = [];
  while (session.advance(50)) progress.push(session.machine.time, session.instructions);
  writer?.close();
  return {
    machine: session.machine,
    vmm: session.vmm,
    stopReason: session.stopReason,
    failure: undefined,
    serial,
    trace: sink.bytes,
    progress: [],
  };
}

/** Every event but those per instruction, which an engine may leave to the reference. */
const WHAT_ENGINES_EMIT = ALL_EVENTS & ~(1 << EVENT_INSTRUCTION);
const shapes: readonly [string, Shape, number][] = [
  ['on one core', { cores: 1 }, 0],
  ['on four cores', { cores: 4 }, WHAT_ENGINES_EMIT],
  ['in two VMs that share two cores', { cores: 2, vmm: { vms: 2, vcpus: 2 } }, WHAT_ENGINES_EMIT],
];

/** Bench guests run in one shape: the one they are made for. */
function shapesOf(name: string): typeof shapes {
  if (!name.startsWith('bench-')) return shapes;
  return /^bench-(?:busy|lock|ipi|idle)$/.test(name) ? shapes.slice(1, 2) : shapes.slice(0, 1);
}

describe.each(engines)('engine %s', (engine) => {
  for (const { name, minCores } of GUESTS) {
    test.each(shapesOf(name).filter(([, { cores, vmm }]) => (vmm?.vcpus ?? cores) >= minCores))(
      `runs ${name} as the reference does, %s`,
      (_, shape, events) => {
        const expected = run(name, shape, 'reference', events);
        expect(expected.machine.cores[0]!.clock).toBeGreaterThan(0);
        expect(difference(expected, run(name, shape, engine, events))).toBeUndefined();
      },
    );
  }

  test('runs the assisted shootdown as the reference does', () => {
    const shape = { cores: 2, vmm: { vms: 2, vcpus: 2 }, shootdown: 'shoot4u' };
    expect(difference(run('shootdown', shape, 'reference', ALL_EVENTS), run('shootdown', shape, engine, ALL_EVENTS))).toBeUndefined();
  });
});
