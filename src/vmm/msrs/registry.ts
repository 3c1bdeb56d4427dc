import { hypervMsrs } from './hyperv.ts';
import type { ParavirtualMsr } from './paravirtualMsr.ts';
import { stealTime } from './stealTime.ts';
import { vcpuState } from './vcpuState.ts';

const ALL: readonly ParavirtualMsr[] = [stealTime, vcpuState, ...hypervMsrs];

/** Paravirtual MSRs by number. They lie outside of the MSR bitmaps, so every access leaves the guest. */
export const PARAVIRTUAL_MSRS: ReadonlyMap<number, ParavirtualMsr> = new Map(ALL.map((msr) => [msr.msr, msr]));
