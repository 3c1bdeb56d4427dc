import { EVENT_VCPU_RUN, EVENT_VCPU_STOP, EVENT_VM_ENTRY } from './events.ts';

/** Events that `VcpuTracker.event` needs to see. */
export const TRACKED_EVENTS = (1 << EVENT_VCPU_RUN) | (1 << EVENT_VCPU_STOP) | (1 << EVENT_VM_ENTRY);

/** No vCPU runs on the core. */
export const NO_VCPU = -1;

const VCPUS_PER_VM = 0x1_0000;

/** One number for a vCPU of a VM. */
export const vcpuKey = (vm: number, vcpu: number): number => vm * VCPUS_PER_VM + vcpu;
export const keyVm = (key: number): number => Math.floor(key / VCPUS_PER_VM);
export const keyVcpu = (key: number): number => key % VCPUS_PER_VM;

/**
 * Knows which vCPU each core runs, from the events that say so: `vcpu-run` and `vm-entry` put it there, `vcpu-stop` takes it off. What a core does
 * in VMX root operation on behalf of its vCPU counts as the vCPU's.
 */
export class VcpuTracker {
  private readonly keys: number[] = [];

  event(event: number, core: number, vm: number, vcpu: number): void {
    if (event === EVENT_VCPU_STOP) this.keys[core] = NO_VCPU;
    else if (event === EVENT_VCPU_RUN || event === EVENT_VM_ENTRY) this.keys[core] = vcpuKey(vm, vcpu);
  }

  /** Key of the vCPU on this core, or NO_VCPU. */
  current(core: number): number {
    return this.keys[core] ?? NO_VCPU;
  }
}
