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
 *
 * How: when a shootdown begins, the entries of its range that the tables do not permit become *suspects*, page by page. Every store to a page that a
 * suspect's walk reads makes the oracle walk again, before the store and after it, so no state of the tables goes unseen; a page that is
 * permitted once is no suspect any more. Using a suspect after the end of its shootdown is the breach.
 */
import { formatLinear } from '../arch/addresses.ts';
import { MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END } from '../arch/marks.ts';
import type { EntryMemory } from '../mmu/entryMemory.ts';
import {
  describePermissions,
  type EntryView,
  isMapped,
  type Peek,
  type Permissions,
  peek,
  viewEntry,
  visitEntries,
} from '../mmu/inspect.ts';
import { covers, coversGuestPhysical, type Invalidation, NOTHING } from '../mmu/invalidation.ts';
import type { Mmu } from '../mmu/mmu.ts';
import type { PagingContext } from '../mmu/pagingContext.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import { STRUCTURE_NESTED, STRUCTURE_PDE } from '../mmu/tlb.ts';
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

/** A shootdown as the guest announced it. Addresses are signed; times are cycles of the core that marked. */
export interface Shootdown {
  readonly core: number;
  readonly eptRoot: number;
  readonly root: number;
  readonly start: number;
  /** Exclusive; Infinity for everything (then `start` is -Infinity). */
  readonly end: number;
  readonly begunCycles: number;
  /** -1 while it is under way. */
  endedCycles: number;
}

/** One broken promise, with both sides of it. */
export interface TranslationViolation {
  readonly verdict: 'hardware' | 'shootdown';
  readonly reason: string;
  /** Core that used (or kept) the entry, and the address it was used for. */
  readonly core: number;
  readonly address: number;
  /** What the core used. `entry.sequence` counts that core's walks; `coreSequence` is the count now. */
  readonly entry: EntryView;
  readonly coreSequence: number;
  /** What the tables say now. */
  readonly tables: Peek;
  readonly shootdown: Shootdown | null;
}

/** Entries of one walk that were stale when a shootdown began. */
interface Suspect {
  readonly core: number;
  readonly structure: number;
  readonly view: EntryView;
  readonly shootdown: Shootdown;
  readonly context: PagingContext;
  /** Linear addresses (page bases) in the entry and the range that the tables have not permitted since; for a table, one for all. */
  readonly pages: Set<number>;
}

