import type { CoreCosts } from '../cpu/costs.ts';
import type { InstructionCosts } from '../cpu/decode/instructionCosts.ts';
import type { MmuCosts } from '../mmu/geometry.ts';

/** Prices of what happens between cores, in cycles. */
export interface InterconnectPrices {
  /** From the ICR write to the arrival at the target's APIC: the shortest cross-core latency, and so the longest quantum. */
  readonly ipiLatency: number;
  /** From INVLPGB to its effect on the other cores, and back again for TLBSYNC; no longer than this may a core run ahead where it exists. */
  readonly broadcastLatency: number;
  /** A cache line that another core wrote, read by a core that waits for it (an acknowledgement word); with `--coherence`, any line that another core has. */
  readonly cacheLineTransfer: number;
  /** With `--coherence`: a line that other cores have only read, read by a core that did not have it. */
  readonly cacheLineShared: number;
}

/** What a VMM's own code costs; hardware entry and exit are in `CoreCosts`. In cycles. */
export interface HostCosts {
  /** Every exit: save and restore what the hardware does not, dispatch. */
  readonly exitDispatch: number;
  /** Emulating an access to a virtual APIC register other than the ICR. */
  readonly apicEmulation: number;
  /** Emulating an ICR write; each target besides. */
  readonly icrEmulation: number;
  readonly icrTarget: number;
  readonly msrEmulation: number;
  readonly cpuidEmulation: number;
  readonly portEmulation: number;
  readonly hypercall: number;
  readonly vcpuHalt: number;
  readonly vcpuWake: number;
  /** Taking one vCPU off a core and putting another on (VMCS, FPU, MSRs, accounting). */
  readonly vcpuSwitch: number;
  /** A host interrupt: entry, acknowledge, dispatch, EOI. */
  readonly hostInterrupt: number;
  /** Sending a host IPI with a function to call, beyond the ICR write. */
  readonly remoteCall: number;
  readonly eptViolation: number;
  /** An atomic exchange on a word of guest memory that other cores look at. */
  readonly sharedExchange: number;
  /** Looking at one sibling of a vCPU that spins: may it be yielded to? */
  readonly yieldCandidate: number;
  /** Looking at the load of one core. */
  readonly placementLook: number;
  /** Taking a waiting vCPU out of one run queue for another; the host IPI apart. */
  readonly vcpuMove: number;
  /** Yielding to a vCPU: both run queues locked, one entry marked; the host IPI and the switches apart. */
  readonly directedYield: number;
}

export type Costs = CoreCosts & InstructionCosts & MmuCosts & InterconnectPrices & HostCosts;

/** One price and where it comes from: [F] found in the named place, [R] recalled (-lo: weakly), [A] an assumption with its range. */
export interface Priced {
  readonly cycles: number;
  readonly source: string;
}

/** Every price of a profile with its source. */
export type CostTable = { readonly [K in keyof Costs]: Priced };

/** The numbers of a cost table, without their sources. */
export function costsOf(table: CostTable): Costs {
  return Object.fromEntries(Object.entries(table).map(([name, { cycles }]) => [name, cycles])) as { [K in keyof Costs]: number };
}
