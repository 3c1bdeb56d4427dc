/** Busy cores level their run queues: nobody is lost, nobody runs twice, and everybody has its share. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { r8, rcx, rdx, rsi } from '../../../src/asm/register.ts';
import { floating } from '../../../src/vmm/placements/floating.ts';
import { fair } from '../../../src/vmm/schedulers/fair.ts';
import { roundRobin } from '../../../src/vmm/schedulers/roundRobin.ts';
import type { SchedulerKind } from '../../../src/vmm/schedulers/scheduler.ts';
import { type Run, RunRecorder } from '../runRecorder.ts';
import { VmmRig } from '../vmmRig.ts';

const SLICE = 60_000;
/** Until all that halt have halted, and queues have been levelled, one vCPU a turn. */
const SETTLED = 30 * SLICE;
const LENGTH = 60 * SLICE;

interface Case {
  readonly scheduler: SchedulerKind;
  readonly cores: number;
  readonly vms: number;
  readonly vcpus: number;
  /** Which of all vCPUs, VM by VM, halt for good after a while. */
  readonly halting: readonly number[];
}

/** Everybody computes; those that halt do so sooner or later. */
const program =
  ({ vcpus, halting }: Case) =>
  (a: Assembler): void => {
    a.imul(rdx, rdx, vcpus);
    a.add(rdx, rsi);
    a.mov(
      r8,
      halting.reduce((mask, which) => mask | (1n << BigInt(which)), 0n),
    );
    a.bt(r8, rdx);
    a.jnc('busy');
    a.mov(rcx, rdx);
    a.shl(rcx, 15);
    a.label('compute');
    a.dec(rcx);
    a.jns('compute');
    a.hlt();
    a.label('busy');
    a.jmp('busy');
  };

interface Outcome {
  readonly runs: readonly Run[];
  /** Of those that never halt: cycles on a core since everything had settled. */
  readonly shares: readonly number[];
  /** Lengths of the run queues at the end. */
  readonly loads: readonly number[];
  readonly time: number;
}

function outcomeOf(one: Case): Outcome {
  const { scheduler, cores, vms, vcpus, halting } = one;
  const probe = new RunRecorder();
  const rig = new VmmRig(program(one), { engine: 'jit', slice: SLICE, scheduler, placement: floating, cores, vms, vcpus, probe });
  const live = rig.vmm.vms.flatMap((vm) => vm.vcpus).filter((_, index) => !halting.includes(index));
  const cyclesAt = (time: number): number[] => {
    rig.run(time);
    rig.vmm.settle();
    return live.map(({ runCycles }) => runCycles);
  };
  const before = cyclesAt(SETTLED);
  const after = cyclesAt(SETTLED + LENGTH);
  return {
    runs: probe.runs,
    shares: after.map((cycles, index) => cycles - before[index]!),
    loads: rig.vmm.pcpus.map((pcpu) => pcpu.scheduler.load),
    time: rig.machine.time,
  };
}

/** Those of a vCPU that begin before the one before them has ended. */
function runsAtOnce(runs: readonly Run[]): Run[] {
  const ends = new Map<string, number>();
  return [...runs]
    .sort((one, other) => one.from - other.from)
    .filter(({ vm, vcpu, from, until }) => {
      const key = `${vm}.${vcpu}`;
      const end = ends.get(key) ?? 0;
      ends.set(key, Math.max(end, until));
      return from < end;
    });
}

const cases = fc
  .record({
    scheduler: fc.constantFrom(roundRobin, fair),
    cores: fc.integer({ min: 2, max: 4 }),
    vms: fc.integer({ min: 1, max: 4 }),
    vcpus: fc.integer({ min: 1, max: 4 }),
  })
  .chain((size) => fc.subarray([...Array(size.vms * size.vcpus).keys()].slice(1)).map((halting): Case => ({ ...size, halting })));

test('queues differ by one at most in the end, nobody is lost, nobody runs in two places, and each has its share of a core', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { runs, shares, loads, time } = outcomeOf(one);
      expect(runsAtOnce(runs)).toEqual([]);
      expect(loads.reduce((sum, load) => sum + load)).toBe(shares.length);
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      const sharing = Math.ceil(shares.length / one.cores);
      // Who waits at the end has waited for the turns of all others of its core; exits and switches are no turns.
      const least = 0.9 * ((time - SETTLED) / sharing) - SLICE * sharing;
      expect(Math.min(...shares)).toBeGreaterThan(least);
    }),
    { numRuns: 30 },
  );
});

test.each([roundRobin, fair])('$name: three on one core and one on the other become two and two', (scheduler) => {
  // vCPUs of even numbers start on core 0; of the three on core 1, one never halts.
  const { shares, loads } = outcomeOf({ scheduler, cores: 2, vms: 3, vcpus: 2, halting: [3, 5] });
  expect(loads).toEqual([2, 2]);
  for (const share of shares) expect(Math.abs(share / LENGTH - 0.5)).toBeLessThan(0.05);
});

test('one more than on the other core stays: it would only change who waits', () => {
  const { loads, runs } = outcomeOf({ scheduler: roundRobin, cores: 2, vms: 3, vcpus: 1, halting: [] });
  expect([...loads].sort()).toEqual([1, 2]);
  const homes = new Set(runs.filter(({ from }) => from > SETTLED).map(({ core, vm }) => `${vm} on ${core}`));
  expect(homes.size).toBe(2);
});
