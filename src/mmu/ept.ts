/**
 * The walk through EPT: guest-physical to host-physical.
 *
 * SDM: Vol. 3, "EPT Translation Mechanism"; "EPT Violations"; "EPT Misconfigurations"; "Accessed and Dirty Flags for EPT".
 *
 * Execute-only translations are supported (X without R is no misconfiguration). Memory types are checked and otherwise have no effect.
 *
 * Deviation: EPT paging-structure entries are not cached; guest-physical mappings of whole pages are.
 */
import { EPT_VIOLATION_READ, EPT_VIOLATION_WRITE, EPTE_A, EPTE_D, EPTE_PS, EPTE_R, EPTE_W, EPTE_X } from '../arch/paging.ts';
import { FAULT_EPT_MISCONFIGURATION, FAULT_EPT_VIOLATION, type TranslationFault } from './access.ts';
import { type EntryMemory, OUTSIDE_RAM, type WalkMeter } from './entryMemory.ts';
import { EPT_LEVEL_SIZES, EPT_MEMORY_TYPES, EPT_RESERVED_HIGH, EPT_RESERVED_PAGE, EPT_RESERVED_TABLE } from './eptFormat.ts';
import type { PagingContext } from './pagingContext.ts';
import { STRUCTURE_NESTED, type Tlb } from './tlb.ts';
import {
  ENTRY_D,
  ENTRY_EPT_ALL,
  ENTRY_EPT_SHIFT,
  ENTRY_GUEST_SIZE_SHIFT,
  ENTRY_VALID,
  ENTRY_WORDS,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_HOST_PAGE,
} from './tlbEntry.ts';
import { emptyTranslation } from './translation.ts';

const RWX = EPTE_R | EPTE_W | EPTE_X;

export class EptWalker {
  /** Host page number of the 4 KB page, as a 32-bit pattern. */
  hostPage = 0;
  /** ENTRY_EPT_ and ENTRY_D flags of the translation. */
  flags = 0;
  /** Size of the EPT page. */
  size = 0;
  private readonly context: PagingContext;
  private readonly memory: EntryMemory;
  private readonly fault: TranslationFault;
  private readonly meter: WalkMeter;
  /** Guest-physical mappings live here; null: nothing is cached and nothing in memory changes. */
  private readonly tlb: Tlb | null;
  private readonly mapping = emptyTranslation();

  constructor(context: PagingContext, memory: EntryMemory, fault: TranslationFault, meter: WalkMeter, tlb: Tlb | null) {
    this.context = context;
    this.memory = memory;
    this.fault = fault;
    this.meter = meter;
    this.tlb = tlb;
  }

  /**
   * `hostPage`, `flags` and `size` translate guest-physical page `guestPage` for an access of kind `required`; or false, with `fault` filled
   * in (all but its linear address).
   * @param required EPTE_R, EPTE_W and EPTE_X bits that the access needs. @param offset in the page. @param qualification of an EPT violation,
   * apart from the access and permission bits.
   */
  translate(guestPage: number, offset: number, required: number, qualification: number): boolean {
    if (this.tlb !== null && this.findMapping(guestPage, required)) return true;
    const { memory, context } = this;
    const { eptAccessedDirty } = context;
    let table = context.eptRoot >>> 0;
    let permissions = RWX;
    for (let level = 3; ; level--) {
      const size = EPT_LEVEL_SIZES[level]!;
      const at = table * 4096 + ((guestPage >>> size) & 0x1ff) * 8;
      const inside = memory.contains(at, 8);
      const low = inside ? memory.load32(at) | 0 : OUTSIDE_RAM;
      const high = inside ? memory.load32(at + 4) | 0 : OUTSIDE_RAM;
      this.meter.references++;
      if ((low & RWX) === 0) return this.violation(guestPage, offset, required, 0, qualification);
      const page = level === 0 || (level < 3 && (low & EPTE_PS) !== 0);
      if (isMisconfigured(low, high, level, page)) return this.misconfiguration(guestPage, offset);
      permissions &= low;
      if (page) {
        if (required & ~permissions) return this.violation(guestPage, offset, required, permissions, qualification);
        let updated = low;
        if (eptAccessedDirty) {
          updated |= required & EPTE_W ? EPTE_A | EPTE_D : EPTE_A;
          if (this.tlb !== null && updated !== low) memory.store32(at, updated);
        }
        const dirty = !eptAccessedDirty || updated & EPTE_D ? ENTRY_D : 0;
        const inPage = guestPage & ((1 << size) - 1);
        this.hostPage = (((high << 20) | (low >>> 12)) & ~((1 << size) - 1)) | inPage;
        this.flags = (permissions << ENTRY_EPT_SHIFT) | dirty;
        this.size = size;
        if (this.tlb !== null) this.keepMapping(guestPage);
        return true;
      }
      if (eptAccessedDirty && this.tlb !== null && !(low & EPTE_A)) memory.store32(at, low | EPTE_A);
      table = ((high << 20) | (low >>> 12)) >>> 0;
    }
  }

