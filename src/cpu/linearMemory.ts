import { CANONICAL_LIMIT } from '../arch/addresses.ts';
import { VECTOR_AC, VECTOR_GP, VECTOR_PF } from '../arch/vectors.ts';
import { ACCESS_IMPLICIT, ACCESS_READ, ACCESS_USER, ACCESS_WRITE, FAULT_PAGE, TRANSLATION_FAULT } from '../mmu/access.ts';
import type { Core } from './core.ts';
import { FAULT_EPT, guestFault } from './guestFault.ts';
import { checksAlignment } from './stepWatch.ts';

/** Access kinds of descriptor-table, IDT and TSS references: supervisor whatever the CPL. */
export const SYSTEM_READ = ACCESS_READ | ACCESS_IMPLICIT;
export const SYSTEM_WRITE = ACCESS_WRITE | ACCESS_IMPLICIT;

/**
 * Host-physical address of one byte-aligned access within a page.
 * Raises: #PF; EPT violations and misconfigurations leave the guest; #GP(0) when not canonical.
 */
export function translateOrFault(core: Core, la: number, access: number): number {
  if (la >= CANONICAL_LIMIT || la < -CANONICAL_LIMIT) throw guestFault.set(VECTOR_GP, 0);
  const hpa = core.mmu.translate(la, access);
  if (hpa === TRANSLATION_FAULT) throw faultOfMmu(core);
  return hpa;
}

/** The MMU's last fault as the fault an instruction raises. */
export function faultOfMmu(core: Core): typeof guestFault {
  const { fault } = core.mmu;
  return fault.kind === FAULT_PAGE ? guestFault.set(VECTOR_PF, fault.errorCode, fault.la) : guestFault.set(FAULT_EPT, -1, fault.la);
}

/** Raises #AC(0) for a program's access that must be aligned and is not; others are noted for the breakpoints. */
function watched(core: Core, bytes: number, la: number, access: number): void {
  if (access & ACCESS_USER && (la & (bytes - 1)) !== 0 && checksAlignment(core)) throw guestFault.set(VECTOR_AC, 0);
  if (!(access & ACCESS_IMPLICIT)) core.watch!.note(la, bytes, (access & ACCESS_WRITE) !== 0);
}

/** Loads 1, 2, 4 or 8 bytes at a signed linear address, zero-extended. For system operations; engines have their own quick path. */
export function loadLinear(core: Core, bytes: 1 | 2 | 4 | 8, la: number, access: number): bigint {
  if (core.watch !== null) watched(core, bytes, la, access);
  if ((la & 0xfff) + bytes > 0x1000) {
    const split = 0x1000 - (la & 0xfff);
    const low = translateOrFault(core, la, access);
    const high = translateOrFault(core, la + split, access);
    let value = 0n;
    for (let i = 0; i < bytes; i++) value |= core.loadPhysical(1, i < split ? low + i : high + i - split) << BigInt(8 * i);
    return value;
  }
  return core.loadPhysical(bytes, translateOrFault(core, la, access));
}

/** Stores 1, 2, 4 or 8 bytes at a signed linear address; translates every page before it writes. */
export function storeLinear(core: Core, bytes: 1 | 2 | 4 | 8, la: number, value: bigint, access: number): void {
  if (core.watch !== null) watched(core, bytes, la, access);
  if ((la & 0xfff) + bytes > 0x1000) {
    const split = 0x1000 - (la & 0xfff);
    const low = translateOrFault(core, la, access);
    const high = translateOrFault(core, la + split, access);
    for (let i = 0; i < bytes; i++) core.storePhysical(1, i < split ? low + i : high + i - split, (value >> BigInt(8 * i)) & 0xffn);
    return;
  }
  core.storePhysical(bytes, translateOrFault(core, la, access), value);
}

/** A 64-bit pattern as a signed number, exact for canonical addresses. */
export const signedNumber = (bits: bigint): number => Number(BigInt.asIntN(64, bits));