export class TranslationOracle implements Probe, TranslationObserver {
  readonly mask = 1 << EVENT_MARK;
  readonly violations: TranslationViolation[] = [];
  private readonly onViolation: (violation: TranslationViolation) => void;
  private memory: PhysicalMemory | null = null;
  private mmus: readonly Mmu[] = [];
  /** By vCPU: shootdowns under way, innermost last. */
  private readonly active = new Map<string, Shootdown[]>();
  private suspects: Suspect[] = [];
  /** By core: the entries filled and not invalidated since, by `keyOf`; evicted ones stay until the next invalidation. */
  private known: Set<number>[] = [];
  private readonly watched = new Set<number>();
  /** Entry addresses that the last walk read. */
  private readonly read = new Set<number>();
  /** A watched page was written: the tables may differ from what was judged. */
  private pending = false;

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
    memory.onWatchedWritten = () => {
      this.judgeSuspects();
      this.pending = true;
    };
  }

  event(_event: number, core: number, cycles: number, mark: number, rdi: number, rsi: number): void {
    if (mark === MARK_SHOOTDOWN_BEGIN) this.begin(core, cycles, rdi, rsi);
    else if (mark === MARK_SHOOTDOWN_END) this.end(core, cycles);
  }

  used(core: number, structure: number, entry: number, address: number): void {
    this.settle();
    const mmu = this.mmus[core]!;
    this.checkBelongs(mmu, structure, entry, address);
    if (structure === STRUCTURE_NESTED || this.suspects.length === 0) return;
    const { context, tlb } = mmu;
    const sequence = tlb.sequences[(entry + WORD_SEQUENCE) >> 1]!;
    const page = address - (((address % 4096) + 4096) % 4096);
    let broken: Shootdown | null = null;
    for (const suspect of this.suspects) {
      const { shootdown } = suspect;
      if (shootdown.endedCycles < 0 || suspect.core !== core || suspect.view.sequence !== sequence) continue;
      if (isTable(suspect.structure) !== isTable(structure) || (isTable(structure) && suspect.structure !== structure)) continue;
      if (context.eptRoot !== shootdown.eptRoot || (context.root !== shootdown.root && !suspect.view.global)) continue;
      const stale = isTable(structure)
        ? address >= shootdown.start && address < shootdown.end && suspect.pages.size > 0
        : suspect.pages.has(page);
      if (!stale) continue;
      if (isTable(structure)) suspect.pages.clear();
      else suspect.pages.delete(page);
      if (broken === null) broken = shootdown;
    }
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
    this.settle();
    this.known[core]!.add(keyOf(this.mmus[core]!, structure, entry));
  }

  invalidated(core: number, invalidation: Invalidation): void {
    this.settle();
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
    this.forgetGone();
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

  private begin(core: number, cycles: number, rdi: number, rsi: number): void {
    this.settle();
    const { context } = this.mmus[core]!;
    const all = rsi === -1;
    const shootdown: Shootdown = {
      core,
      eptRoot: context.eptRoot,
      root: context.root,
      start: all ? -Infinity : Math.floor(rdi / 4096) * 4096,
      end: all ? Infinity : rsi,
      begunCycles: cycles,
      endedCycles: -1,
    };
    const owner = ownerOf(core, context);
    const stack = this.active.get(owner);
    if (stack === undefined) this.active.set(owner, [shootdown]);
    else stack.push(shootdown);
    const frozen = { ...context };
    for (const mmu of this.mmus) {
      visitEntries(mmu.tlb, 0, STRUCTURE_NESTED - 1, (structure, entry) => this.suspect(mmu, structure, entry, shootdown, frozen));
    }
    this.unwatchIfIdle();
  }

  private end(core: number, cycles: number): void {
    this.settle();
    const stack = this.active.get(ownerOf(core, this.mmus[core]!.context));
    const shootdown = stack?.pop();
    if (shootdown === undefined) throw new Error(`core ${core}: MARK_SHOOTDOWN_END without MARK_SHOOTDOWN_BEGIN at cycle ${cycles}`);
    shootdown.endedCycles = cycles;
  }

  /** An entry becomes a suspect if it lies in the range and the tables do not permit it. */
  private suspect(mmu: Mmu, structure: number, entry: number, shootdown: Shootdown, context: PagingContext): void {
    const view = viewEntry(mmu.tlb, structure, entry);
    if (view.eptRoot !== shootdown.eptRoot) return;
    const start = Math.max(view.address, shootdown.start);
    const end = Math.min(view.address + view.size, shootdown.end);
    const pages = new Set<number>();
    const suspect: Suspect = { core: mmu.core, structure, view, shootdown, context, pages };
    if (start >= end) return;
    if (isTable(structure)) {
      // All addresses under the entry share the way down to its table: one stands for them.
      if (!this.permits(suspect, start, this.walk(context, start))) pages.add(start);
    } else {
      for (let page = start; page < end; ) {
        const now = this.walk(context, page);
        const step = isMapped(now) ? now.size - (((page % now.size) + now.size) % now.size) : 4096;
        const next = Math.min(page + step, end);
        if (!this.permits(suspect, page, now)) for (let stale = page; stale < next; stale += 4096) pages.add(stale);
        page = next;
      }
    }
    if (pages.size > 0) this.suspects.push(suspect);
  }

  /** The tables, as they are, give (at least) what the entry gives for the page. Precondition: `now` is the last walk. */
  private permits(suspect: Suspect, page: number, now: Peek): boolean {
    const { view, structure } = suspect;
    if (isTable(structure)) {
      // The table that the entry names is on the way: the walk read the entry for this page from it.
      const level = structure - STRUCTURE_PDE;
      const long = suspect.context.longMode || suspect.context.pae;
      const bits = long ? 9 : 10;
      const pageNumber = Math.floor(page / 4096);
      const index = Math.floor(pageNumber / 2 ** (level * bits)) & ((1 << bits) - 1);
      return this.read.has(view.hpa + index * (long ? 8 : 4));
    }
    return isMapped(now) && now.hpa === view.hpa + (page - view.address) && includes(now.permissions, view.permissions);
  }

  /** Looks at the tables again if they may have changed since. */
  private settle(): void {
    if (!this.pending) return;
    this.pending = false;
    this.judgeSuspects();
  }

  private judgeSuspects(): void {
    for (const suspect of this.suspects) {
      for (const page of suspect.pages) {
        if (this.permits(suspect, page, this.walk(suspect.context, page))) suspect.pages.delete(page);
      }
    }
    this.suspects = this.suspects.filter((suspect) => suspect.pages.size > 0);
    this.unwatchIfIdle();
  }

  /** Suspects whose entries are in no structure any more are forgotten. */
  private forgetGone(): void {
    if (this.suspects.length === 0) return;
    const present = this.mmus.map((mmu) => {
      const sequences = new Set<number>();
      visitEntries(mmu.tlb, 0, STRUCTURE_NESTED - 1, (_structure, entry) => {
        sequences.add(mmu.tlb.sequences[(entry + WORD_SEQUENCE) >> 1]!);
      });
      return sequences;
    });
    this.suspects = this.suspects.filter(({ core, view }) => present[core]!.has(view.sequence));
    this.unwatchIfIdle();
  }

  private unwatchIfIdle(): void {
    if (this.suspects.length > 0) return;
    for (const page of this.watched) this.memory!.unwatch(page);
    this.watched.clear();
  }

  /** What the tables say now; every page read is watched from now on. */
  private walk(context: PagingContext, address: number): Peek {
    const memory = this.memory!;
    this.read.clear();
    const reader: EntryMemory = {
      contains: (hpa, bytes) => memory.contains(hpa, bytes),
      load32: (hpa) => {
        this.read.add(hpa);
        const page = Math.floor(hpa / 4096);
        if (!this.watched.has(page)) {
          this.watched.add(page);
          memory.watch(page);
        }
        return memory.load32(hpa);
      },
      store32: () => {
        throw new Error('the oracle does not write');
      },
    };
    return peek(context, reader, address);
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
  mmu.tlb.sequences[(entry + WORD_SEQUENCE) >> 1]! * 2 + (isTable(structure) ? 1 : 0);

/** `covers`, where a scope may be none. */
const coversTranslation = (scope: number, words: Int32Array, entry: number, invalidation: Invalidation): boolean =>
  scope !== NOTHING && covers(scope, words, entry, invalidation);

const isTable = (structure: number): boolean => structure >= STRUCTURE_PDE && structure < STRUCTURE_NESTED;

/** A vCPU is its VPID wherever it runs; without VPID, its core. */
const ownerOf = (core: number, context: PagingContext): string => (context.vpid === 0 ? `core ${core}` : `vpid ${context.vpid}`);

const includes = (all: Permissions, some: Permissions): boolean =>
  (Object.keys(some) as (keyof Permissions)[]).every((right) => all[right] || !some[right]);

/** Both sides of a violation as a few lines of text. */
export function describeViolation(violation: TranslationViolation): string {
  const { entry, tables, shootdown } = violation;
  const lines = [
    `${violation.verdict} violation on core ${violation.core}: ${violation.reason}`,
    `  address   ${formatLinear(violation.address)}`,
    `  used      ${entry.structure} entry of ${formatLinear(entry.address)}, ${entry.size} bytes (guest page ${entry.guestSize}), to 0x${entry.hpa.toString(16)}` +
      ` ${describePermissions(entry.permissions)}${entry.global ? ' global' : ''}, filled by walk ${entry.sequence} of ${violation.coreSequence}`,
    `  tags      VPID ${entry.vpid}, PCID ${entry.pcid}, EPT root 0x${entry.eptRoot.toString(16)}`,
    isMapped(tables)
      ? `  tables    say 0x${tables.hpa.toString(16)} ${describePermissions(tables.permissions)}`
      : `  tables    say fault kind ${tables.fault.kind}, error code ${tables.fault.errorCode}, gpa 0x${tables.fault.gpa.toString(16)}`,
  ];
  if (shootdown !== null) {
    const range = shootdown.end === Infinity ? 'everything' : `[${formatLinear(shootdown.start)}, ${formatLinear(shootdown.end)})`;
    lines.push(
      `  shootdown of ${range} by core ${shootdown.core}, begun at cycle ${shootdown.begunCycles}, complete at ${shootdown.endedCycles}`,
    );
  }
  return lines.join('\n');
}
