import type { Core } from '../cpu/core.ts';
import {
  I32_MXCSR,
  I32_X87_CONTROL,
  U64_CR2,
  U64_CSTAR,
  U64_DR0,
  U64_DR6,
  U64_FMASK,
  U64_KERNEL_GS_BASE,
  U64_LSTAR,
  U64_MISC_ENABLE,
  U64_STAR,
  U64_TSC_AUX,
  U64_X87_DATA,
  U64_X87_INSTRUCTION,
  U64_XCR0,
} from '../cpu/state.ts';
import type { Vcpu } from './vcpu.ts';

/** State that hardware does not switch at VM entry and exit, so a VMM does when it changes vCPUs. */
const SWITCHED: readonly number[] = [
  ...Array.from({ length: 16 }, (_, register) => register),
  ...[
    U64_CR2,
    U64_KERNEL_GS_BASE,
    U64_STAR,
    U64_LSTAR,
    U64_CSTAR,
    U64_FMASK,
    U64_TSC_AUX,
    U64_MISC_ENABLE,
    U64_XCR0,
    U64_X87_INSTRUCTION,
    U64_X87_DATA,
  ],
  ...[U64_DR0, U64_DR0 + 1, U64_DR0 + 2, U64_DR0 + 3, U64_DR6],
];

/** The vCPU's registers are safe in its record. */
export function saveVcpu(core: Core, vcpu: Vcpu): void {
  for (const index of SWITCHED) vcpu.registers[index] = core.state.u64[index]!;
  vcpu.xmm.set(core.state.xmm);
  vcpu.mxcsr = core.state.i32[I32_MXCSR]!;
  vcpu.x87.set(core.state.x87);
  vcpu.x87Words.set(core.state.i32.subarray(I32_X87_CONTROL, I32_X87_CONTROL + vcpu.x87Words.length));
}

/** The vCPU's registers are on the core and its VMCS is current. */
export function loadVcpu(core: Core, vcpu: Vcpu): void {
  for (const index of SWITCHED) core.state.u64[index] = vcpu.registers[index]!;
  core.state.xmm.set(vcpu.xmm);
  core.state.i32[I32_MXCSR] = vcpu.mxcsr;
  core.state.x87.set(vcpu.x87);
  core.state.i32.set(vcpu.x87Words, I32_X87_CONTROL);
  core.vmx.current = vcpu.vmcs;
}
