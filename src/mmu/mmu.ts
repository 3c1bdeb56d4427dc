import { EPT_VIOLATION_LA_VALID, EPT_VIOLATION_TRANSLATED } from '../arch/paging.ts';
import {
  COUNTER_DTLB_MISSES,
  COUNTER_ITLB_MISSES,
  COUNTER_STLB_HITS,
  COUNTER_TLB_LOOKUPS,
  COUNTER_WALK_REFERENCES,
  COUNTER_WALKS,
} from '../trace/counters.ts';
import { EVENT_TLB_FILL } from '../trace/events.ts';
import type { Probe } from '../trace/probe.ts';
import { ACCESS_FETCH, FAULT_EPT_VIOLATION, FAULT_PAGE, TRANSLATION_FAULT, type TranslationFault } from './access.ts';
import type { WalkMeter } from './entryMemory.ts';
import { EptWalker } from './ept.ts';
import type { MmuCosts, MmuGeometry } from './geometry.ts';
import { Invalidator } from './invalidator.ts';
import { type PagingContext, resetPagingContext } from './pagingContext.ts';
import { eptRequirement, permits, permitsOutright } from './permissions.ts';
import type { PhysicalMemory } from './physicalMemory.ts';
import { Tlb } from './tlb.ts';
import { readEntry, type TlbArray } from './tlbArray.ts';
import {
  ENTRY_EPT_SHIFT,
  ENTRY_G,
  ENTRY_VALID,
  ENTRY_WORDS,
  PHYSICAL_ADDRESS_BITS,
  SIZE_1G,
  SIZE_2M,
  SIZE_4K,
  TAG_PAGE_HIGH,
  TAG_PCID,
  TAG_VPID_SHIFT,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_HOST_PAGE,
  WORD_TAGS,
} from './tlbEntry.ts';
import { emptyTranslation } from './translation.ts';
import type { TranslationObserver } from './translationObserver.ts';
import { Walker } from './walk.ts';

/** Page-number bits that a 2 MB page number has. */
const LARGE_BASE = -1 << SIZE_2M;

export interface MmuOptions {
  /** Number of the core, for events. */
  readonly core: number;
  readonly memory: PhysicalMemory;
  /** Where the translation structures live: `mmuAreaSize(geometry)` bytes, `byteOffset` a multiple of 8. */
  readonly area: { readonly buffer: ArrayBufferLike; readonly byteOffset: number };
  readonly geometry: MmuGeometry;
  readonly costs: MmuCosts;
  /** `clock[0]`: local time of the core in cycles. */
  readonly clock: Float64Array;
  /** In the order of trace/counters. */
  readonly counters: Float64Array;
  readonly probe: Probe;
}

/**
 * The MMU of one core: `translate` is the one door from linear to host-physical addresses, `invalidate` carries out the invalidations.
 *
 * A cached translation that does not permit the access is no fault: the walk decides, as AMD documents and Intel's manual allows. A #PF or
 * an EPT violation then removes what was cached for the address.
 */
export class Mmu {
  readonly core: number;
  /** Kept current by `cpu`. */
  readonly context: PagingContext = resetPagingContext();
  readonly fault: TranslationFault = { kind: FAULT_PAGE, la: 0, errorCode: 0, gpa: 0, qualification: 0 };
  readonly memory: PhysicalMemory;
  readonly tlb: Tlb;
  readonly invalidate: Invalidator;
  private watcher: TranslationObserver | null = null;
  private readonly words: Int32Array;
  private readonly itlb4k: TlbArray;
  private readonly dtlb4k: TlbArray;
  private readonly itlb2m: TlbArray;
  private readonly dtlb2m: TlbArray;
  readonly costs: MmuCosts;
  private readonly clock: Float64Array;
  private readonly counters: Float64Array;
  private readonly probe: Probe;
  private readonly meter: WalkMeter = { references: 0 };
  private readonly ept: EptWalker;
  private readonly walker: Walker;
  private readonly copy = emptyTranslation();

  constructor(options: MmuOptions) {
    const { core, memory, area, geometry } = options;
    this.core = core;
    this.memory = memory;
    this.costs = options.costs;
    this.clock = options.clock;
    this.counters = options.counters;
    this.probe = options.probe;
    this.tlb = new Tlb(core, area.buffer, area.byteOffset, geometry);
    this.words = this.tlb.words;
    this.itlb4k = this.tlb.itlb4k;
    this.dtlb4k = this.tlb.dtlb4k;
    this.itlb2m = this.tlb.itlb2m;
    this.dtlb2m = this.tlb.dtlb2m;
    this.invalidate = new Invalidator(this.tlb, this.context, this.clock, this.probe);
    this.ept = new EptWalker(this.context, memory, this.fault, this.meter, this.tlb);
    this.walker = new Walker(this.context, memory, this.ept, this.fault, this.meter, this.tlb);
  }

