/** vCPUs that compute, wake each other and halt, under every scheduler and placement: what holds at every moment of a run. */
import { describe, expect, test } from 'vitest';
import { HYPERCALL_KICK_CPU } from '../../src/arch/hypercalls.ts';
import type { Assembler } from '../../src/asm/assembler.ts';
import { eax, ebx, edx, r8, r9, r10, r11, rax, rcx, rdx, rsi } from '../../src/asm/register.ts';
import type { Placement } from '../../src/vmm/placements/placement.ts';
import { rowOf } from '../../src/vmm/placements/rows.ts';
import { balance } from '../../src/vmm/schedulers/balance.ts';
import { gang } from '../../src/vmm/schedulers/gang.ts';
import { SCHEDULERS } from '../../src/vmm/schedulers/registry.ts';
import type { SchedulerKind } from '../../src/vmm/schedulers/scheduler.ts';
import type { Vcpu } from '../../src/vmm/vcpu.ts';
import { type Run, RunRecorder } from './runRecorder.ts';
import { VmmRig, type VmmRigOptions } from './vmmRig.ts';

const SLICE = 60_000;
const LENGTH = 2_000_000;
const VCPUS = 3;
const CORES = 4;
/** Until a host IPI is sent, has arrived and is handled, and the vCPUs are switched: some thousand cycles. */
const REACTION = 8000;

/**
 * Each vCPU computes for a random while, kicks a random sibling, and, unless it is the first, halts every other time. So there is always one that may
 * run, and the others come and go.
 */
function comeAndGo(a: Assembler): void {
  work(a, () => {
    a.mov(rax, r8);
    a.shr(rax, 33);
    a.xor(edx, edx);
    a.div(r11);
    a.mov(rcx, rdx);
    a.xor(ebx, ebx);
    a.mov(eax, HYPERCALL_KICK_CPU);
    a.vmcall();
    a.test(rsi, rsi);
    a.jz('again');
    a.mov(r9, r8);
    a.shr(r9, 40);
    a.test(r9, 1);
    a.jz('again');
    a.hlt();
  });
}

/** Each vCPU computes in rounds and, unless it is the first of its VM, halts for good after one of them. */
function dwindle(a: Assembler): void {
  work(a, () => {
    a.test(rsi, rsi);
    a.jz('again');
    a.mov(r9, r8);
    a.shr(r9, 40);
    a.test(r9, 31);
    a.jnz('again');
    a.hlt();
  });
}

/** Random amounts of computing, with `between` between them. R8 is the vCPU's own random word, R11 the number of vCPUs. */
function work(a: Assembler, between: () => void): void {
  a.mov(r10, 0x5851_f42d_4c95_7f2dn);
  a.mov(r11, VCPUS);
  a.imul(rdx, r11);
  a.add(rdx, rsi);
  a.mov(r8, rdx);
  a.label('again');
  a.imul(r8, r10);
  a.add(r8, 12_345);
  a.mov(rcx, r8);
  a.shr(rcx, 50);
  a.add(rcx, 1);
  a.label('compute');
  a.dec(rcx);
  a.jnz('compute');
  between();
  a.jmp('again');
}

interface Observed {
  readonly rig: VmmRig;
  readonly runs: readonly Run[];
}

/** Runs, and calls `look` after every turn of a core. */
function observe(
  scheduler: SchedulerKind,
  placement: Placement,
  options: VmmRigOptions = {},
  look: (rig: VmmRig) => void = () => {},
  program = comeAndGo,
): Observed {
  const probe = new RunRecorder();
  const rig = new VmmRig(program, {
    engine: 'jit',
    cores: CORES,
    vms: 2,
    vcpus: VCPUS,
    slice: SLICE,
    scheduler,
    placement,
    probe,
    ...options,
  });
  while (rig.machine.turn(LENGTH)) look(rig);
  return { rig, runs: probe.runs.sort((one, other) => one.from - other.from || one.core - other.core) };
}

const vcpusOf = ({ vmm }: VmmRig): Vcpu[] => vmm.vms.flatMap(({ vcpus }) => vcpus);

/** Longest time, in cycles, that something was the case without a break. */
class Longest {
  longest = 0;
  private since: number | undefined;

  look(holds: boolean, now: number): void {
    if (!holds) this.since = undefined;
    else {
      this.since ??= now;
      this.longest = Math.max(this.longest, now - this.since);
    }
  }
}

const combinations = [...SCHEDULERS.values()].flatMap((scheduler) =>
  scheduler.placements.map((placement) => ({ name: `${scheduler.name}, ${placement.name}`, scheduler, placement })),
);

