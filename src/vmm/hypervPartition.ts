import { HYPERCALL_HYPERV, HYPERCALL_PAGE_ENABLE } from '../arch/hyperv.ts';
import type { Core } from '../cpu/core.ts';

/** MOV EAX, HYPERCALL_HYPERV; VMCALL; RET. */
const HYPERCALL_PAGE = [0xb8, ...[0, 8, 16, 24].map((shift) => (HYPERCALL_HYPERV >>> shift) & 0xff), 0x0f, 0x01, 0xc1, 0xc3];

/** What a VM as a whole has told Hyper-V's interface. */
export class HypervPartition {
  guestOsId = 0n;
  /** As the MSR holds it. */
  hypercallPage = 0n;

  /** A guest without an identity has no hypercalls. */
  writeGuestOsId(value: bigint): void {
    this.guestOsId = value;
    if (value === 0n) this.hypercallPage &= ~BigInt(HYPERCALL_PAGE_ENABLE);
  }

  /** The guest's page has the code that makes hypercalls. False when it is no memory of the VM. @param base, @param size of the VM's memory. */
  writeHypercallPage(value: bigint, core: Core, base: number, size: number): boolean {
    if (this.guestOsId === 0n) return true;
    const gpa = value & ~0xfffn;
    if ((value & BigInt(HYPERCALL_PAGE_ENABLE)) !== 0n) {
      if (gpa + 4096n > BigInt(size)) return false;
      for (const [at, byte] of HYPERCALL_PAGE.entries()) core.storePhysical(1, base + Number(gpa) + at, BigInt(byte));
    }
    this.hypercallPage = value;
    return true;
  }

  get takesHypercalls(): boolean {
    return (this.hypercallPage & BigInt(HYPERCALL_PAGE_ENABLE)) !== 0n;
  }
}