  /** Number of each invalidation carried out, by OPERATION_ number (trace/events). */
  get invalidations(): Float64Array {
    return this.tlb.invalidations;
  }

  /** Who watches the use of cached translations, or null. */
  get observer(): TranslationObserver | null {
    return this.tlb.observer;
  }

  set observer(observer: TranslationObserver | null) {
    this.watcher = observer;
    this.tlb.observer = observer;
  }

  /**
   * Host-physical address of `la` for this access, or TRANSLATION_FAULT with `fault` filled in. The address may lie outside RAM: the caller
   * routes it.
   *
   * Cost: nothing on a first-level hit; `stlbHit`, or `walkStart` and `walkReference` for each entry read, on the core's clock.
   * Emits: `tlb-fill`, and `invalidate` with a fault.
   * @param la canonical, signed; the whole access lies in its page. @param access as of mmu/access.
   */
  translate(la: number, access: number): number {
    const { context, words } = this;
    this.counters[COUNTER_TLB_LOOKUPS]!++;
    if (!context.paging) return context.eptRoot === 0 ? la : this.translateUnpaged(la, access);
    const low = la | 0;
    const high = Math.floor(la / 0x1_0000_0000) | 0;
    const page = (low >>> 12) | (high << 20);
    const tags = (context.vpid << TAG_VPID_SHIFT) | (high & TAG_PAGE_HIGH) | context.pcid;
    const eptRoot = context.eptRoot | 0;
    const array = (access & 3) === ACCESS_FETCH ? this.itlb4k : this.dtlb4k;
    // TlbArray.find for 4 KB pages, in place: half the price of a call (bench/translate).
    let entry = array.first + (page & array.setMask) * array.setWords;
    for (const end = entry + array.setWords; entry < end; entry += ENTRY_WORDS) {
      if (words[entry] !== page) continue;
      const flags = words[entry + WORD_FLAGS]!;
      const difference = words[entry + WORD_TAGS]! ^ tags;
      if (difference !== 0 && ((difference & ~TAG_PCID) !== 0 || !(flags & ENTRY_G))) continue;
      if (words[entry + WORD_EPT_ROOT] !== eptRoot || !(flags & ENTRY_VALID)) continue;
      if (!permitsOutright(flags, access) || this.watcher !== null) return this.translateFirst(la, access, page, tags);
      return (words[entry + WORD_HOST_PAGE]! >>> 0) * 4096 + (low & 0xfff);
    }
    return this.translateLarge(la, access, page, tags, eptRoot);
  }

  /** The same for 2 MB pages, which kernels live in. No 4 KB entry matches. */
  private translateLarge(la: number, access: number, page: number, tags: number, eptRoot: number): number {
    const { words } = this;
    const array = (access & 3) === ACCESS_FETCH ? this.itlb2m : this.dtlb2m;
    const base = page & LARGE_BASE;
    let entry = array.first + ((page >>> SIZE_2M) & array.setMask) * array.setWords;
    for (const end = entry + array.setWords; entry < end; entry += ENTRY_WORDS) {
      if (words[entry] !== base) continue;
      const flags = words[entry + WORD_FLAGS]!;
      const difference = words[entry + WORD_TAGS]! ^ tags;
      if (difference !== 0 && ((difference & ~TAG_PCID) !== 0 || !(flags & ENTRY_G))) continue;
      if (words[entry + WORD_EPT_ROOT] !== eptRoot || !(flags & ENTRY_VALID)) continue;
      if (!permitsOutright(flags, access) || this.watcher !== null) return this.translateFirst(la, access, page, tags);
      return (words[entry + WORD_HOST_PAGE]! >>> 0) * 4096 + (la & 0x1f_ffff);
    }
    return this.translateFirst(la, access, page, tags);
  }

  /** The whole first level: large pages, permissions that depend on the mode, and an observer if there is one. */
  private translateFirst(la: number, access: number, page: number, tags: number): number {
    const { tlb } = this;
    const fetch = (access & 3) === ACCESS_FETCH;
    let array = fetch ? tlb.itlb4k : tlb.dtlb4k;
    let entry = this.usable(array, page, tags, SIZE_4K, access);
    if (entry >= 0) return this.use(array, entry, la, 0xfff);
    array = fetch ? tlb.itlb2m : tlb.dtlb2m;
    entry = this.usable(array, page, tags, SIZE_2M, access);
    if (entry >= 0) return this.use(array, entry, la, 0x1f_ffff);
    if (!fetch) {
      array = tlb.dtlb1g;
      entry = this.usable(array, page, tags, SIZE_1G, access);
      if (entry >= 0) return this.use(array, entry, la, 0x3fff_ffff);
    }
    return this.translateSecond(la, access, page, tags);
  }

