import { Interconnect, type InterruptReceiver } from '../apic/interconnect.ts';
import { LocalApic } from '../apic/localApic.ts';
import { APIC_BASE_BSP } from '../arch/msr.ts';
import { Core, type CoreSurroundings } from '../cpu/core.ts';
import { CpuidTable } from '../cpu/cpuid.ts';
import { BlockCache } from '../cpu/decode/blockCache.ts';
import { Decoder } from '../cpu/decode/decoder.ts';
import { CHAIN_BYTES } from '../cpu/engines/jit/chainLayout.ts';
import { createEngine, type EngineName } from '../cpu/engines/registry.ts';
import { isAdvertised } from '../cpu/features.ts';
import { RemoteActions } from '../cpu/remoteActions.ts';
import { initCore, startCore } from '../cpu/reset.ts';
import { ACTIVITY_WAIT_FOR_SIPI, CORE_STATE_SIZE, CoreState, I32_ACTIVITY } from '../cpu/state.ts';
import type { StopReason } from '../cpu/stop.ts';
import { seedChance } from '../cpu/system/chance.ts';
import { SYSTEM_OPERATIONS } from '../cpu/system/operations.ts';
import { PortBus } from '../devices/portBus.ts';
import { CacheLines, MOST_COHERENT_CORES } from '../mmu/cacheLines.ts';
import { SHORTCUT_BYTES } from '../mmu/dataShortcut.ts';
import { InvalidationBroadcast } from '../mmu/invalidationBroadcast.ts';
import { Mmu } from '../mmu/mmu.ts';
import { PhysicalMemory } from '../mmu/physicalMemory.ts';
import type { Probe } from '../trace/probe.ts';
import { type Costs, costsOf } from './cost.ts';
import { allocateMachineMemory } from './hostMemory.ts';
import { memoryLayout } from './memoryLayout.ts';
import { watchMonitoredStores } from './monitoredStores.ts';
import type { Profile } from './profiles/profile.ts';
import { TurnOrder } from './turnOrder.ts';

/** APIC timer ticks come from a 100 MHz crystal. */
const APIC_TIMER_HZ = 100_000_000;
/** A turn of a core lasts at most this long, so that the host can look up now and then. In cycles; no effect on results. */
const LONGEST_TURN = 2_000_000;

export interface MachineConfiguration {
  readonly profile: Profile;
  readonly cores: number;
  /** Bytes of RAM. */
  readonly memory: number;
  readonly engine: EngineName;
  readonly probe: Probe;
  /** Cycles a core may run ahead of the slowest other; at most the shortest latency between cores, which is the default. */
  readonly quantum?: number;
  /** Cache lines that move between cores have a price (mmu/cacheLines); at most MOST_COHERENT_CORES cores. Free by default. */
  readonly coherence?: boolean;
  /** What RDRAND and RDSEED answer follows from it; 0 by default. */
  readonly seed?: number;
  /** Where the machine's one memory comes from, all zero: that many pages of 64 KB. The host, by default. */
  readonly allocate?: (pages: number) => WebAssembly.Memory;
}

/**
 * The machine: cores, memory, interconnect and ports, wired; and the deterministic order in which the cores run.
 *
 * The core with the smallest local time runs next, and only while its time is below that of every other core plus the quantum. What another core
 * sends takes at least the quantum to arrive, so nobody sees an event from its future; the order is a function of the configuration.
 *
 * Deviation: stores are visible to other cores at once, so within a quantum a core may read what another one stores at a slightly later time.
 */
export class Machine {
  readonly configuration: MachineConfiguration;
  readonly costs: Costs;
  readonly memory: PhysicalMemory;
  readonly ports = new PortBus();
  readonly interconnect: Interconnect;
  readonly cores: readonly Core[];
  /** Why the machine stopped; undefined while it runs. */
  stopReason: StopReason | undefined;
  private readonly quantum: number;
  private running: Core | undefined;
  private readonly order: TurnOrder;

