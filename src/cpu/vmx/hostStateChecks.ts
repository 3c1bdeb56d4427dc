import { CR0_NE, CR0_PE, CR0_PG, CR4_PAE, CR4_PCIDE, CR4_VMXE, EFER_LMA, EFER_LME } from '../../arch/controlRegisters.ts';
import {
  VMCS_ENTRY_CONTROLS,
  VMCS_EXIT_CONTROLS,
  VMCS_HOST_CR0,
  VMCS_HOST_CR3,
  VMCS_HOST_CR4,
  VMCS_HOST_CS_SELECTOR,
  VMCS_HOST_DS_SELECTOR,
  VMCS_HOST_EFER,
  VMCS_HOST_ES_SELECTOR,
  VMCS_HOST_FS_BASE,
  VMCS_HOST_FS_SELECTOR,
  VMCS_HOST_GDTR_BASE,
  VMCS_HOST_GS_BASE,
  VMCS_HOST_GS_SELECTOR,
  VMCS_HOST_IDTR_BASE,
  VMCS_HOST_PAT,
  VMCS_HOST_RIP,
  VMCS_HOST_SS_SELECTOR,
  VMCS_HOST_SYSENTER_EIP,
  VMCS_HOST_SYSENTER_ESP,
  VMCS_HOST_TR_BASE,
  VMCS_HOST_TR_SELECTOR,
} from '../../arch/vmcs.ts';
import { ENTRY_CONTROL_IA32E_GUEST, EXIT_CONTROL_HOST_64, EXIT_CONTROL_LOAD_EFER, EXIT_CONTROL_LOAD_PAT } from '../../arch/vmxControls.ts';
import { isDefinedEfer, isDefinedPat, isPagingRoot } from './registerChecks.ts';
import type { Vmcs } from './vmcs.ts';

const SELECTORS = [
  VMCS_HOST_ES_SELECTOR,
  VMCS_HOST_CS_SELECTOR,
  VMCS_HOST_SS_SELECTOR,
  VMCS_HOST_DS_SELECTOR,
  VMCS_HOST_FS_SELECTOR,
  VMCS_HOST_GS_SELECTOR,
  VMCS_HOST_TR_SELECTOR,
];
const BASES = [
  VMCS_HOST_FS_BASE,
  VMCS_HOST_GS_BASE,
  VMCS_HOST_TR_BASE,
  VMCS_HOST_GDTR_BASE,
  VMCS_HOST_IDTR_BASE,
  VMCS_HOST_SYSENTER_ESP,
  VMCS_HOST_SYSENTER_EIP,
];
const RPL_AND_TI = 7;

/**
 * What is wrong with the host-state area, or undefined. Selector, segment and address-space checks are those of a host in 64-bit mode too.
 * SDM: Vol. 3, "Checks on Host Control Registers, MSRs, and SSP"; "Checks on Host Segment and Descriptor-Table Registers";
 * "Checks Related to Address-Space Size".
 */
export function checkHostState(vmcs: Vmcs): string | undefined {
  const cr0 = vmcs.readNumber(VMCS_HOST_CR0);
  const cr4 = vmcs.readNumber(VMCS_HOST_CR4);
  const exit = vmcs.readNumber(VMCS_EXIT_CONTROLS);
  const wide = (exit & EXIT_CONTROL_HOST_64) !== 0;
  if (!(cr0 & CR0_PE) || !(cr0 & CR0_PG) || !(cr0 & CR0_NE)) return 'host CR0 without PE, PG or NE';
  if (!(cr4 & CR4_VMXE)) return 'host CR4 without VMXE';
  if (!isPagingRoot(vmcs, VMCS_HOST_CR3)) return 'host CR3 beyond the physical-address width';
  if (exit & EXIT_CONTROL_LOAD_PAT && !isDefinedPat(vmcs, VMCS_HOST_PAT)) return 'host PAT has a reserved memory type';
  if (exit & EXIT_CONTROL_LOAD_EFER) {
    const efer = vmcs.readNumber(VMCS_HOST_EFER);
    if (!isDefinedEfer(vmcs, VMCS_HOST_EFER)) return 'host EFER has reserved bits set';
    const mode = efer & (EFER_LMA | EFER_LME);
    if (mode !== (wide ? EFER_LMA | EFER_LME : 0)) return 'host EFER.LMA or LME differs from the host address-space size';
  }
  for (const field of SELECTORS) if (vmcs.readNumber(field) & RPL_AND_TI) return 'a host selector has an RPL or the table indicator';
  if (vmcs.readNumber(VMCS_HOST_CS_SELECTOR) === 0) return 'host CS is null';
  if (vmcs.readNumber(VMCS_HOST_TR_SELECTOR) === 0) return 'host TR is null';
  if (!wide && vmcs.readNumber(VMCS_HOST_SS_SELECTOR) === 0) return 'host SS is null outside 64-bit mode';
  for (const field of BASES) if (!vmcs.isCanonical(field)) return 'a host address is not canonical';
  if (!wide) {
    if (vmcs.readNumber(VMCS_ENTRY_CONTROLS) & ENTRY_CONTROL_IA32E_GUEST) return 'IA-32e mode guest of a 32-bit host';
    if (cr4 & CR4_PCIDE) return 'host CR4.PCIDE outside IA-32e mode';
    return vmcs.isWide(VMCS_HOST_RIP) ? 'host RIP beyond 32 bits' : undefined;
  }
  if (!(cr4 & CR4_PAE)) return '64-bit host without PAE';
  return vmcs.isCanonical(VMCS_HOST_RIP) ? undefined : 'host RIP is not canonical';
}
