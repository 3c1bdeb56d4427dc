/**
 * The stale-translation oracle behind `--check-tlb`: it watches every cached translation of every core and judges two promises.
 *
 * *Hardware*: an invalidation removes what it covers, and a core uses only entries that exist and belong to its context. A breach is a bug of
 * this emulator (or of a shortcut that an engine keeps).
 *
 * *Shootdown*: when a guest says that a shootdown of a range is complete (MARK_SHOOTDOWN_BEGIN, …_END), no core in that address space uses
 * an entry of the range that was filled before the shootdown began and that the tables have not permitted at any moment since. A breach
 * is a bug of the guest, or of the VMM that shot down on its behalf. A guest marks the beginning after it has changed its tables: a
 * translation that they still permit at that moment is not stale.
 *
 * An address space is an EPT root and a CR3 root. A global entry counts in every address space of its EPT root.
 */
import { MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END } from '../arch/marks.ts';
import { peek, viewEntry, visitEntries } from '../mmu/inspect.ts';
import { covers, coversGuestPhysical, type Invalidation, NOTHING } from '../mmu/invalidation.ts';
import type { Mmu } from '../mmu/mmu.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import { isTableStructure, STRUCTURE_NESTED, STRUCTURE_PDE } from '../mmu/tlb.ts';
import {
  ENTRY_G,
  ENTRY_SIZE_MASK,
  ENTRY_SIZE_SHIFT,
  pageHighTag,
  pageLow,
  TAG_PCID,
  TAG_VPID_SHIFT,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_SEQUENCE,
  WORD_TAGS,
} from '../mmu/tlbEntry.ts';
import type { TranslationObserver } from '../mmu/translationObserver.ts';
import { EVENT_MARK, INVALIDATION_NAMES } from '../trace/events.ts';
import type { Probe } from '../trace/probe.ts';
import { ShootdownSuspects } from './shootdownSuspects.ts';
import { describeViolation, type Shootdown, type TranslationViolation } from './translationViolation.ts';

export class TranslationOracle implements Probe, TranslationObserver {
  readonly mask = 1 << EVENT_MARK;
  readonly violations: TranslationViolation[] = [];
  private readonly onViolation: (violation: TranslationViolation) => void;
  private memory: PhysicalMemory | null = null;
  private mmus: readonly Mmu[] = [];
  private suspects: ShootdownSuspects | null = null;
  /** By core: the entries filled and not invalidated since, by `keyOf`; evicted ones stay until the next invalidation. */
  private known: Set<number>[] = [];

  /** @param onViolation told of each violation; by default it throws. */
  constructor(
    onViolation: (violation: TranslationViolation) => void = (violation) => {
      throw new Error(describeViolation(violation));
    },
  ) {
    this.onViolation = onViolation;
  }

  /** Watches these MMUs, which share `memory`. The oracle must also be (part of) the cores' probe. */
  attach(mmus: readonly Mmu[], memory: PhysicalMemory): void {
    this.mmus = mmus;
    this.memory = memory;
    this.known = mmus.map((mmu) => {
      const keys = new Set<number>();
      visitEntries(mmu.tlb, 0, STRUCTURE_NESTED, (structure, entry) => keys.add(keyOf(mmu, structure, entry)));
      return keys;
    });
    for (const mmu of mmus) mmu.observer = this;
    this.suspects = new ShootdownSuspects(mmus, memory);
  }

  event(_event: number, core: number, cycles: number, mark: number, rdi: number, rsi: number): void {
    if (mark === MARK_SHOOTDOWN_BEGIN) this.suspects!.begin(core, cycles, rdi, rsi);
    else if (mark === MARK_SHOOTDOWN_END) this.suspects!.end(core, cycles);
  }

  used(core: number, structure: number, entry: number, address: number): void {
    const suspects = this.suspects!;
    suspects.settle();
    const mmu = this.mmus[core]!;
    this.checkBelongs(mmu, structure, entry, address);
    const broken = suspects.brokenBy(mmu, structure, entry, address);
    if (broken === null) return;
    this.report(
      'shootdown',
      'a translation was used after the shootdown that should have removed it',
      mmu,
      structure,
      entry,
      address,
      broken,
    );
  }

