/** Register values that no instruction could have loaded, so that VM entry refuses them. */
import { EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE } from '../../arch/controlRegisters.ts';
import { PHYSICAL_ADDRESS_BITS } from '../../mmu/tlbEntry.ts';
import { slotOf, type Vmcs } from './vmcs.ts';

const EFER_DEFINED = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
/** Memory types WT, WC, UC, WP, WB, UC-: bit n for type n. */
const MEMORY_TYPES = 0b1111_0011;

/** The field holds a value of CR3 within the physical-address width. */
export const isPagingRoot = ({ words }: Vmcs, field: number): boolean =>
  words[2 * slotOf(field) + 1]! >>> (PHYSICAL_ADDRESS_BITS - 32) === 0;

export const isDefinedEfer = ({ words }: Vmcs, field: number): boolean =>
  (words[2 * slotOf(field)]! & ~EFER_DEFINED) === 0 && words[2 * slotOf(field) + 1] === 0;

/** The field holds eight memory types. SDM: Vol. 3, "IA32_PAT MSR". */
export function isDefinedPat({ words }: Vmcs, field: number): boolean {
  const slot = slotOf(field);
  return areMemoryTypes(words[2 * slot]!) && areMemoryTypes(words[2 * slot + 1]!);
}

function areMemoryTypes(types: number): boolean {
  for (let shift = 0; shift < 32; shift += 8) {
    const type = (types >>> shift) & 0xff;
    if (type > 7 || !(MEMORY_TYPES & (1 << type))) return false;
  }
  return true;
}
