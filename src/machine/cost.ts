import type { CoreCosts } from '../cpu/costs.ts';
import type { MmuCosts } from '../mmu/geometry.ts';

/** Prices of what happens between cores and of host software, in cycles. */
export interface SystemCosts {
  /** From the ICR write to the arrival at the target's APIC: the shortest cross-core latency, and so the longest quantum. */
  readonly ipiLatency: number;
  /** A cache line that another core wrote, read by a core that waits for it (an acknowledgement word). */
  readonly cacheLineTransfer: number;
}

/** What a VMM's own code costs; hardware entry and exit are in `CoreCosts`. In cycles. */
export interface HostCosts {
  /** Every exit: save and restore what the hardware does not, dispatch. */
  readonly exitDispatch: number;
  /** Emulating an access to a virtual APIC register other than the ICR. */
  readonly apicEmulation: number;
  /** Emulating an ICR write, each target besides. */
  readonly icrEmulation: number;
  readonly icrTarget: number;
  readonly msrEmulation: number;
  readonly cpuidEmulation: number;
  readonly portEmulation: number;
  readonly hypercall: number;
  /** Halting a vCPU, and waking one. */
  readonly halt: number;
  readonly wake: number;
  /** Taking one vCPU off a core and putting another on (VMCS, FPU, MSRs, accounting). */
  readonly vcpuSwitch: number;
  /** A host interrupt: entry, acknowledge, dispatch, EOI. */
  readonly hostInterrupt: number;
  /** Sending a host IPI with a function to call, beyond the ICR write. */
  readonly remoteCall: number;
  readonly eptViolation: number;
}

/** Where a price comes from: measured and published, or an assumption with its range. */
export interface Priced {
  readonly cycles: number;
  readonly source: string;
}

/**
 * Every price of a profile with its source. The numbers reach the parts of the machine as plain records (`coreCosts`, `mmuCosts`, …).
 * Certainty of a source: [F] found in the named place, [R] recalled, [A] an assumption stated with its range in docs/costs.md.
 */
export type CostTable = {
  readonly [K in keyof CoreCosts | keyof MmuCosts | keyof SystemCosts | keyof HostCosts]: Priced;
};

export type Costs = CoreCosts & MmuCosts & SystemCosts & HostCosts;

/** The numbers of a cost table, without their sources. */
export function costsOf(table: CostTable): Costs {
  return Object.fromEntries(Object.entries(table).map(([name, { cycles }]) => [name, cycles])) as unknown as Costs;
}
