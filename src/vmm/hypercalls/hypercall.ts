import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';

/** One hypercall under way: its arguments, and the state its handler needs to go on where it left off. Plain data. */
export interface HypercallCall {
  readonly number: number;
  readonly vcpu: Vcpu;
  /** RBX, RCX, RDX, RSI, RDI. */
  readonly arguments: readonly [bigint, bigint, bigint, bigint, bigint];
  /** Core time at which the call started. */
  readonly started: number;
  /** The handler's own progress. */
  progress: bigint;
  /** RAX when it is complete. */
  result: bigint;
}

/** A hypercall by number. SDM has none; the ABI is KVM's: RAX = number, arguments in RBX, RCX, RDX, RSI, RDI, result in RAX. */
export interface Hypercall {
  readonly number: number;
  readonly name: string;
  readonly doc: string;
  /**
   * Carries the call on; called at its start, and again each time a remote call that it waits for is done.
   * @returns true when it is complete and `call.result` is set; false when `pcpu` waits for something.
   */
  advance(call: HypercallCall, pcpu: Pcpu): boolean;
}
