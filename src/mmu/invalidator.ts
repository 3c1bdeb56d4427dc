import { CR0_PG, CR4_PAE, CR4_PCIDE, CR4_PGE, CR4_PSE, CR4_SMEP } from '../arch/controlRegisters.ts';
import {
  EVENT_INVALIDATE,
  OPERATION_EPT_VIOLATION,
  OPERATION_INVEPT_ALL,
  OPERATION_INVEPT_CONTEXT,
  OPERATION_INVLPG,
  OPERATION_INVLPGB,
  OPERATION_INVPCID_ADDRESS,
  OPERATION_INVVPID_ADDRESS,
  OPERATION_MOV_CR0,
  OPERATION_MOV_CR3,
  OPERATION_MOV_CR4,
  OPERATION_PAGE_FAULT,
  OPERATION_VM_TRANSITION,
} from '../trace/events.ts';
import type { Probe } from '../trace/probe.ts';
import {
  broadcastScope,
  CR4_CONTEXT_SCOPE,
  covers,
  coversGuestPhysical,
  EVERYTHING_SCOPE,
  emptyInvalidation,
  INVALIDATION_SCOPES,
  type Invalidation,
  type InvalidationScope,
  NOTHING,
  SAME_PAGE,
} from './invalidation.ts';
import type { BroadcastInvalidation } from './invalidationBroadcast.ts';
import type { PagingContext } from './pagingContext.ts';
import { STRUCTURE_NESTED, STRUCTURE_PDE, type Tlb } from './tlb.ts';
import type { TlbArray } from './tlbArray.ts';
import { ENTRY_WORDS, pageBase, pageHighTag, pageLow, TAG_VPID_SHIFT, WORD_FLAGS } from './tlbEntry.ts';

/**
 * The invalidations of one core, as software and the processor ask for them. Each removes from every structure exactly what its scope
 * says (mmu/invalidation), counts itself, and emits one `invalidate` event. The VPID, PCID and EPT root are the current ones unless
 * they are operands.
 */
export class Invalidator {
  private readonly tlb: Tlb;
  private readonly context: PagingContext;
  private readonly clock: Float64Array;
  private readonly probe: Probe;
  private readonly current: Invalidation = emptyInvalidation();

  constructor(tlb: Tlb, context: PagingContext, clock: Float64Array, probe: Probe) {
    this.tlb = tlb;
    this.context = context;
    this.clock = clock;
    this.probe = probe;
  }

  /** INVLPG. SDM: Vol. 2, "INVLPG". @param la canonical; INVLPG of a non-canonical address is the caller's no-operation. */
  invlpg(la: number): void {
    const { vpid, pcid } = this.context;
    this.carryOut(OPERATION_INVLPG, vpid, pcid, 0, la, 0);
  }

  /** INVPCID. @param type 0–3, checked by the caller, as is the descriptor. @param pcid and @param la: its operands. */
  invpcid(type: number, pcid: number, la: number): void {
    if (!(type >= 0 && type <= 3)) throw new Error(`INVPCID type ${type} does not exist`);
    this.carryOut(OPERATION_INVPCID_ADDRESS + type, this.context.vpid, pcid, 0, type === 0 ? la : 0, 0);
  }

  /** MOV to CR3 with source bit 63 clear (or CR4.PCIDE = 0: @param pcid 0). With bit 63 set, nothing is invalidated and nothing to be called. */
  movCr3(pcid: number): void {
    this.carryOut(OPERATION_MOV_CR3, this.context.vpid, pcid, 0, 0, 0);
  }

  /**
   * MOV to CR4: PGE changed or PCIDE cleared: everything of the VPID; PAE or PSE changed or SMEP set: everything of the PCID, global entries too;
   * otherwise nothing. @param before and @param after: CR4.
   */
  movCr4(before: number, after: number): void {
    const changed = before ^ after;
    const { vpid, pcid } = this.context;
    if (changed & CR4_PGE || before & ~after & CR4_PCIDE) this.carryOut(OPERATION_MOV_CR4, vpid, pcid, 0, 0, 0);
    else if (changed & (CR4_PAE | CR4_PSE) || after & ~before & CR4_SMEP) {
      this.carryOut(OPERATION_MOV_CR4, vpid, pcid, 0, 0, 0, CR4_CONTEXT_SCOPE);
    }
  }

  /** MOV to CR0 (or another change of it): when PG changed, everything of the VPID. @param before and @param after: CR0. */
  movCr0(before: number, after: number): void {
    if ((before ^ after) & CR0_PG) this.carryOut(OPERATION_MOV_CR0, this.context.vpid, this.context.pcid, 0, 0, 0);
  }

  /** INVVPID. @param type 0–3, and its operands, checked by the caller. */
  invvpid(type: number, vpid: number, la: number): void {
    if (!(type >= 0 && type <= 3)) throw new Error(`INVVPID type ${type} does not exist`);
    this.carryOut(OPERATION_INVVPID_ADDRESS + type, vpid, 0, 0, type === 0 ? la : 0, 0);
  }

