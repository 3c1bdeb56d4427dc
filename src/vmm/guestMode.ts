import { VMCS_GUEST_SS_ACCESS } from '../arch/vmcs.ts';
import type { Vcpu } from './vcpu.ts';

/** Privilege level of a guest that is not running: the DPL of SS. SDM: Vol. 3, "Guest Register State". */
export const cplOf = ({ vmcs }: Vcpu): number => (vmcs.readNumber(VMCS_GUEST_SS_ACCESS) >> 5) & 3;