  filled(core: number, structure: number, entry: number): void {
    this.suspects!.settle();
    this.known[core]!.add(keyOf(this.mmus[core]!, structure, entry));
  }

  invalidated(core: number, invalidation: Invalidation): void {
    this.suspects!.settle();
    const mmu = this.mmus[core]!;
    const { tlb } = mmu;
    const left = new Set<number>();
    visitEntries(tlb, 0, STRUCTURE_NESTED, (structure, entry) => {
      const survived =
        structure === STRUCTURE_NESTED
          ? invalidation.guestPhysical !== NOTHING && coversGuestPhysical(invalidation.guestPhysical, tlb.words, entry, invalidation)
          : coversTranslation(structure < STRUCTURE_PDE ? invalidation.translations : invalidation.tables, tlb.words, entry, invalidation);
      const key = keyOf(mmu, structure, entry);
      if (!survived && this.known[core]!.has(key)) left.add(key);
      if (!survived) return;
      const { address } = viewEntry(tlb, structure, entry);
      this.report('hardware', `an entry survived ${INVALIDATION_NAMES[invalidation.operation]}`, mmu, structure, entry, address, null);
    });
    this.known[core] = left;
    this.suspects!.forgetGone();
  }

  /** The used entry exists, no invalidation has removed it, it is for this address, and belongs to the core's context. */
  private checkBelongs(mmu: Mmu, structure: number, entry: number, address: number): void {
    const { tlb, context } = mmu;
    const { words } = tlb;
    const flags = words[entry + WORD_FLAGS]!;
    const tags = words[entry + WORD_TAGS]!;
    const nested = structure === STRUCTURE_NESTED;
    const size = (flags & ENTRY_SIZE_MASK) >>> ENTRY_SIZE_SHIFT;
    const difference = tags ^ (nested ? 0 : (context.vpid << TAG_VPID_SHIFT) | pageHighTag(address) | context.pcid);
    const belongs =
      flags !== 0 &&
      (words[entry]! ^ pageLow(address)) >>> size === 0 &&
      (difference === 0 || ((difference & ~TAG_PCID) === 0 && (flags & ENTRY_G) !== 0)) &&
      words[entry + WORD_EPT_ROOT]! >>> 0 === context.eptRoot;
    if (!belongs) {
      this.report('hardware', 'an entry was used that is not there, or not of this context', mmu, structure, entry, address, null);
    } else if (!this.known[mmu.core]!.has(keyOf(mmu, structure, entry))) {
      this.report('hardware', 'an entry was used that an invalidation had removed', mmu, structure, entry, address, null);
    }
  }

  private report(
    verdict: TranslationViolation['verdict'],
    reason: string,
    mmu: Mmu,
    structure: number,
    entry: number,
    address: number,
    shootdown: Shootdown | null,
  ): void {
    const violation: TranslationViolation = {
      verdict,
      reason,
      core: mmu.core,
      address,
      entry: viewEntry(mmu.tlb, structure, entry),
      coreSequence: mmu.tlb.sequence,
      tables: structure === STRUCTURE_NESTED ? { fault: { ...mmu.fault } } : peek(mmu.context, this.memory!, address),
      shootdown: shootdown === null ? null : { ...shootdown },
    };
    this.violations.push(violation);
    this.onViolation(violation);
  }
}

/** An entry and its copies in other levels: the walk that made it, and whether it names a table or a page. */
const keyOf = (mmu: Mmu, structure: number, entry: number): number =>
  mmu.tlb.sequences[(entry + WORD_SEQUENCE) >> 1]! * 2 + (isTableStructure(structure) ? 1 : 0);

/** `covers`, where a scope may be none. */
const coversTranslation = (scope: number, words: Int32Array, entry: number, invalidation: Invalidation): boolean =>
  scope !== NOTHING && covers(scope, words, entry, invalidation);
