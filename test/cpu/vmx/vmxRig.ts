/** A core that runs one guest under a hand-filled VMCS: the hardware of VMX without a VMM. */
import { CR4_VMXE } from '../../../src/arch/controlRegisters.ts';
import {
  VMCS_ENTRY_CONTROLS,
  VMCS_ENTRY_INTERRUPTION_INFO,
  VMCS_EXIT_CONTROLS,
  VMCS_EXIT_INSTRUCTION_LENGTH,
  VMCS_EXIT_INTERRUPTION_INFO,
  VMCS_EXIT_QUALIFICATION,
  VMCS_EXIT_REASON,
  VMCS_GUEST_CR4,
  VMCS_GUEST_RIP,
  VMCS_HOST_CR0,
  VMCS_HOST_CR4,
  VMCS_HOST_CS_SELECTOR,
  VMCS_HOST_EFER,
  VMCS_HOST_RIP,
  VMCS_HOST_SS_SELECTOR,
  VMCS_HOST_TR_SELECTOR,
  VMCS_IDT_VECTORING_INFO,
  VMCS_LINK_POINTER,
  VMCS_PIN_BASED_CONTROLS,
  VMCS_PRIMARY_CONTROLS,
  VMCS_SECONDARY_CONTROLS,
  VMCS_VPID,
} from '../../../src/arch/vmcs.ts';
import {
  ENTRY_CONTROL_IA32E_GUEST,
  ENTRY_CONTROL_LOAD_EFER,
  EXIT_CONTROL_ACKNOWLEDGE_INTERRUPT,
  EXIT_CONTROL_HOST_64,
  EXIT_CONTROL_LOAD_EFER,
  EXIT_CONTROL_SAVE_EFER,
  PIN_EXTERNAL_INTERRUPT_EXITING,
  PIN_NMI_EXITING,
  PRIMARY_ACTIVATE_SECONDARY,
  SECONDARY_INVPCID,
  SECONDARY_RDTSCP,
  SECONDARY_VPID,
} from '../../../src/arch/vmxControls.ts';
import type { Assembler } from '../../../src/asm/assembler.ts';
import { vmEntry } from '../../../src/cpu/vmx/entry.ts';
import { saveGuestState } from '../../../src/cpu/vmx/guestState.ts';
import { Vmcs } from '../../../src/cpu/vmx/vmcs.ts';
import { DIRECT_ENTRY } from '../../../src/machine/directEntry.ts';
import { Rig, type RigOptions } from '../rig.ts';

export const VMCS_ADDRESS = 0x7_0000;
export const BITMAP_ADDRESS = 0x7_1000;
const HOST_RIP = 0x9000;

/** What a VM exit left in the VMCS. */
export interface Exit {
  readonly reason: number;
  readonly qualification: bigint;
  readonly length: number;
  readonly interruption: number;
  readonly vectoring: number;
  readonly rip: number;
}

export class VmxRig extends Rig {
  readonly vmcs: Vmcs;

  /** The guest is the rig's code at its direct entry, without EPT; the VMCS asks for nothing but VPID 1. */
  constructor(write: (a: Assembler) => void, options?: RigOptions) {
    super(write, options);
    const { core, machine } = this;
    const vmcs = new Vmcs(machine.memory.bytes, VMCS_ADDRESS);
    this.vmcs = vmcs;
    vmcs.clear();
    const exit = EXIT_CONTROL_HOST_64 | EXIT_CONTROL_ACKNOWLEDGE_INTERRUPT | EXIT_CONTROL_SAVE_EFER | EXIT_CONTROL_LOAD_EFER;
    vmcs.writeNumber(VMCS_EXIT_CONTROLS, exit);
    saveGuestState(core.state, vmcs);
    vmcs.writeNumber(VMCS_GUEST_CR4, vmcs.readNumber(VMCS_GUEST_CR4) | CR4_VMXE);
    vmcs.write(VMCS_LINK_POINTER, 0xffff_ffff_ffff_ffffn);
    vmcs.writeNumber(VMCS_PIN_BASED_CONTROLS, PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING);
    vmcs.writeNumber(VMCS_PRIMARY_CONTROLS, PRIMARY_ACTIVATE_SECONDARY);
    vmcs.writeNumber(VMCS_SECONDARY_CONTROLS, SECONDARY_VPID | SECONDARY_RDTSCP | SECONDARY_INVPCID);
    vmcs.writeNumber(VMCS_VPID, 1);
    vmcs.writeNumber(VMCS_ENTRY_CONTROLS, ENTRY_CONTROL_IA32E_GUEST | ENTRY_CONTROL_LOAD_EFER);
    vmcs.writeNumber(VMCS_HOST_CR0, DIRECT_ENTRY.cr0);
    vmcs.writeNumber(VMCS_HOST_CR4, DIRECT_ENTRY.cr4 | CR4_VMXE);
    vmcs.writeNumber(VMCS_HOST_EFER, DIRECT_ENTRY.efer);
    for (const field of [VMCS_HOST_CS_SELECTOR, VMCS_HOST_SS_SELECTOR, VMCS_HOST_TR_SELECTOR]) vmcs.writeNumber(field, 8);
    vmcs.writeNumber(VMCS_HOST_RIP, HOST_RIP);
    core.vmx.cr4Allowed = CR4_VMXE;
    // The host does nothing: a core in root operation stops at its next step.
    core.host = {
      wakeTime: 0,
      spinning: false,
      step: () => machine.stop({ kind: 'idle' }),
    };
    core.vmx.current = vmcs;
  }

  set(field: number, value: number): this {
    this.vmcs.writeNumber(field, value);
    return this;
  }

  /** Adds bits to a control field. */
  ask(field: number, bits: number): this {
    return this.set(field, Number(BigInt(this.vmcs.readNumber(field)) | BigInt(bits >>> 0)));
  }

  /** Why the VM entry failed, or undefined. */
  enter(): string | undefined {
    this.machine.stopReason = undefined;
    this.core.stopped = false;
    return vmEntry(this.core);
  }

  /** Enters the guest and runs to the next exit. */
  exit(): Exit {
    const failure = this.enter();
    if (failure !== undefined) throw new Error(`VM entry failed: ${failure}`);
    this.run();
    if (this.core.nonRoot) throw new Error(`no VM exit; at ${this.core.rip.toString(16)}: ${JSON.stringify(this.machine.stopReason)}`);
    const { vmcs } = this;
    return {
      reason: vmcs.readNumber(VMCS_EXIT_REASON),
      qualification: vmcs.read(VMCS_EXIT_QUALIFICATION),
      length: vmcs.readNumber(VMCS_EXIT_INSTRUCTION_LENGTH),
      interruption: vmcs.readNumber(VMCS_EXIT_INTERRUPTION_INFO),
      vectoring: vmcs.readNumber(VMCS_IDT_VECTORING_INFO),
      rip: vmcs.readNumber(VMCS_GUEST_RIP),
    };
  }

  inject(info: number): this {
    return this.set(VMCS_ENTRY_INTERRUPTION_INFO, info);
  }
}