  /** The second level; a hit is copied to the first. */
  private translateSecond(la: number, access: number, page: number, tags: number): number {
    const { context, tlb, counters, copy } = this;
    const { stlb } = tlb;
    const fetch = (access & 3) === ACCESS_FETCH;
    counters[fetch ? COUNTER_ITLB_MISSES : COUNTER_DTLB_MISSES]!++;
    let entry = this.usable(stlb, page, tags, SIZE_4K, access);
    if (entry < 0 && tlb.stlbHolds2m) entry = this.usable(stlb, page, tags, SIZE_2M, access);
    if (entry < 0) return this.translateByWalk(la, access, context.vpid * 4096 + context.pcid);
    counters[COUNTER_STLB_HITS]!++;
    this.clock[0]! += this.costs.stlbHit;
    if (this.watcher !== null) this.watcher.used(this.core, stlb.structure, entry, la);
    readEntry(stlb, entry, page, copy);
    tlb.insertFirstLevel(copy, fetch);
    return (copy.hostPage >>> 0) * 4096 + (la & 0xfff);
  }

  /** The address that a first-level entry gives. @param offsetMask of the page. */
  private use(array: TlbArray, entry: number, la: number, offsetMask: number): number {
    if (this.watcher !== null) this.watcher.used(this.core, array.structure, entry, la);
    return (this.words[entry + WORD_HOST_PAGE]! >>> 0) * 4096 + (la & offsetMask);
  }

  /** The entry of `size` that may serve the access, or -1. */
  private usable(array: TlbArray, page: number, tags: number, size: number, access: number): number {
    if (array.live === 0) return -1;
    const entry = array.find(page, tags, this.context.eptRoot | 0, size);
    return entry >= 0 && permits(this.words[entry + WORD_FLAGS]!, access, this.context) ? entry : -1;
  }

  private translateByWalk(la: number, access: number, eventTags: number): number {
    const { tlb, walker, meter } = this;
    const { found } = walker;
    meter.references = 0;
    const translated = walker.walk(la, access);
    this.chargeWalk();
    if (!translated) return this.failed();
    tlb.insertFirstLevel(found, (access & 3) === ACCESS_FETCH);
    tlb.insertSecondLevel(found);
    const hpa = (found.hostPage >>> 0) * 4096 + (la & 0xfff);
    if (this.probe.mask & (1 << EVENT_TLB_FILL)) {
      this.probe.event(EVENT_TLB_FILL, this.core, this.clock[0]!, la, hpa, 2 ** found.size * 4096, eventTags);
    }
    return hpa;
  }

  /** Paging is off and EPT in use: guest-physical mappings serve, as the manual has it; no linear or combined mapping is made. */
  private translateUnpaged(la: number, access: number): number {
    if (la < 0 || la >= 2 ** PHYSICAL_ADDRESS_BITS) throw new Error(`paging is off, but the linear address is ${la}`);
    const { ept, meter, fault } = this;
    meter.references = 0;
    fault.la = la;
    const required = eptRequirement(access) >> ENTRY_EPT_SHIFT;
    const page = Math.floor(la / 4096) | 0;
    const translated = ept.translate(page, la & 0xfff, required, EPT_VIOLATION_LA_VALID | EPT_VIOLATION_TRANSLATED);
    if (meter.references > 0) this.chargeWalk();
    return translated ? (ept.hostPage >>> 0) * 4096 + (la & 0xfff) : this.failed();
  }

  private chargeWalk(): void {
    const { references } = this.meter;
    this.counters[COUNTER_WALKS]!++;
    this.counters[COUNTER_WALK_REFERENCES]! += references;
    this.clock[0]! += this.costs.walkStart + references * this.costs.walkReference;
  }

  /** A fault removes what was cached for the address. SDM: Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches". */
  private failed(): number {
    const { fault } = this;
    if (fault.kind === FAULT_PAGE) this.invalidate.pageFault(fault.la);
    else if (fault.kind === FAULT_EPT_VIOLATION) this.invalidate.eptViolation(fault.la, fault.gpa);
    return TRANSLATION_FAULT;
  }
}
