import type { Core } from '../core.ts';

/** INVVPID types. SDM: Vol. 3, "INVVPID—Invalidate Translations Based on VPID". */
export const INVVPID_ADDRESS = 0;
export const INVVPID_CONTEXT = 1;
export const INVVPID_ALL = 2;
export const INVVPID_CONTEXT_KEEP_GLOBAL = 3;

/** INVEPT types. SDM: Vol. 3, "INVEPT—Invalidate Translations Derived from EPT". */
export const INVEPT_CONTEXT = 1;
export const INVEPT_ALL = 2;

/**
 * INVVPID on this core: linear and combined mappings of the VPID go (all VPIDs but 0 for type 2).
 * @param la signed linear address (type 0). Throws RangeError where the instruction would fail with an invalid operand.
 */
export function invvpid(core: Core, type: number, vpid: number, la: number): void {
  if (type < INVVPID_ADDRESS || type > INVVPID_CONTEXT_KEEP_GLOBAL) throw new RangeError(`INVVPID type ${type}`);
  if (type !== INVVPID_ALL && (vpid <= 0 || vpid > 0xffff)) throw new RangeError(`INVVPID with VPID ${vpid}`);
  core.mmu.invalidate.invvpid(type, vpid, la);
  core.charge(core.costs.invvpid);
}

/** INVEPT on this core: combined and guest-physical mappings of the EPT root (a host page number) go, or all. */
export function invept(core: Core, type: number, eptRoot: number): void {
  if (type !== INVEPT_CONTEXT && type !== INVEPT_ALL) throw new RangeError(`INVEPT type ${type}`);
  core.mmu.invalidate.invept(type, eptRoot);
  core.charge(core.costs.invept);
}
