import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';

/** What a placement needs to know of a run. */
export interface PlacementSize {
  readonly cores: number;
  readonly vms: number;
  readonly vcpus: number;
}

/**
 * Where vCPUs run: on which core each starts, and when one moves. Decisions are made by a core from what it knows of itself and, one message latency
 * late, of the others (`LoadBoard`); what they ask of another core travels with a host IPI.
 *
 * Deviation: where the vCPUs of a VM live is a table in memory under a lock of the VM; like every store of the machine, a change is visible to
 * other cores at once.
 */
export interface Placement {
  readonly name: string;
  readonly doc: string;
  /** vCPUs move at all. */
  readonly moves: boolean;
  /** What is wrong with these sizes under this placement; undefined when nothing is. */
  check(size: PlacementSize): string | undefined;
  /** Number of the core where a vCPU starts its life. */
  start(vm: number, vcpu: number, size: PlacementSize): number;
  /** The core for a vCPU that wakes; `from` wakes it. */
  wake(vcpu: Vcpu, from: Pcpu): Pcpu;
  /** The core has nothing to run. */
  idle(pcpu: Pcpu): void;
  /** A vCPU has come to the core, which has more to run than one now. */
  crowded(pcpu: Pcpu): void;
  /** The core, which has more to run than one vCPU, has changed from one to another. */
  turned(pcpu: Pcpu): void;
  /** May the vCPU, which waits, go to that core? */
  mayMove(vcpu: Vcpu, to: Pcpu): boolean;
}
