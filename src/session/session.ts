import type { StopReason } from '../cpu/stop.ts';
import { prepareDirectEntry } from '../machine/directEntry.ts';
import { enterDirect } from '../machine/enterDirect.ts';
import { enterMultiboot } from '../machine/enterMultiboot.ts';
import { HostMemoryError } from '../machine/hostMemory.ts';
import { loadSegments } from '../machine/loadSegments.ts';
import { Machine, type MachineConfiguration } from '../machine/machine.ts';
import { TranslationOracle } from '../machine/translationOracle.ts';
import { describeViolation } from '../machine/translationViolation.ts';
import { COUNTER_INSTRUCTIONS } from '../trace/counters.ts';
import { CpuTimeRecorder } from '../trace/cpuTime.ts';
import { ShootdownRecorder } from '../trace/latency.ts';
import { LockRecorder } from '../trace/lockRecorder.ts';
import { combineProbes, type Probe } from '../trace/probe.ts';
import type { RunStats } from '../trace/runStats.ts';
import { VECTOR_HOST_RESCHEDULE } from '../vmm/hostVectors.ts';
import { Vmm } from '../vmm/vmm.ts';
import { HeadStart } from './headStart.ts';
import { measure } from './measure.ts';
import { attachPlatformDevices } from './platformDevices.ts';
import { machineMemory, type RunPlan } from './runPlan.ts';
import { SerialLines } from './serialLines.ts';
import { UnusableInput } from './unusableInput.ts';

/** What a session tells the outside while it runs. None of it has any influence on the run. */
export interface SessionObserver {
  /** A guest has sent a byte on its serial line or debug console. */
  serial(byte: number): void;
  /** Listens to events besides the session's own recorders. */
  readonly probe: Probe | undefined;
}

/** A planned run: the machine, with or without the VMM on it, its guests loaded and its recorders in place. */
export class Session {
  readonly plan: RunPlan;
  readonly machine: Machine;
  readonly vmm: Vmm | undefined;
  readonly recorder = new ShootdownRecorder();
  readonly cpuTime = new CpuTimeRecorder();
  readonly lockRecorder: LockRecorder;
  /** Watches every use of a cached translation, when asked to. */
  readonly oracle: TranslationOracle | undefined;
  private readonly lines: SerialLines | undefined;
  /** Starts the first VM, when its neighbours have begun; undefined when it has started. */
  private startFirst: (() => void) | undefined;
  private readonly headStart: HeadStart | undefined;
  private ended: StopReason | undefined;

