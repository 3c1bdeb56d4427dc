/** Finds the first difference between two runs that should be the same, and says what and where. */
import { GPR_NAMES } from '../../src/arch/registers.ts';
import type { Core } from '../../src/cpu/core.ts';
import { I32_RFLAGS, U64_RIP, VECTOR_OFFSET, WALK_UNDO_OFFSET } from '../../src/cpu/state.ts';
import { listEntries } from '../../src/mmu/inspect.ts';
import { COUNTERS } from '../../src/trace/counters.ts';
import { INVALIDATION_NAMES } from '../../src/trace/events.ts';
import type { FinishedRun } from './runCase.ts';

/** 64-bit and 32-bit fields of the state block that have a meaning; the clock and the counters follow. */
const U64_FIELDS = 52;
const I32_FIELDS = [128, 160] as const;

type Runs = readonly [expected: FinishedRun, actual: FinishedRun];

/** One line for the first thing that differs; undefined when nothing does. */
export function difference(expected: FinishedRun, actual: FinishedRun): string | undefined {
  const runs: Runs = [expected, actual];
  return differentTrace(runs) ?? differentProgress(runs) ?? differentEnd(runs) ?? differentCores(runs) ?? differentMemory(runs);
}

const unlike = (what: string, expected: unknown, actual: unknown): string => `${what}: expected ${expected}, got ${actual}`;

function differentTrace([expected, actual]: Runs): string | undefined {
  if (expected.trace.equals(actual.trace)) return undefined;
  const lines = expected.trace.toString().split('\n');
  const others = actual.trace.toString().split('\n');
  const at = lines.findIndex((line, index) => line !== others[index]);
  const index = at < 0 ? lines.length : at;
  const before = lines.slice(Math.max(0, index - 4), index).join('\n');
  return `trace, line ${index + 1}:\n${before}\nexpected ${lines[index] ?? '(end)'}\ngot      ${others[index] ?? '(end)'}`;
}

function differentProgress([expected, actual]: Runs): string | undefined {
  const names = ['clock', 'RIP', 'instructions'];
  const { cores } = expected.machine;
  for (let i = 0; i < Math.max(expected.progress.length, actual.progress.length); i++) {
    if (Object.is(expected.progress[i], actual.progress[i])) continue;
    const stop = Math.floor(i / (3 * cores.length));
    const what = `stop ${stop}, core ${Math.floor(i / 3) % cores.length}, ${names[i % 3]}`;
    return unlike(what, expected.progress[i], actual.progress[i]);
  }
  return undefined;
}

function differentEnd([expected, actual]: Runs): string | undefined {
  const ends = [expected, actual].map(({ stopReason, failure, serial }) => JSON.stringify({ stopReason, failure, serial }));
  return ends[0] === ends[1] ? undefined : unlike('end', ends[0], ends[1]);
}

function differentCores([expected, actual]: Runs): string | undefined {
  for (const core of expected.machine.cores) {
    const other = actual.machine.cores[core.id]!;
    const found = differentState(core, other) ?? differentApic(core, other) ?? differentTlb(core, other);
    if (found !== undefined) return `core ${core.id}, ${found}`;
  }
  const vcpus = [expected, actual].map(({ vmm }) =>
    (vmm?.vms ?? []).flatMap((vm) =>
      vm.vcpus.map(({ state, registers, runCycles, stealCycles, haltCycles, apic }) =>
        [state, registers, runCycles, stealCycles, haltCycles, apic.state.words].join(' '),
      ),
    ),
  );
  const at = vcpus[0]!.findIndex((vcpu, index) => vcpu !== vcpus[1]![index]);
  return at < 0 ? undefined : unlike(`vCPU ${at}`, vcpus[0]![at], vcpus[1]![at]);
}

function differentState(core: Core, other: Core): string | undefined {
  const { u64, i32, counters, clock } = core.state;
  for (let i = 0; i < U64_FIELDS; i++) {
    const name = i < 16 ? GPR_NAMES[i] : i === U64_RIP ? 'RIP' : `64-bit field ${i}`;
    if (u64[i] !== other.state.u64[i]) return unlike(`${name}`, u64[i]!.toString(16), other.state.u64[i]!.toString(16));
  }
  for (let i = I32_FIELDS[0]; i < I32_FIELDS[1]; i++) {
    const name = i === I32_RFLAGS ? 'RFLAGS' : `32-bit field ${i}`;
    if (i32[i] !== other.state.i32[i]) return unlike(name, (i32[i]! >>> 0).toString(16), (other.state.i32[i]! >>> 0).toString(16));
  }
  if (!Object.is(clock[0], other.state.clock[0])) return unlike('clock', clock[0], other.state.clock[0]);
  for (const [i, [name]] of COUNTERS.entries()) {
    if (counters[i] !== other.state.counters[i]) return unlike(name, counters[i], other.state.counters[i]);
  }
  for (let i = VECTOR_OFFSET / 4; i < WALK_UNDO_OFFSET / 4; i++) {
    if (i32[i] !== other.state.i32[i]) return unlike(`vector state, byte ${i * 4 - VECTOR_OFFSET}`, i32[i], other.state.i32[i]);
  }
  return undefined;
}

function differentApic(core: Core, other: Core): string | undefined {
  const words = core.apic.state.words;
  const at = words.findIndex((word, index) => word !== other.apic.state.words[index]);
  return at < 0 ? undefined : unlike(`APIC word ${at}`, words[at], other.apic.state.words[at]);
}

function differentTlb(core: Core, other: Core): string | undefined {
  for (const [operation, name] of INVALIDATION_NAMES.entries()) {
    const [count, otherCount] = [core.mmu.invalidations[operation], other.mmu.invalidations[operation]];
    if (count !== otherCount) return unlike(`invalidations by ${name}`, count, otherCount);
  }
  const entries = listEntries(core.mmu.tlb).map((entry) => JSON.stringify(entry));
  const others = listEntries(other.mmu.tlb).map((entry) => JSON.stringify(entry));
  const at = Math.max(
    entries.findIndex((entry, index) => entry !== others[index]),
    others.findIndex((entry, index) => entry !== entries[index]),
  );
  if (at >= 0) return unlike(`TLB entry ${at}`, entries[at], others[at]);
  // Replacement pointers, counts, and the places of the entries.
  const { words } = core.mmu.tlb;
  const word = words.findIndex((value, index) => value !== other.mmu.tlb.words[index]);
  return word < 0 ? undefined : unlike(`TLB word ${word}`, words[word], other.mmu.tlb.words[word]);
}

function differentMemory([expected, actual]: Runs): string | undefined {
  const { bytes } = expected.machine.memory;
  const { bytes: others } = actual.machine.memory;
  if (Buffer.compare(bytes, others) === 0) return undefined;
  const at = bytes.findIndex((byte, index) => byte !== others[index]);
  return unlike(`memory at 0x${at.toString(16)}`, bytes[at], others[at]);
}
