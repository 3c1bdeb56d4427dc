import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';

/** An MSR that no processor has: an agreement between guest and hypervisor. One file each beside this one. */
export interface ParavirtualMsr {
  readonly msr: number;
  readonly name: string;
  readonly doc: string;
  read(vcpu: Vcpu): bigint;
  /** False when the value raises #GP(0). The vCPU is current on `pcpu`. */
  write(vcpu: Vcpu, value: bigint, pcpu: Pcpu): boolean;
}