  /** Raises: UnusableInput when the host has no room for the machine. */
  constructor(plan: RunPlan, observer: SessionObserver) {
    this.plan = plan;
    const { profile, cores, engine, coherence, virtual, image, multiboot } = plan;
    this.oracle = plan.checkTlb
      ? new TranslationOracle((violation) => this.machine.stop({ kind: 'oracle', detail: describeViolation(violation) }))
      : undefined;
    this.lockRecorder = new LockRecorder({ instruction: profile.costs.instruction.cycles, pause: profile.costs.pause.cycles });
    this.headStart = virtual?.coGuest?.headStart ? new HeadStart() : undefined;
    const probes = [this.recorder, this.cpuTime, this.lockRecorder, this.oracle, this.headStart, observer.probe].filter(
      (probe) => probe !== undefined,
    );
    const probe = combineProbes(probes);
    const machine = machineFor({ profile, cores, memory: machineMemory(plan), engine, probe, seed: plan.seed, coherence });
    this.machine = machine;
    const information = { tscHz: profile.frequencyHz, seed: plan.seed, commandLine: plan.commandLine };
    if (virtual === undefined) {
      attachPlatformDevices(machine.ports, observer.serial, (reason) => machine.stop(reason));
      if (multiboot === undefined) {
        prepareDirectEntry(machine.memory, 0, image, { ...information, cores, memory: plan.memoryBytes });
        enterDirect(machine.cores[0]!, image.entry);
      } else {
        loadSegments(machine.memory, 0, multiboot.segments, plan.memoryBytes);
        enterMultiboot(machine.cores[0]!, image.entry, multiboot);
      }
    } else {
      const { vms, coGuest, sliceCycles, ...others } = virtual;
      const vmm = new Vmm(machine, {
        ...others,
        vms,
        vmMemory: plan.memoryBytes,
        slice: sliceCycles,
        seed: plan.seed,
        neighboursHaltExits: coGuest?.haltExits,
        endsWith: coGuest === undefined ? 'all' : 'first',
        shoot4u: plan.scheme?.needs?.shoot4u ?? 'mode2',
      });
      const lines = vms > 1 ? new SerialLines(vms, observer.serial) : undefined;
      for (const vm of vmm.vms) {
        const sink = lines === undefined ? observer.serial : (byte: number) => lines.byte(vm.id, byte);
        attachPlatformDevices(vm.ports, sink, (reason) => vmm.endVm(vm, reason, vmm.writing));
      }
      const measured = coGuest === undefined ? vmm.vms : vmm.vms.slice(0, 1);
      const start = (): void => {
        if (multiboot === undefined) vmm.load(image, information, measured);
        else vmm.loadMultiboot(image.entry, multiboot, measured);
      };
      if (this.headStart === undefined) start();
      else this.startFirst = this.lateStart(vmm, start);
      if (coGuest !== undefined) vmm.load(coGuest.image, information, vmm.vms.slice(1));
      this.vmm = vmm;
      this.lines = lines;
    }
    this.oracle?.attach(
      machine.cores.map(({ mmu }) => mmu),
      machine.memory,
    );
  }

  /** Lets cores take `turns` turns. False when the run is over: the guest ended, or `maxCycles` ran out. */
  advance(turns: number): boolean {
    let left = turns;
    // Turn by turn, so that the moment does not depend on how many turns the caller asks for.
    for (; left > 0 && this.startFirst !== undefined; left--) {
      if (!this.machine.turn(this.plan.maxCycles)) return this.end();
      if (this.neighboursHaveBegun()) {
        this.startFirst();
        this.startFirst = undefined;
      }
    }
    if (!this.machine.turns(left, this.plan.maxCycles)) return this.end();
    return true;
  }

  private neighboursHaveBegun(): boolean {
    return this.vmm!.vms.slice(1).every(({ id, ended }) => ended !== undefined || this.headStart!.hasBegun(id));
  }

  /** Keeps the first VM from starting. What comes back starts it. */
  private lateStart(vmm: Vmm, start: () => void): () => void {
    const first = vmm.vms[0]!.vcpus[0]!;
    first.enterState('waitForSipi', 0);
    return () => {
      // A core whose guest is halted learns of its new vCPU by a host interrupt, from the core that is furthest.
      const furthest = vmm.pcpus.reduce((one, other) => (other.core.clock > one.core.clock ? other : one));
      first.enterState('runnable', furthest.core.clock);
      start();
      furthest.sendIpi(first.home, VECTOR_HOST_RESCHEDULE);
    };
  }

  private end(): false {
    this.ended = this.machine.stopReason;
    this.lines?.flush();
    return false;
  }

  /** Why the run ended; undefined while it runs, or when the cycles ran out. */
  get stopReason(): StopReason | undefined {
    return this.ended;
  }

  /** Instructions retired so far, over all cores. */
  get instructions(): number {
    return this.machine.cores.reduce((sum, { state }) => sum + state.counters[COUNTER_INSTRUCTIONS]!, 0);
  }

  /** What was measured so far; a run that is interrupted has it too. */
  stats(): Omit<RunStats, 'exitStatus'> {
    this.lines?.flush();
    return measure(this);
  }
}

/** Raises: UnusableInput when the host has no room for the machine. */
function machineFor(configuration: MachineConfiguration): Machine {
  try {
    return new Machine(configuration);
  } catch (error) {
    if (error instanceof HostMemoryError) throw new UnusableInput(`--memory: ${error.message}`);
    throw error;
  }
}
