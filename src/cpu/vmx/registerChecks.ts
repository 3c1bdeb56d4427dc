/** Register values that no instruction could have loaded, so that VM entry refuses them. */
import { EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE } from '../../arch/controlRegisters.ts';
import { PHYSICAL_ADDRESS_BITS } from '../../mmu/tlbEntry.ts';

const EFER_DEFINED = BigInt(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
/** Memory types WT, WC, UC, WP, WB, UC-: bit n for type n. */
const MEMORY_TYPES = 0b1111_0011;

/** A value of CR3 within the physical-address width. */
export const isPagingRoot = (cr3: bigint): boolean => cr3 >> BigInt(PHYSICAL_ADDRESS_BITS) === 0n;

export const isDefinedEfer = (efer: bigint): boolean => (efer & ~EFER_DEFINED) === 0n;

/** Eight memory types. SDM: Vol. 3, "IA32_PAT MSR". */
export function isDefinedPat(pat: bigint): boolean {
  for (let shift = 0n; shift < 64n; shift += 8n) {
    const type = Number((pat >> shift) & 0xffn);
    if (type > 7 || !(MEMORY_TYPES & (1 << type))) return false;
  }
  return true;
}