  constructor(configuration: MachineConfiguration) {
    const { profile, probe, cores } = configuration;
    this.configuration = configuration;
    this.costs = costsOf(profile.costs);
    const shortest = profile.identity.features?.includes('invlpgb')
      ? Math.min(this.costs.ipiLatency, this.costs.broadcastLatency)
      : this.costs.ipiLatency;
    this.quantum = Math.min(configuration.quantum ?? shortest, shortest);
    const { coherence = false } = configuration;
    if (coherence && cores > MOST_COHERENT_CORES) throw new Error(`coherence: more than ${MOST_COHERENT_CORES} cores`);
    const layout = memoryLayout(cores, profile.mmu, configuration.memory, coherence);
    const memory = (configuration.allocate ?? allocateMachineMemory)(layout.totalPages);
    const { buffer } = memory;
    const codePages = new Uint8Array(buffer, layout.codePageBase, configuration.memory / 4096);
    this.memory = new PhysicalMemory(buffer, layout.ramBase, configuration.memory, codePages);
    if (coherence) this.memory.lines = new CacheLines(buffer, layout.lineBase, configuration.memory, this.costs);
    this.interconnect = new Interconnect({ ipiLatencyCycles: this.costs.ipiLatency, selfIpiLatencyCycles: 0 }, probe);
    this.interconnect.onSend = (target, due) => this.messageSent(target, due);
    const broadcast = new InvalidationBroadcast(this.costs.broadcastLatency);
    broadcast.onSend = (target, due) => this.messageSent(target, due);

    const remoteActions = profile.identity.features?.includes('rar') ?? false;
    const cpuid = new CpuidTable(profile.identity, profile.frequencyHz, cores);
    const surroundings: CoreSurroundings = {
      memory: this.memory,
      ports: this.ports,
      costs: this.costs,
      cpuid,
      probe,
      broadcast,
      deliverMessages: (core, now) => {
        broadcast.deliver(core, now);
        this.interconnect.deliver(core, now);
      },
      nextMessage: (core) => Math.min(this.interconnect.nextDue(core), broadcast.nextDue(core)),
      stop: (reason) => this.stop(reason),
    };
    const blocks = new BlockCache(
      this.memory,
      new Decoder(SYSTEM_OPERATIONS, this.costs, (mnemonic, features) => isAdvertised(mnemonic, features, cpuid)),
    );
    const engine = createEngine(configuration.engine, blocks, {
      memory,
      pages: layout.totalPages,
      ramBase: layout.ramBase,
      codePageBase: layout.codePageBase,
      shortcutBase: (core) => layout.shortcutBase + core * SHORTCUT_BYTES,
      chainBase: (core) => layout.chainBase + core * CHAIN_BYTES,
    });
    this.cores = Array.from({ length: cores }, (_, id) => {
      const state = new CoreState(buffer, id * CORE_STATE_SIZE);
      const mmu = new Mmu({
        core: id,
        memory: this.memory,
        area: { buffer, byteOffset: layout.mmuBase + id * layout.mmuStride },
        geometry: profile.mmu,
        costs: this.costs,
        clock: state.clock,
        counters: state.counters,
        probe,
      });
      broadcast.attach(mmu.invalidate);
      const apic = new LocalApic({
        id,
        bus: this.interconnect,
        clock: state.clock,
        cyclesPerTick: profile.frequencyHz / APIC_TIMER_HZ,
        remoteActions,
      });
      // Only the first core is the bootstrap processor.
      if (id !== 0) apic.writeBase(apic.base - (apic.base & APIC_BASE_BSP));
      const core = new Core(id, state, mmu, apic, engine, surroundings);
      if (remoteActions) core.remoteActions = new RemoteActions();
      seedChance(core, configuration.seed ?? 0);
      if (id !== 0) core.setActivity(ACTIVITY_WAIT_FOR_SIPI);
      this.interconnect.attach({ apic, clock: state.clock, counters: state.counters, receiver: receiverOf(core) });
      return core;
    });
    this.order = new TurnOrder(this.cores);
    watchMonitoredStores(this.memory, this.cores, this.costs.cacheLineTransfer, {
      running: () => this.running,
      wakeAt: (core, time) => this.wakeAt(core, time),
    });
  }

  /** Latest local time of any core. */
  get time(): number {
    return this.cores.reduce((time, core) => Math.max(time, core.clock), 0);
  }

  /** Cycles as seconds of virtual time. */
  seconds(cycles: number): number {
    return cycles / this.configuration.profile.frequencyHz;
  }

  /** The machine runs no further. The first reason counts. */
  stop(reason: StopReason): void {
    this.stopReason ??= reason;
    this.running?.shorten(0);
    for (const core of this.cores) {
      core.stopped = true;
      core.attention = true;
    }
  }

  /**
   * Up to `count` turns, in each of which the core that is furthest behind runs. False when the machine has stopped, nobody has anything to do any
   * more, or every core has reached `maxCycles`.
   */
  turns(count: number, maxCycles: number): boolean {
    this.order.refreshAll();
    for (let taken = 0; taken < count; taken++) if (!this.takeTurn(maxCycles)) return false;
    return true;
  }

  /** One turn, as in `turns`. */
  turn(maxCycles: number): boolean {
    return this.turns(1, maxCycles);
  }

  private takeTurn(maxCycles: number): boolean {
    if (this.stopReason !== undefined) return false;
    const { order } = this;
    const next = order.next();
    if (next === undefined) {
      this.stop({ kind: 'idle' });
      return false;
    }
    if (order.first >= maxCycles) return false;
    this.running = next;
    next.run(Math.min(order.second + this.quantum, order.first + LONGEST_TURN, maxCycles));
    this.running = undefined;
    order.refresh(next);
    return this.stopReason === undefined;
  }

  /** A core that waits without a message on its way has something to do at `time`. */
  wakeAt(core: Core, time: number): void {
    if (this.running === undefined || this.running === core) return;
    this.order.refresh(core);
    this.running.shorten(time + this.quantum);
  }

  /** A message is on its way to a core that may be idle: the core that runs now must not get ahead of what the receiver will do with it. */
  private messageSent(target: number, due: number): void {
    const { running } = this;
    if (running === undefined) return;
    if (target === running.id) running.attention = true;
    else {
      this.order.refresh(this.cores[target]!);
      running.shorten(due + this.quantum);
    }
  }
}

function receiverOf(core: Core): InterruptReceiver {
  return {
    init() {
      initCore(core);
      core.attention = true;
    },
    startup(vector) {
      if (core.state.i32[I32_ACTIVITY] === ACTIVITY_WAIT_FOR_SIPI) startCore(core, vector);
    },
    nonMaskable() {
      core.pendingNmi = true;
    },
    remoteAction() {
      core.remoteActions?.serve(core);
    },
  };
}
