/**
 * The page walk: linear to guest-physical through the guest's paging structures, and on to host-physical through EPT, every table included.
 *
 * SDM: Vol. 3, "Hierarchical Paging Structures: an Overview"; "Access Rights"; "Page-Fault Exceptions"; "Accessed and Dirty Flags".
 *
 * Accessed flags of entries that name a table are set as the walk passes; those of the entry that maps the page, and its dirty flag, once
 * the access is permitted. All of them before EPT is asked about the page itself.
 */
import { EPT_VIOLATION_LA_VALID, EPT_VIOLATION_TRANSLATED, EPTE_W, PTE_A, PTE_D, PTE_G, PTE_P, PTE_PS, PTE_XD_HI } from '../arch/paging.ts';
import { PF_I, PF_P, PF_RSVD, PF_U, PF_W } from '../arch/vectors.ts';
import { ACCESS_FETCH, ACCESS_USER, ACCESS_WRITE, FAULT_PAGE, type TranslationFault } from './access.ts';
import { type EntryMemory, OUTSIDE_RAM, type WalkMeter } from './entryMemory.ts';
import { type EptWalker, structureAccess } from './ept.ts';
import type { PagingContext } from './pagingContext.ts';
import { type PagingMode, pagingMode } from './pagingMode.ts';
import { eptRequirement, permitsLinear } from './permissions.ts';
import type { Tlb } from './tlb.ts';
import {
  ENTRY_D,
  ENTRY_EPT_ALL,
  ENTRY_EPT_SHIFT,
  ENTRY_G,
  ENTRY_U,
  ENTRY_W,
  ENTRY_X,
  PHYSICAL_ADDRESS_BITS,
  pageHighTag,
  pageLow,
  SIZE_2M,
  SIZE_4M,
  SIZE_512G,
  TAG_PAGE_HIGH,
  TAG_VPID_SHIFT,
  WORD_FLAGS,
  WORD_GUEST_PAGE,
  WORD_HOST_PAGE,
} from './tlbEntry.ts';
import { emptyTranslation, type Translation } from './translation.ts';

const LINEAR_ALL = ENTRY_W | ENTRY_U | ENTRY_X;

export class Walker {
  /** What the last successful walk found. */
  readonly found: Translation = emptyTranslation();
  private readonly context: PagingContext;
  private readonly memory: EntryMemory;
  private readonly ept: EptWalker;
  private readonly fault: TranslationFault;
  private readonly meter: WalkMeter;
  /** Null: a walk without effects, for inspection: no caches, no accessed and dirty flags, and permissions are reported, not checked. */
  private readonly tlb: Tlb | null;
  private readonly table: Translation = emptyTranslation();
  /** The table whose entries are read next: guest-physical and host page, flags (accumulated permissions, EPT permissions of its page). */
  private tableGuestPage = 0;
  private tableHostPage = 0;
  private tableFlags = 0;

  constructor(context: PagingContext, memory: EntryMemory, ept: EptWalker, fault: TranslationFault, meter: WalkMeter, tlb: Tlb | null) {
    this.context = context;
    this.memory = memory;
    this.ept = ept;
    this.fault = fault;
    this.meter = meter;
    this.tlb = tlb;
  }

