import type { ParavirtualMsr } from './paravirtualMsr.ts';

const ALL: readonly ParavirtualMsr[] = [];

/** Paravirtual MSRs by number. They lie outside of the MSR bitmaps, so every access leaves the guest. */
export const PARAVIRTUAL_MSRS: ReadonlyMap<number, ParavirtualMsr> = new Map(ALL.map((msr) => [msr.msr, msr]));
