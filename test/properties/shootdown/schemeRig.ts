/**
 * The guest `shootdown` under the real VMM, whose scheduler the test controls: it takes the core from any vCPU after any instruction, gives it to any
 * other or to nobody, moves vCPUs, and lets cores stand still. The oracle behind --check-tlb judges every use of a translation; the guest itself
 * looks, too, and must come to its end.
 */
import { MARK_ROI_BEGIN } from '../../../src/arch/marks.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import type { GuestBuild } from '../../../src/kernels/guest.ts';
import { chooseLock } from '../../../src/kernels/lib/locks/lock.ts';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from '../../../src/kernels/lib/shootdown/schemes.ts';
import type { ShootdownScheme } from '../../../src/kernels/lib/shootdown/shootdown.ts';
import { shootdown } from '../../../src/kernels/shootdown.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { profileNamed } from '../../../src/machine/profiles/registry.ts';
import { TranslationOracle } from '../../../src/machine/translationOracle.ts';
import { describeViolation } from '../../../src/machine/translationViolation.ts';
import { attachPlatformDevices } from '../../../src/session/platformDevices.ts';
import { EVENT_MARK } from '../../../src/trace/events.ts';
import { combineProbes } from '../../../src/trace/probe.ts';
import { PLE_DEFAULTS } from '../../../src/vmm/pauseLoop.ts';
import type { SchedulerKind } from '../../../src/vmm/schedulers/scheduler.ts';
import { Vmm, vmmReserve } from '../../../src/vmm/vmm.ts';
import { controlledBy } from './controlledScheduler.ts';
import { Delays } from './delays.ts';
import { Returns } from './returns.ts';
import type { SchemeCase } from './schemeCase.ts';
import { SteppingEngine } from './steppingEngine.ts';

const MEMORY = 8 * 1024 ** 2;
/** Short waits where the guest waits for a time: when it starts its cores. */
const TSC_HZ = 1e6;
const ITERATIONS = 3;
/** Far more than any run needs in which everybody goes on. */
const CYCLES = 100_000_000;

export interface SchemeRigOptions {
  /** Changes what the scheme writes. */
  readonly distort?: (a: Assembler) => Assembler;
  /** Changes what the scheduler does. */
  readonly scheduler?: (kind: SchedulerKind) => SchedulerKind;
}

export class SchemeRig {
  private readonly scheme: ShootdownScheme;
  private readonly schedulerOf: (kind: SchedulerKind) => SchedulerKind;
  private readonly builds = new Map<string, GuestBuild>();
  private memory: WebAssembly.Memory | undefined;

  constructor(name: string, { distort = (a) => a, scheduler = (kind) => kind }: SchemeRigOptions = {}) {
    const scheme = SHOOTDOWN_SCHEMES.find((one) => one.name === name)!;
    this.scheme = { ...scheme, write: (a) => scheme.write(distort(a)) };
    this.schedulerOf = scheduler;
  }

  /** What the run does wrong; undefined when nothing. */
  run(one: SchemeCase): string | undefined {
    const { needs } = this.scheme;
    const turns = one.turns.map((list) => list[Symbol.iterator]());
    const delays = one.delays.map((list) => new Delays(list));
    const returns = one.returns.map((list) => new Returns(list));
    let begun = false;
    const kind = this.schedulerOf(controlledBy({ next: (core) => (begun ? turns[core]?.next().value : undefined) }));

    const oracle = new TranslationOracle((violation) => machine.stop({ kind: 'oracle', detail: describeViolation(violation) }));
    const stepping: SteppingEngine[] = [];
    const marks = {
      mask: 1 << EVENT_MARK,
      event: (_event: number, _core: number, _cycles: number, mark: number) => {
        if (mark !== MARK_ROI_BEGIN) return;
        begun = true;
        for (const engine of stepping) engine.on = true;
      },
    };
    const configuration = {
      vms: 1,
      vcpus: one.vcpus,
      vmMemory: MEMORY,
      scheduler: kind,
      slice: 20_000,
      seed: 1,
      shoot4u: needs?.shoot4u ?? 'mode2',
      ...(needs?.pauseLoopExiting ? { pauseLoopExiting: PLE_DEFAULTS } : {}),
    } as const;
    const profile = profileNamed(needs?.processor === undefined ? 'ivybridge' : `ivybridge+${needs.processor}`)!;
    const ipiLatency = { cycles: one.latency, source: '[A] part of the case' };
    const machine: Machine = new Machine({
      profile: { ...profile, costs: { ...profile.costs, ipiLatency } },
      cores: one.cores,
      memory: vmmReserve(configuration) + MEMORY,
      engine: 'reference',
      probe: combineProbes([oracle, marks]),
      quantum: one.quantum,
      allocate: (pages) => this.zeroed(pages),
    });
    for (const core of machine.cores) {
      const engine = new SteppingEngine(
        core.engine,
        (stepped) => {
          delays[stepped.id]?.stepped(stepped, vmm.vms[0]!);
          returns[stepped.id]?.stepped(stepped, vmm.vms[0]!);
        },
        (still) => returns[still.id]?.stillness(still) ?? 0,
      );
      stepping.push(engine);
      core.engine = engine;
    }
    const vmm: Vmm = new Vmm(machine, configuration);
    let serial = '';
    attachPlatformDevices(
      vmm.vms[0]!.ports,
      (byte) => {
        serial += String.fromCharCode(byte);
      },
      (reason) => vmm.endVm(vmm.vms[0]!, reason, vmm.writing),
    );
    vmm.load(this.build(one).image, { tscHz: TSC_HZ, seed: 1, commandLine: '' });
    oracle.attach(
      machine.cores.map(({ mmu }) => mmu),
      machine.memory,
    );
    while (machine.turn(CYCLES));
    const { stopReason } = machine;
    switch (stopReason?.kind) {
      case 'power-off':
        return undefined;
      case 'oracle':
        return `stale translation: ${stopReason.detail}`;
      case 'debug-exit':
        return `the guest fails: ${serial.trim().split('\n').at(-1)}`;
      case undefined:
        return 'no progress';
      default:
        return `the machine stops: ${JSON.stringify(stopReason)}`;
    }
  }

  private build({ pages, reads }: SchemeCase): GuestBuild {
    const name = `${pages} ${reads}`;
    const known = this.builds.get(name);
    if (known !== undefined) return known;
    const given = { iterations: ITERATIONS, pages, slots: pages + 1, think: 30, reads };
    const build = shootdown.build({
      parameters: { ...Object.fromEntries(shootdown.parameters.map((parameter) => [parameter.name, parameter.default])), ...given },
      options: { waits: 'spin' },
      lock: chooseLock(LOCKS[0]!, Object.fromEntries(LOCKS[0]!.parameters.map((parameter) => [parameter.name, parameter.default]))),
      shootdown: this.scheme,
    });
    this.builds.set(name, build);
    return build;
  }

  /** The memory of the run before, all zero, when it has the right size. */
  private zeroed(pages: number): WebAssembly.Memory {
    const bytes = pages * 65_536;
    if (this.memory?.buffer.byteLength === bytes) new Uint8Array(this.memory.buffer).fill(0);
    else this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return this.memory!;
  }
}