  /**
   * `found` translates `la` for this access; or false, with `fault` filled in. Precondition: paging is on.
   * @param la signed linear address. @param access as of mmu/access.
   */
  walk(la: number, access: number): boolean {
    const { context, memory, found, fault, meter, tlb } = this;
    const mode = pagingMode(context);
    const page = pageLow(la);
    const tags = (context.vpid << TAG_VPID_SHIFT) | pageHighTag(la) | context.pcid;
    const eptRoot = context.eptRoot | 0;
    fault.la = la;
    found.page = page;
    found.tags = tags;
    found.eptRoot = eptRoot;
    found.sequence = tlb === null ? 0 : tlb.nextSequence();

    if (context.root >= 2 ** PHYSICAL_ADDRESS_BITS)
      throw new Error(`CR3 names a paging structure at ${context.root.toString(16)}, beyond MAXPHYADDR`);
    let level = tlb === null ? -1 : this.startBelow(mode, la, page, tags, eptRoot);
    let tableKnown = level >= 0;
    let tableOffset = 0;
    let flags = LINEAR_ALL;
    if (tableKnown) flags = this.tableFlags & LINEAR_ALL;
    else {
      level = mode.top;
      this.tableGuestPage = Math.floor(context.root / 4096) | 0;
      if (mode.directoryPointers) tableOffset = context.root & 0xfe0;
    }
    for (;;) {
      // The entry, and first the table it is in.
      const size = mode.sizes[level]!;
      const select = size === SIZE_512G ? (page >>> SIZE_512G) | ((tags & TAG_PAGE_HIGH) >>> 7) : page >>> size;
      const offset = tableOffset + (select & mode.indexMask) * mode.entryBytes;
      if (!tableKnown) {
        if (!this.enterTable(offset)) return false;
        if (tlb !== null && level < mode.top) this.keepTable(level, mode.sizes[level + 1]!, flags);
      }
      const at = (this.tableHostPage >>> 0) * 4096 + offset;
      const inside = memory.contains(at, mode.entryBytes);
      const low = inside ? memory.load32(at) | 0 : OUTSIDE_RAM;
      const high = mode.entryBytes === 4 ? 0 : inside ? memory.load32(at + 4) | 0 : OUTSIDE_RAM;
      meter.references++;

      if (!(low & PTE_P)) return this.pageFault(access, 0);
      const large = level > 0 && (low & PTE_PS) !== 0 && (mode.largePages & (1 << level)) !== 0;
      const isPage = large || level === 0;
      const reserved = isPage ? (large ? mode.reservedPage[level]! : 0) : mode.reservedTable[level]!;
      if (low & reserved || high & mode.reservedHigh[level]!) return this.pageFault(access, PF_P | PF_RSVD);
      if (high & PTE_XD_HI) {
        if (!context.noExecute) return this.pageFault(access, PF_P | PF_RSVD);
        flags &= ~ENTRY_X;
      }
      const pointer = mode.directoryPointers && level === mode.top;
      if (!pointer) flags &= low | ~(ENTRY_W | ENTRY_U);

      if (!isPage) {
        if (!pointer && !(low & PTE_A) && !this.updateEntry(offset, low | PTE_A)) return false;
        this.tableGuestPage = (high << 20) | (low >>> 12);
        tableKnown = false;
        tableOffset = 0;
        level--;
        continue;
      }

      // The page: permissions, then accessed and dirty flags.
      let updated = low;
      if (tlb !== null) {
        if (!permitsLinear(flags, access, context)) return this.pageFault(access, PF_P);
        updated |= (access & 3) === ACCESS_WRITE ? PTE_A | PTE_D : PTE_A;
        if (updated !== low && !this.updateEntry(offset, updated)) return false;
      }
      if (updated & PTE_D) flags |= ENTRY_D;
      if (low & PTE_G && context.globalPages) flags |= ENTRY_G;
      return this.finish(la, access, flags, size, guestPageOf(low, high, size, page));
    }
  }

  /** On through EPT from the page that the guest's tables name. */
  private finish(la: number, access: number, flags: number, size: number, guestPage: number): boolean {
    const { ept, found } = this;
    found.guestPage = guestPage;
    found.guestSize = size;
    found.size = size === SIZE_4M ? SIZE_2M : size;
    if (this.context.eptRoot === 0) {
      found.hostPage = guestPage;
      found.flags = flags | ENTRY_EPT_ALL;
      return true;
    }
    const required = this.tlb === null ? 0 : eptRequirement(access) >> ENTRY_EPT_SHIFT;
    if (!ept.translate(guestPage, la & 0xfff, required, EPT_VIOLATION_LA_VALID | EPT_VIOLATION_TRANSLATED)) return false;
    found.hostPage = ept.hostPage;
    found.flags = (flags & ~ENTRY_D) | (ept.flags & ENTRY_EPT_ALL) | (flags & ept.flags & ENTRY_D);
    if (ept.size < found.size) found.size = ept.size;
    return true;
  }

