import { KVM_MSR_ENABLED, KVM_RECORD_SIZE } from '../arch/kvmRecords.ts';
import type { Pcpu } from './pcpu.ts';
import type { Vcpu } from './vcpu.ts';

/** A 64-byte record in guest memory that a vCPU has registered by an MSR. */
export class SharedRecord {
  /** As the MSR holds it. */
  msr = 0n;
  /** Host-physical address; 0: none is registered. Host page 0 belongs to nobody. */
  private hpa = 0;

  /** The vCPU shares the record at the guest-physical address in `value`, if bit 0 is set. False when there is no memory or bits 5:1 are not 0. */
  register({ vm }: Vcpu, value: bigint): boolean {
    const enabled = (value & BigInt(KVM_MSR_ENABLED)) !== 0n;
    const gpa = value - (value & BigInt(KVM_RECORD_SIZE - 1));
    if (value - gpa > BigInt(KVM_MSR_ENABLED) || (enabled && gpa + BigInt(KVM_RECORD_SIZE) > BigInt(vm.size))) return false;
    this.msr = value;
    this.hpa = enabled ? vm.base + Number(gpa) : 0;
    return true;
  }

  get isShared(): boolean {
    return this.hpa !== 0;
  }

  /** The byte at `offset` is replaced by `value` atomically; its old value. Cost: `sharedExchange`. */
  exchange({ core, vmm }: Pcpu, offset: number, value: number): number {
    core.charge(vmm.costs.sharedExchange);
    const old = Number(core.loadPhysical(1, this.hpa + offset));
    core.storePhysical(1, this.hpa + offset, BigInt(value));
    return old;
  }

  load({ core }: Pcpu, bytes: 4 | 8, offset: number): bigint {
    return core.loadPhysical(bytes, this.hpa + offset);
  }

  store({ core }: Pcpu, bytes: 4 | 8, offset: number, value: bigint): void {
    core.storePhysical(bytes, this.hpa + offset, BigInt.asUintN(bytes * 8, value));
  }
}
