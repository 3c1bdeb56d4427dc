/**
 * The promise of shootdowns, judged: an entry of the range that was filled before a shootdown began, and that the tables have not permitted at any
 * moment since, is not used after its end.
 *
 * When a shootdown begins, the entries of its range that the tables do not permit become *suspects*, page by page. Every store to a page that a
 * suspect's walk reads makes us walk again, before the store and after it, so no state of the tables goes unseen; a page that is permitted once is
 * no suspect any more. Using a suspect after the end of its shootdown is the breach.
 */
import type { EntryMemory } from '../mmu/entryMemory.ts';
import { type EntryView, isMapped, type Peek, type Permissions, peek, viewEntry, visitEntries } from '../mmu/inspect.ts';
import type { Mmu } from '../mmu/mmu.ts';
import type { PagingContext } from '../mmu/pagingContext.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';
import { isTableStructure, STRUCTURE_NESTED, STRUCTURE_PDE } from '../mmu/tlb.ts';
import { WORD_SEQUENCE } from '../mmu/tlbEntry.ts';
import type { Shootdown } from './translationViolation.ts';

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

export class ShootdownSuspects {
  private readonly mmus: readonly Mmu[];
  private readonly memory: PhysicalMemory;
  /** By vCPU: shootdowns under way, innermost last. */
  private readonly active = new Map<string, Shootdown[]>();
  private suspects: Suspect[] = [];
  private readonly watched = new Set<number>();
  /** Entry addresses that the last walk read. */
  private readonly read = new Set<number>();
  /** A watched page was written: the tables may differ from what was judged. */
  private pending = false;

  /** Watches stores to `memory`, which these MMUs share. */
  constructor(mmus: readonly Mmu[], memory: PhysicalMemory) {
    this.mmus = mmus;
    this.memory = memory;
    memory.onWatchedWritten = () => {
      this.judge();
      this.pending = true;
    };
  }

  /** The vCPU on the core shoots [rdi, rsi) down, or everything (`rsi` -1): what the tables do not permit is suspect from now on. */
  begin(core: number, cycles: number, rdi: number, rsi: number): void {
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

  /** Its innermost shootdown is complete. */
  end(core: number, cycles: number): void {
    this.settle();
    const stack = this.active.get(ownerOf(core, this.mmus[core]!.context));
    const shootdown = stack?.pop();
    if (shootdown === undefined) throw new Error(`core ${core}: MARK_SHOOTDOWN_END without MARK_SHOOTDOWN_BEGIN at cycle ${cycles}`);
    shootdown.endedCycles = cycles;
  }

  /** The complete shootdown that should have removed the entry, which the core uses for this address; null when there is none. It counts once. */
  brokenBy(mmu: Mmu, structure: number, entry: number, address: number): Shootdown | null {
    if (structure === STRUCTURE_NESTED || this.suspects.length === 0) return null;
    const { context, tlb, core } = mmu;
    const sequence = tlb.sequences[(entry + WORD_SEQUENCE) >> 1]!;
    const page = address - (((address % 4096) + 4096) % 4096);
    let broken: Shootdown | null = null;
    for (const suspect of this.suspects) {
      const { shootdown } = suspect;
      if (shootdown.endedCycles < 0 || suspect.core !== core || suspect.view.sequence !== sequence) continue;
      if (
        isTableStructure(suspect.structure) !== isTableStructure(structure) ||
        (isTableStructure(structure) && suspect.structure !== structure)
      )
        continue;
      if (context.eptRoot !== shootdown.eptRoot || (context.root !== shootdown.root && !suspect.view.global)) continue;
      const stale = isTableStructure(structure)
        ? address >= shootdown.start && address < shootdown.end && suspect.pages.size > 0
        : suspect.pages.has(page);
      if (!stale) continue;
      if (isTableStructure(structure)) suspect.pages.clear();
      else suspect.pages.delete(page);
      if (broken === null) broken = shootdown;
    }
    return broken;
  }

  /** Looks at the tables again if they may have changed since. */
  settle(): void {
    if (!this.pending) return;
    this.pending = false;
    this.judge();
  }

  /** Suspects whose entries are in no structure any more are forgotten. */
  forgetGone(): void {
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

  /** An entry becomes a suspect if it lies in the range and the tables do not permit it. */
  private suspect(mmu: Mmu, structure: number, entry: number, shootdown: Shootdown, context: PagingContext): void {
    const view = viewEntry(mmu.tlb, structure, entry);
    if (view.eptRoot !== shootdown.eptRoot) return;
    const start = Math.max(view.address, shootdown.start);
    const end = Math.min(view.address + view.size, shootdown.end);
    const pages = new Set<number>();
    const suspect: Suspect = { core: mmu.core, structure, view, shootdown, context, pages };
    if (start >= end) return;
    if (isTableStructure(structure)) {
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
    if (isTableStructure(structure)) {
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

  private judge(): void {
    for (const suspect of this.suspects) {
      for (const page of suspect.pages) {
        if (this.permits(suspect, page, this.walk(suspect.context, page))) suspect.pages.delete(page);
      }
    }
    this.suspects = this.suspects.filter((suspect) => suspect.pages.size > 0);
    this.unwatchIfIdle();
  }

  private unwatchIfIdle(): void {
    if (this.suspects.length > 0) return;
    for (const page of this.watched) this.memory.unwatch(page);
    this.watched.clear();
  }

  /** What the tables say now; every page read is watched from now on. */
  private walk(context: PagingContext, address: number): Peek {
    const { memory } = this;
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
}

/** A vCPU is its VPID wherever it runs; without VPID, its core. */
const ownerOf = (core: number, context: PagingContext): string => (context.vpid === 0 ? `core ${core}` : `vpid ${context.vpid}`);

const includes = (all: Permissions, some: Permissions): boolean =>
  (Object.keys(some) as (keyof Permissions)[]).every((right) => all[right] || !some[right]);
