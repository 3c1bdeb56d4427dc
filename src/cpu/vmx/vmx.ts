import { VMCS_CR0_GUEST_HOST_MASK, VMCS_CR0_READ_SHADOW, VMCS_CR4_GUEST_HOST_MASK, VMCS_CR4_READ_SHADOW } from '../../arch/vmcs.ts';
import { PIN_PREEMPTION_TIMER, SECONDARY_INVPCID, SECONDARY_RDTSCP } from '../../arch/vmxControls.ts';
import type { Core } from '../core.ts';
import { preemptionTimerExit } from './intercepts.ts';
import type { Vmcs } from './vmcs.ts';

/** VMX-preemption timer counts one for every 2^5 TSC cycles, as IA32_VMX_MISC reports. */
export const PREEMPTION_TIMER_SHIFT = 5;

/** The VMX state of a core that is not in the VMCS: the current VMCS, its controls as cached at VM entry, and what is under way. */
export class Vmx {
  /** The current VMCS (VMPTRLD), or undefined. */
  current: Vmcs | undefined;
  /** Controls of the running guest, cached at VM entry; all 0 in root operation. */
  pin = 0;
  primary = 0;
  secondary = 0;
  exceptionBitmap = 0;
  /** TSC offset of root operation while a guest runs. */
  hostTscOffset = 0n;
  /** Clock at which the VMX-preemption timer expires; Infinity when it is off. */
  preemptionDeadline = Number.POSITIVE_INFINITY;
  /** The last operation left the guest. */
  exited = false;
  /** IDT-vectoring information of the event being delivered, 0 when none is. */
  vectoringInfo = 0;
  vectoringErrorCode = 0;
  /** Length and address of the INT instruction whose event is being delivered. */
  softwareInterruptLength = 0;
  softwareInterruptRip = 0n;
  /** CR4 bits that exist for this core besides the usual ones (CR4.VMXE for a core with host software). */
  cr4Allowed = 0;

  /** CR0 as the guest reads it: the shadow where the VMM owns the bit. */
  shadowedCr0(core: Core, value: bigint): bigint {
    return core.nonRoot ? this.shadowed(value, VMCS_CR0_GUEST_HOST_MASK, VMCS_CR0_READ_SHADOW) : value;
  }

  /** CR4 as the guest reads it. */
  shadowedCr4(core: Core, value: bigint): bigint {
    return core.nonRoot ? this.shadowed(value, VMCS_CR4_GUEST_HOST_MASK, VMCS_CR4_READ_SHADOW) : value;
  }

  private shadowed(value: bigint, maskField: number, shadowField: number): bigint {
    const mask = this.current!.read(maskField);
    return (value & ~mask) | (this.current!.read(shadowField) & mask);
  }

  /** What a guest's write of `value` to CR0 or CR4 makes of `old`: bits that the VMM owns stay. */
  keepOwned(control: number, old: bigint, value: bigint): bigint {
    const mask = this.current!.read(control === 0 ? VMCS_CR0_GUEST_HOST_MASK : VMCS_CR4_GUEST_HOST_MASK);
    return (value & ~mask) | (old & mask);
  }

  /** RDTSCP and INVPCID are invalid opcodes in a guest whose VMM has not enabled them. */
  allowsRdtscp(core: Core): boolean {
    return !core.nonRoot || (this.secondary & SECONDARY_RDTSCP) !== 0;
  }

  allowsInvpcid(core: Core): boolean {
    return !core.nonRoot || (this.secondary & SECONDARY_INVPCID) !== 0;
  }

  /** The VMX-preemption timer has counted down. */
  preemptionExpired(core: Core): void {
    this.preemptionDeadline = Number.POSITIVE_INFINITY;
    if (core.nonRoot && this.pin & PIN_PREEMPTION_TIMER) preemptionTimerExit(core);
  }
}