  /** A guest-physical mapping serves the access. */
  private findMapping(guestPage: number, required: number): boolean {
    const tlb = this.tlb!;
    const { words, first, end } = tlb.nested;
    const needed = ENTRY_VALID | (required << ENTRY_EPT_SHIFT) | (required & EPTE_W ? ENTRY_D : 0);
    const root = this.context.eptRoot | 0;
    for (let entry = first; entry < end; entry += ENTRY_WORDS) {
      const flags = words[entry + WORD_FLAGS]!;
      if ((flags & needed) !== needed || words[entry + WORD_EPT_ROOT] !== root) continue;
      const size = flags >>> ENTRY_GUEST_SIZE_SHIFT;
      if ((words[entry]! ^ guestPage) >>> size) continue;
      if (tlb.observer !== null) tlb.observer.used(tlb.core, STRUCTURE_NESTED, entry, (guestPage >>> 0) * 4096);
      this.hostPage = words[entry + WORD_HOST_PAGE]! | (guestPage & ((1 << size) - 1));
      this.flags = flags & (ENTRY_EPT_ALL | ENTRY_D);
      this.size = size;
      return true;
    }
    return false;
  }

  private keepMapping(guestPage: number): void {
    const { mapping, size } = this;
    const tlb = this.tlb!;
    mapping.page = guestPage;
    mapping.eptRoot = this.context.eptRoot | 0;
    mapping.flags = this.flags;
    mapping.size = size;
    mapping.guestSize = size;
    mapping.hostPage = this.hostPage;
    mapping.guestPage = guestPage;
    mapping.sequence = tlb.nextSequence();
    tlb.insert(tlb.nested, mapping, size, size);
  }

  private violation(guestPage: number, offset: number, required: number, permissions: number, qualification: number): false {
    const { fault } = this;
    fault.kind = FAULT_EPT_VIOLATION;
    fault.errorCode = 0;
    fault.gpa = (guestPage >>> 0) * 4096 + offset;
    fault.qualification = qualification | required | (permissions << 3);
    return false;
  }

  private misconfiguration(guestPage: number, offset: number): false {
    const { fault } = this;
    fault.kind = FAULT_EPT_MISCONFIGURATION;
    fault.errorCode = 0;
    fault.gpa = (guestPage >>> 0) * 4096 + offset;
    fault.qualification = 0;
    return false;
  }
}

/** True iff a present EPT entry is one that software must not write. */
function isMisconfigured(low: number, high: number, level: number, page: boolean): boolean {
  if ((low & (EPTE_R | EPTE_W)) === EPTE_W) return true;
  if (high & EPT_RESERVED_HIGH) return true;
  if (!page) return (low & EPT_RESERVED_TABLE[level]!) !== 0;
  return (low & EPT_RESERVED_PAGE[level]!) !== 0 || ((EPT_MEMORY_TYPES >> ((low >>> 3) & 7)) & 1) === 0;
}

/** What an access to a guest paging structure needs of EPT: with EPT's accessed and dirty flags enabled it counts as a write. */
export const structureAccess = (context: PagingContext): number =>
  context.eptAccessedDirty ? EPT_VIOLATION_READ | EPT_VIOLATION_WRITE : EPT_VIOLATION_READ;
