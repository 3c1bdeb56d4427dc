/** The comparison that the engine tests rest on sees what it must see. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALL_EVENTS } from '../../src/trace/eventSelection.ts';
import { engineCase } from '../arbitraries/engineCase.ts';
import { difference } from './difference.ts';
import type { FinishedRun } from './runCase.ts';
import { runCase } from './runCase.ts';

const [sample] = fc.sample(engineCase({ pieces: 30, maxCycles: 5000, virtual: false }), { seed: 11, numRuns: 1 });
const one = { ...sample!, events: 0 };
const changed = (change: (run: FinishedRun) => void): string | undefined => {
  const run = runCase(one, 'reference');
  change(run);
  return difference(runCase(one, 'reference'), run);
};

describe('two runs of a case', () => {
  test('are the same', () => {
    expect(changed(() => {})).toBeUndefined();
  });

  test.each<[string, (run: FinishedRun) => void, RegExp]>([
    ['a register', ({ machine }) => machine.cores[0]!.state.u64[3]!++, /^core 0, RBX: /i],
    ['a flag', ({ machine }) => (machine.cores[0]!.state.i32[128]! ^= 1), /RFLAGS/],
    ['a cycle', ({ machine }) => machine.cores[0]!.state.clock[0]!++, /clock/],
    ['a counter', ({ machine }) => machine.cores[0]!.state.counters[3]!++, /tlbLookups/],
    ['an APIC register', ({ machine }) => (machine.cores[0]!.apic.state.words[8]! ^= 1), /APIC word 8/],
    ['a TLB entry', ({ machine }) => machine.cores[0]!.mmu.invalidate.invlpg(machine.cores[0]!.rip), /invalidations|TLB entry/],
    ['a byte of memory', ({ machine }) => (machine.memory.bytes[0x12345]! ^= 1), /^memory at 0x12345/],
    ['a vector register', ({ machine }) => (machine.cores[0]!.state.xmm[3]! ^= 1n), /vector state/],
    ['a stop', (run) => (run.progress as number[]).push(0), /^stop/],
    ['a byte on the serial line', (run) => (run.serial as number[]).push(0), /^end/],
  ])('differ by %s', (_, change, message) => {
    expect(changed(change)).toMatch(message);
  });

  test('differ in the first line of the trace that a machine with other TLBs writes', () => {
    const traced = { ...one, events: ALL_EVENTS };
    const other = { ...traced, geometry: { ...traced.geometry, stlb: { sets: 0, ways: 0 }, dtlb4k: { sets: 1, ways: 1 } } };
    expect(difference(runCase(traced, 'reference'), runCase(other, 'reference'))).toMatch(/^trace, line \d+/);
  });
});
