/** Runs a case on one engine and keeps everything that an engine could get wrong. */
import { EPTE_PS, EPTE_R, EPTE_W, EPTE_X, EPTP_AD, PAGE_2M, PAGE_4K } from '../../src/arch/paging.ts';
import { VMCS_EPTP } from '../../src/arch/vmcs.ts';
import { JitEngine } from '../../src/cpu/engines/jit/jitEngine.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import type { StopReason } from '../../src/cpu/stop.ts';
import { prepareDirectEntry } from '../../src/machine/directEntry.ts';
import { enterDirect } from '../../src/machine/enterDirect.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import type { Profile } from '../../src/machine/profiles/profile.ts';
import { attachPlatformDevices } from '../../src/session/platformDevices.ts';
import { COUNTER_INSTRUCTIONS } from '../../src/trace/counters.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { TextWriter } from '../../src/trace/textWriter.ts';
import { setupDirectEntry } from '../../src/vmm/guestSetup.ts';
import { SCHEDULERS } from '../../src/vmm/schedulers/registry.ts';
import { Vmm, vmmReserve } from '../../src/vmm/vmm.ts';
import { MemorySink } from '../trace/memorySink.ts';
import type { EngineCase } from './engineCase.ts';
import { rigImage } from './rigImage.ts';

const MEMORY = 4 * 2 ** 20;
/** A turn moves time on unless an engine is stuck; this many are more than any case needs. */
const MAX_TURNS = 1_000_000;

/** A machine after its run. */
export interface FinishedRun {
  readonly machine: Machine;
  readonly vmm: Vmm | undefined;
  readonly stopReason: StopReason | undefined;
  /** What the host threw, if it did: never right, but no difference between engines when they agree. */
  readonly failure: string | undefined;
  /** Bytes on the serial lines, in order. */
  readonly serial: readonly number[];
  readonly trace: Buffer;
  /** After every turn and at every pause: clock, RIP and instruction count of each core. */
  readonly progress: readonly number[];
}

/** The profile of a case: Ivy Bridge's prices, the case's TLBs and latency. */
function profileOf(test: EngineCase): Profile {
  return {
    ...ivybridge,
    mmu: test.geometry,
    costs: { ...ivybridge.costs, ipiLatency: { cycles: test.ipiLatency, source: 'a random machine' } },
  };
}

/** Runs the case to its end. @param allocate as of MachineConfiguration. */
export function runCase(test: EngineCase, engine: EngineName, allocate?: (pages: number) => WebAssembly.Memory): FinishedRun {
  const image = rigImage(test);
  const profile = profileOf(test);
  const sink = new MemorySink();
  const writer = test.events === 0 ? undefined : new TextWriter(sink, test.events);
  const vmMemory = MEMORY;
  const tables = test.virtual === null ? 0 : MEMORY / PAGE_2M;
  const memory =
    test.virtual === null ? MEMORY : vmmReserve({ ...test.virtual, vmMemory }) + test.virtual.vms * (vmMemory + tables * PAGE_4K);
  const machine = new Machine({
    ...{ profile, cores: test.cores, memory, engine, probe: writer ?? noProbe, quantum: test.quantum },
    coherence: test.coherence ?? false,
    ...(allocate === undefined ? {} : { allocate }),
  });
  for (const { engine: made } of machine.cores) {
    if (!(made instanceof JitEngine)) continue;
    made.heatToCompile = test.heat;
    made.regionLimit = test.regionLimit ?? made.regionLimit;
  }
  const serial: number[] = [];
  const information = { tscHz: profile.frequencyHz, seed: 1, commandLine: '' };
  let vmm: Vmm | undefined;
  if (test.virtual === null) {
    attachPlatformDevices(
      machine.ports,
      (byte) => serial.push(byte),
      (reason) => machine.stop(reason),
    );
    prepareDirectEntry(machine.memory, 0, image, { ...information, cores: test.cores, memory });
    for (const core of machine.cores) enterDirect(core, image.entry);
  } else {
    const monitor = new Vmm(machine, { ...test.virtual, vmMemory, scheduler: [...SCHEDULERS.values()][0]!, seed: 1 });
    vmm = monitor;
    for (const vm of monitor.vms) {
      attachPlatformDevices(
        vm.ports,
        (byte) => serial.push(byte),
        (reason) => monitor.endVm(vm, reason, monitor.writing),
      );
    }
    refineEpt(monitor, test.virtual, memory);
    monitor.load(image, information);
    for (const vm of monitor.vms) {
      for (const vcpu of vm.vcpus.slice(1)) {
        setupDirectEntry(vcpu, image.entry);
        vcpu.enterState('runnable', 0);
        vcpu.home.scheduler.enqueue(vcpu, 0);
      }
    }
  }
  const progress: number[] = [];
  let failure: string | undefined;
  try {
    advance(machine, test, progress, test.maxCycles);
    for (const programs of (test.virtual === null && test.reloads) || []) {
      if (machine.stopReason !== undefined) break;
      reload(machine, { ...test, programs });
      advance(machine, test, progress, machine.time + test.maxCycles);
    }
  } catch (error) {
    failure = String(error);
  }
  writer?.close();
  return { machine, vmm, stopReason: machine.stopReason, failure, serial, trace: sink.bytes, progress };
}

/** Other programs stand in memory, and every core is at their beginning; all else is as it was. */
function reload(machine: Machine, test: EngineCase): void {
  const image = rigImage(test);
  for (const { address, bytes } of image.segments) machine.memory.write(address, bytes);
  for (const core of machine.cores) enterDirect(core, image.entry);
}

/** The VMs' EPT is as the case has it. @param end of the machine's memory, whose last pages are for tables. */
function refineEpt(vmm: Vmm, { smallPages = 0, accessedDirty = false }: NonNullable<EngineCase['virtual']>, end: number): void {
  const { view } = vmm.machine.memory;
  let next = end;
  for (const vm of vmm.vms) {
    const addressAt = (at: number): number => Number(view.getBigUint64(at, true) & 0xffff_ffff_f000n);
    const directory = addressAt(addressAt(vm.eptp & ~0xfff));
    for (let large = 0; large < MEMORY / PAGE_2M; large++) {
      if (!(smallPages & (1 << large))) continue;
      next -= PAGE_4K;
      const leaf = view.getBigUint64(directory + large * 8, true) & ~BigInt(EPTE_PS);
      for (let page = 0; page < 512; page++) view.setBigUint64(next + page * 8, leaf + BigInt(page * PAGE_4K), true);
      view.setBigUint64(directory + large * 8, BigInt(next | EPTE_R | EPTE_W | EPTE_X), true);
    }
    for (const vcpu of vm.vcpus) if (accessedDirty) vcpu.vmcs.writeNumber(VMCS_EPTP, vm.eptp | EPTP_AD);
  }
}

function advance(machine: Machine, { pause }: EngineCase, progress: number[], end: number): void {
  const note = (): void => {
    for (const { state } of machine.cores) {
      progress.push(state.clock[0]!, Number(BigInt.asIntN(53, state.u64[16]!)), state.counters[COUNTER_INSTRUCTIONS]!);
    }
  };
  let turns = 0;
  for (let limit = machine.time + pause; machine.stopReason === undefined && limit < end + pause; limit += pause) {
    while (machine.turn(Math.min(limit, end))) {
      note();
      if (++turns > MAX_TURNS) throw new Error(`no end after ${turns} turns`);
    }
    note();
  }
}
