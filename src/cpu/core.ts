import type { Mmu } from '../mmu/mmu.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import type { Probe } from '../trace/probe.ts';
import type { CoreState } from './state.ts';

/** One processor core. (Outline: the run loop, event delivery and system operations follow.) */
export class Core {
  readonly id: number;
  readonly state: CoreState;
  readonly mmu: Mmu;
  readonly memory: PhysicalMemory;
  readonly probe: Probe;
  /** Engines run blocks while the clock is below this. */
  horizon = 0;
  /** Set when the core must look up from its work at the next block boundary. */
  attention = false;
  /** Execute one instruction only (interrupt shadow, single-step). */
  singleStep = false;
  /** ACCESS_USER at CPL 3, else 0: added to the kind of every data access and fetch. */
  userAccess = 0;

  constructor(id: number, state: CoreState, mmu: Mmu, memory: PhysicalMemory, probe: Probe) {
    this.id = id;
    this.state = state;
    this.mmu = mmu;
    this.memory = memory;
    this.probe = probe;
  }
}