describe.each(combinations)('$name', ({ scheduler, placement }) => {
  const waits = new Map<Vcpu, Longest>();
  const idleBeside = new Longest();
  const once = observe(scheduler, placement, {}, (rig) => {
    const now = rig.machine.time;
    const waiting = vcpusOf(rig).filter((vcpu) => vcpu.state === 'runnable');
    for (const vcpu of vcpusOf(rig)) {
      if (!waits.has(vcpu)) waits.set(vcpu, new Longest());
      waits.get(vcpu)!.look(waiting.includes(vcpu), now);
    }
    const idle = rig.vmm.pcpus.filter(({ current }) => current === undefined);
    const couldRun = (vcpu: Vcpu): boolean =>
      idle.some((pcpu) => (vcpu.home === pcpu && scheduler !== gang) || (placement.moves && placement.mayMove(vcpu, pcpu)));
    idleBeside.look(waiting.some(couldRun), now);
  });

  test('no vCPU that is runnable waits for ever', () => {
    expect(Math.max(...[...waits.values()].map(({ longest }) => longest))).toBeLessThan(12 * SLICE);
    expect(new Set(once.runs.map(({ vm, vcpu }) => `${vm}.${vcpu}`)).size).toBe(2 * VCPUS);
  });

  test('no core is idle for longer than it takes to hear of a vCPU that could run there, or a slice where it must be sent', () => {
    expect(idleBeside.longest).toBeLessThan(placement.moves ? SLICE + REACTION : REACTION);
  });

  test('the accounts of every vCPU sum up to the time of the machine', () => {
    const { machine, vmm } = once.rig;
    vmm.settle();
    for (const { runCycles, stealCycles, haltCycles, offlineCycles } of vcpusOf(once.rig)) {
      expect(runCycles + stealCycles + haltCycles + offlineCycles).toBe(machine.time);
    }
  });

  test('the accounts of run time are what was observed', () => {
    const { machine } = once.rig;
    for (const { id, vm, runCycles } of vcpusOf(once.rig)) {
      const seen = once.runs
        .filter((run) => run.vm === vm.id && run.vcpu === id)
        .reduce((sum, { from, until }) => sum + Math.min(until, machine.time) - from, 0);
      // A vCPU that halts is off its core a moment before it is taken off.
      expect(Math.abs(seen - runCycles)).toBeLessThan(0.1 * LENGTH);
    }
  });

  test('does the same again, and with the other engine', () => {
    expect(observe(scheduler, placement).runs).toEqual(once.runs);
    expect(observe(scheduler, placement, { engine: 'reference' }).runs).toEqual(once.runs);
  });

  test('decides the same in whatever turns the machine runs its cores: nobody reads the future of another core', () => {
    const [one, other] = [1000, 100].map((quantum) => observe(scheduler, placement, { quantum, vms: 3 }, undefined, dwindle).runs);
    expect(one!.length).toBeGreaterThan(20);
    expect(other).toEqual(one);
  });

  test('vCPUs move only where the placement says so', () => {
    const homes = new Map<string, Set<number>>();
    for (const { vm, vcpu, core } of once.runs) {
      const key = `${vm}.${vcpu}`;
      homes.set(key, (homes.get(key) ?? new Set()).add(core));
    }
    const moved = [...homes.values()].some((cores) => cores.size > 1);
    expect(moved).toBe(placement.moves);
  });
});

test('balance: no two vCPUs of a VM are ever on the same core or wait for it', () => {
  observe(balance, balance.placements[0]!, {}, (rig) => {
    for (const { vcpus } of rig.vmm.vms) expect(new Set(vcpus.map(({ home }) => home)).size).toBe(VCPUS);
  });
});

test('gang: vCPUs of different rows run at the same time only while cores switch', () => {
  const { rig, runs } = observe(gang, gang.placements[0]!);
  let longest = 0;
  for (const run of runs) {
    for (const other of runs) {
      if (rowOf(run.vm, rig.vmm.size) === rowOf(other.vm, rig.vmm.size)) continue;
      longest = Math.max(longest, Math.min(run.until, other.until, LENGTH) - Math.max(run.from, other.from));
    }
  }
  expect(longest).toBeGreaterThan(-SLICE);
  expect(longest).toBeLessThan(REACTION / 2);
});

test('gang: small VMs stand side by side', () => {
  const { runs } = observe(gang, gang.placements[0]!, { vms: 2, vcpus: 2 });
  expect(new Set(runs.filter(({ vm }) => vm === 0).map(({ core }) => core))).toEqual(new Set([0, 1]));
  expect(new Set(runs.filter(({ vm }) => vm === 1).map(({ core }) => core))).toEqual(new Set([2, 3]));
});

test('weights divide a core under fair', () => {
  const busy = (a: Assembler): void => {
    a.label('busy');
    a.jmp('busy');
  };
  const rig = new VmmRig(busy, { engine: 'jit', vms: 2, slice: SLICE, scheduler: SCHEDULERS.get('fair')!, weights: [3, 1] }).run(6_000_000);
  rig.vmm.settle();
  const [heavy, light] = vcpusOf(rig).map(({ runCycles }) => runCycles);
  expect(heavy! / light!).toBeGreaterThan(2.7);
  expect(heavy! / light!).toBeLessThan(3.3);
});
