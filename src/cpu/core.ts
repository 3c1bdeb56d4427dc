import type { Mmu } from '../mmu/mmu.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import type { Probe } from '../trace/probe.ts';
import type { Instruction } from './decode/instruction.ts';
import type { GuestFault } from './guestFault.ts';
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
  /** The value (`width` bits) of a device register or of unclaimed address space outside RAM. */
  loadDevice(hpa: number, width: number): bigint {
    throw new Error(`outline: load of ${width} bits at 0x${hpa.toString(16)}`);
  }

  /** A device register outside RAM has been written. */
  storeDevice(hpa: number, width: number, _value: bigint): void {
    throw new Error(`outline: store of ${width} bits at 0x${hpa.toString(16)}`);
  }

  /** The fault has been delivered: as an exception, as a VM exit, or by stopping the machine. Registers and RIP are those before the instruction. */
  deliverFault(fault: GuestFault): void {
    throw new Error(`outline: fault ${fault.vector}`);
  }

  /** The machine stops: the instruction is valid, but has no meaning here yet. Does not return. */
  stopUnimplemented(insn: Instruction, _bytes: Uint8Array): never {
    throw new Error(`outline: ${insn.form}`);
  }
}