  /** Starts at the lowest table that a paging-structure cache knows: its level, or -1. */
  private startBelow(mode: PagingMode, la: number, page: number, tags: number, eptRoot: number): number {
    const tlb = this.tlb!;
    for (let level = 1; level <= mode.top; level++) {
      const cache = tlb.tableCaches[level - 1]!;
      if (cache.live === 0) continue;
      const entry = cache.find(page, tags, eptRoot, mode.sizes[level]!);
      if (entry < 0) continue;
      if (tlb.observer !== null) tlb.observer.used(tlb.core, cache.structure, entry, la);
      this.tableHostPage = tlb.words[entry + WORD_HOST_PAGE]!;
      this.tableGuestPage = tlb.words[entry + WORD_GUEST_PAGE]!;
      this.tableFlags = tlb.words[entry + WORD_FLAGS]!;
      return level - 1;
    }
    return -1;
  }

  /** The table at `tableGuestPage` can be read. @param offset of the entry to be read, for an EPT violation. */
  private enterTable(offset: number): boolean {
    if (this.context.eptRoot === 0) {
      this.tableHostPage = this.tableGuestPage;
      this.tableFlags = ENTRY_EPT_ALL | ENTRY_D;
      return true;
    }
    return this.askEpt(offset, this.tlb === null ? 0 : structureAccess(this.context));
  }

  private askEpt(offset: number, required: number): boolean {
    const { ept } = this;
    if (!ept.translate(this.tableGuestPage, offset, required, EPT_VIOLATION_LA_VALID)) return false;
    this.tableHostPage = ept.hostPage;
    this.tableFlags = ept.flags;
    return true;
  }

  /** The paging-structure cache of the level above `level` knows the table just entered. @param size of what an entry above covers. */
  private keepTable(level: number, size: number, flags: number): void {
    const { table, found } = this;
    const tlb = this.tlb!;
    table.page = found.page;
    table.tags = found.tags;
    table.eptRoot = found.eptRoot;
    table.flags = flags | (this.tableFlags & (ENTRY_EPT_ALL | ENTRY_D));
    table.size = size;
    table.guestSize = size;
    table.hostPage = this.tableHostPage;
    table.guestPage = this.tableGuestPage;
    table.sequence = found.sequence;
    tlb.insert(tlb.tableCaches[level]!, table, size, 0);
  }

  /** The low half of an entry of the current table has this value; false when EPT forbids the write. */
  private updateEntry(offset: number, value: number): boolean {
    if (this.tlb === null) return true;
    const writable = EPTE_W << ENTRY_EPT_SHIFT;
    if ((this.tableFlags & (writable | ENTRY_D)) !== (writable | ENTRY_D)) {
      if (!this.askEpt(offset, EPTE_W)) return false;
    }
    this.memory.store32((this.tableHostPage >>> 0) * 4096 + offset, value);
    return true;
  }

  private pageFault(access: number, cause: number): false {
    const { fault, context } = this;
    const kind = access & 3;
    let errorCode = cause;
    if (kind === ACCESS_WRITE) errorCode |= PF_W;
    if (access & ACCESS_USER) errorCode |= PF_U;
    if (kind === ACCESS_FETCH && (context.smep || (context.pae && context.noExecute))) errorCode |= PF_I;
    fault.kind = FAULT_PAGE;
    fault.errorCode = errorCode;
    fault.gpa = 0;
    fault.qualification = 0;
    return false;
  }
}

/** Guest-physical page number of the 4 KB page at `page`, within the page that an entry maps. */
function guestPageOf(low: number, high: number, size: number, page: number): number {
  const inside = page & ((1 << size) - 1);
  // PSE-36: bits 20:13 of the PDE are address bits 39:32.
  if (size === SIZE_4M) return ((low >>> 22) << SIZE_4M) | ((low & 0x1f_e000) << 7) | inside;
  return (((high << 20) | (low >>> 12)) & ~((1 << size) - 1)) | inside;
}