  /** INVEPT. @param type 1 or 2, checked by the caller. @param eptRoot host page number of the EPT PML4 table (EPTP bits 51:12). */
  invept(type: number, eptRoot: number): void {
    if (type !== 1 && type !== 2) throw new Error(`INVEPT type ${type} does not exist`);
    this.carryOut(type === 1 ? OPERATION_INVEPT_CONTEXT : OPERATION_INVEPT_ALL, 0, 0, eptRoot, 0, 0);
  }

  /** INVLPGB, this core's or another's. */
  broadcast(what: BroadcastInvalidation): void {
    const scope = broadcastScope(what);
    const { la, pages, stride, pcid, eptRoot } = what;
    for (let page = 0; page < Math.max(pages, 1); page++)
      this.carryOut(OPERATION_INVLPGB, 0, Math.max(pcid, 0), Math.max(eptRoot, 0), pages > 0 ? la + page * stride : 0, 0, scope);
  }

  /** VM entry or VM exit with "enable VPID" 0: everything of VPID 0. */
  vmTransition(): void {
    this.carryOut(OPERATION_VM_TRANSITION, 0, 0, 0, 0, 0);
  }

  /** INIT or reset: everything of every VPID and EPT root, counted as a MOV to CR0. */
  initialize(): void {
    this.carryOut(OPERATION_MOV_CR0, 0, 0, 0, 0, 0, EVERYTHING_SCOPE);
  }

  /** A page fault at `la`. SDM: Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches". */
  pageFault(la: number): void {
    const { vpid, pcid } = this.context;
    this.carryOut(OPERATION_PAGE_FAULT, vpid, pcid, 0, la, 0);
  }

  /** An EPT violation at a guest-physical address, met while `la` was translated. SDM: Vol. 3, "Operations that Invalidate Cached Mappings". */
  eptViolation(la: number, gpa: number): void {
    const { vpid, pcid, eptRoot } = this.context;
    this.carryOut(OPERATION_EPT_VIOLATION, vpid, pcid, eptRoot, la, gpa);
  }

  private carryOut(
    operation: number,
    vpid: number,
    pcid: number,
    eptRoot: number,
    la: number,
    gpa: number,
    scope: InvalidationScope = INVALIDATION_SCOPES[operation]!,
  ): void {
    const { current, tlb } = this;
    current.operation = operation;
    current.la = la;
    current.page = pageLow(la);
    current.tags = (vpid << TAG_VPID_SHIFT) | pageHighTag(la) | pcid;
    current.vpid = vpid;
    current.pcid = pcid;
    current.eptRoot = eptRoot | 0;
    current.guestPage = pageLow(gpa);
    current.translations = scope.translations;
    current.tables = scope.tables;
    current.guestPhysical = scope.guestPhysical;
    current.dropped = 0;
    this.apply();
    tlb.invalidations[operation]!++;
    if (this.probe.mask & (1 << EVENT_INVALIDATE)) {
      this.probe.event(EVENT_INVALIDATE, tlb.core, this.clock[0]!, operation, la, vpid * 4096 + pcid, current.dropped);
    }
    if (tlb.observer !== null) tlb.observer.invalidated(tlb.core, current);
  }

  /** Applies the scopes of the current invalidation to every structure they concern. */
  private apply(): void {
    const { current, tlb } = this;
    const { structures } = tlb;
    for (let structure = 0; structure < STRUCTURE_PDE; structure++) {
      const array = structures[structure]!;
      if (array.live === 0) continue;
      if (current.translations & SAME_PAGE && array.fractured === 0) this.dropAround(array);
      else this.dropCovered(array, current.translations);
    }
    for (let structure = STRUCTURE_PDE; structure < STRUCTURE_NESTED; structure++) {
      if (current.tables !== NOTHING && structures[structure]!.live !== 0) this.dropCovered(structures[structure]!, current.tables);
    }
    if (current.guestPhysical !== NOTHING && tlb.nested.live !== 0) this.dropGuestPhysical(tlb.nested);
  }

  /** One page, and no fractured entries: only the sets that the page can be in are looked at. */
  private dropAround(array: TlbArray): void {
    const { words, sizes } = array;
    const { page, translations } = this.current;
    for (let i = 0; i < sizes.length; i++) {
      const size = sizes[i]!;
      const base = pageBase(page, size);
      let entry = array.setOf(page, size);
      for (const end = entry + array.setWords; entry < end; entry += ENTRY_WORDS) {
        if (words[entry] !== base || words[entry + WORD_FLAGS] === 0 || !covers(translations, words, entry, this.current)) continue;
        array.drop(entry);
        this.current.dropped++;
      }
    }
  }

  private dropCovered(array: TlbArray, scopeBits: number): void {
    const { words } = array;
    const { current } = this;
    let remaining = array.live;
    for (let entry = array.first; remaining > 0; entry += ENTRY_WORDS) {
      if (words[entry + WORD_FLAGS] === 0) continue;
      remaining--;
      if (!covers(scopeBits, words, entry, current)) continue;
      array.drop(entry);
      current.dropped++;
    }
  }

  private dropGuestPhysical(array: TlbArray): void {
    const { words } = array;
    for (let entry = array.first; entry < array.end; entry += ENTRY_WORDS) {
      if (words[entry + WORD_FLAGS] === 0 || !coversGuestPhysical(this.current.guestPhysical, words, entry, this.current)) continue;
      array.drop(entry);
      this.current.dropped++;
    }
  }
}
