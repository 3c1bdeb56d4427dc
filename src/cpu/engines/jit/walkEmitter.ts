/**
 * `Walker.walk` in generated code, for the walks that happen all the time: four levels down to a page of 4 KB or 2 MB, tables in RAM. The walk reads
 * first and changes something only when it is certain to succeed; EPT's mappings, which later steps of the same walk may use, are the
 * exception, and taken back (engines/jit/eptEmitter). Whatever else it meets (faults, accessed and dirty flags of EPT entries, pages of 1 GB, tables with
 * decoded code) is the host's, from the beginning.
 */
import { PTE_A, PTE_D, PTE_P, PTE_PS, PTE_XD_HI } from '../../../arch/paging.ts';
import { FOUR_LEVEL } from '../../../mmu/pagingMode.ts';
import {
  ENTRY_D,
  ENTRY_EPT_ALL,
  ENTRY_EPT_R,
  ENTRY_EPT_W,
  ENTRY_GUEST_SIZE_SHIFT,
  ENTRY_U,
  ENTRY_VALID,
  ENTRY_W,
  ENTRY_X,
  TAG_PAGE_HIGH,
  WORD_FLAGS,
  WORD_GUEST_PAGE,
  WORD_HOST_PAGE,
} from '../../../mmu/tlbEntry.ts';
import { COUNTER_DTLB_MISSES, COUNTER_WALK_REFERENCES, COUNTER_WALKS } from '../../../trace/counters.ts';
import { I32_QUIET, I32_WALK_GLOBAL, I32_WALK_RESERVED, I32_WALK_ROOT, I32_WALK_TABLE_REQUIRED } from '../../state.ts';
import { type EptFunctions, emitBegin, emitNextSequence, eptReferences } from './eptEmitter.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import { CLOCK_BYTE } from './jitLayout.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { emitFind, emitInsert, field, type Insertion } from './tlbEmitter.ts';
import { counterByte, type TlbFunctions, type TranslationHardware } from './translateEmitter.ts';
import { emitLookup, type Lookup, stateWord } from './translationState.ts';
import { I32, I64, op } from './wasmModule.ts';

const LINEAR = ENTRY_W | ENTRY_U;
const TOP = FOUR_LEVEL.top;
/** The level whose entries map pages of 2 MB. */
const LARGE_LEVEL = 1;
const HOST = -1;
const EPT_WRITABLE = ENTRY_EPT_W | ENTRY_D;

/** What the walk has found at one level: the table, and its entry there. */
interface Level {
  readonly tableHost: Variable;
  readonly tableGuest: Variable;
  readonly tableFlags: Variable;
  /** Permissions down to the table. */
  readonly flags: Variable;
  /** Byte offset and low half of the entry, and the low half that it is to have. */
  readonly at: Variable;
  readonly low: Variable;
  readonly updated: Variable;
}

/**
 * `walk(core, la, write) -> host page`, or -1 when the host must walk. The first and second level do not serve the access.
 * @param ept there is EPT to go through.
 */
export function defineWalk(
  module: ModuleWriter,
  hardware: TranslationHardware,
  functions: TlbFunctions,
  ept: EptFunctions | undefined,
): number {
  const { tlb } = hardware;
  const caches = tlb.tableCaches.map((array, level): Insertion => {
    return { array, size: FOUR_LEVEL.sizes[level + 1]!, alignment: 0, drop: functions.drops[array.structure]!, inShortcut: false };
  });
  return module.define(undefined, [I32, I64, I32], [I32], (f, core, la, write) => {
    f.if(f.isZero(stateWord(f, core, I32_QUIET)), () => f.return(HOST));
    const lookup = emitLookup(f, core, la, write);
    const start = f.i32(TOP);
    const levels = Array.from({ length: TOP + 1 }, (): Level => newLevel(f));
    const walk = new WalkWriter(f, core, hardware, lookup, ept);
    const early = ept === undefined ? undefined : emitBegin(f, core, lookup.tlb);
    walk.descend(levels, start, caches, write);
    const { hostPage, flags, guestPage, large, size } = walk.finish(write);

    // Nothing can go wrong any more.
    const sequence = early ?? emitNextSequence(f, lookup.tlb);
    for (let level = TOP; level >= 0; level--) {
      const { at, updated, low, tableHost, tableGuest, tableFlags, flags: above } = levels[level]!;
      const cache = caches[level];
      const change = (): void => f.if(f.differ(updated, low), () => f.store(at, 0, updated));
      const keep = (): void => {
        if (cache === undefined) return;
        const kept = f.i32(f.or(f.or(above, f.and(tableFlags, ENTRY_EPT_ALL | ENTRY_D)), cache.size << ENTRY_GUEST_SIZE_SHIFT));
        emitInsert(f, cache, { ...lookup, flags: kept, hostPage: tableHost, guestPage: tableGuest, sequence });
      };
      const reached = level === TOP ? f.equal(start, TOP) : f.op(op.i32_le_u, level, start);
      const passed = level < LARGE_LEVEL ? f.both(reached, f.isZero(large)) : reached;
      f.if(passed, () => {
        if (level < TOP) f.if(f.less(level, start), keep);
        change();
      });
    }
    const page = { ...lookup, flags, hostPage, guestPage, sequence };
    f.if(
      size,
      () => {
        const operands = [lookup.tlb, lookup.shortcut, lookup.page, lookup.tags, lookup.eptRoot, flags, hostPage, guestPage, sequence];
        f.push(f.call(functions.insertLarge, ...operands));
        if (tlb.stlbHolds2m) f.push(f.call(functions.insertSecondLarge, ...operands));
      },
      () => {
        emitInsert(f, functions.small, page);
        emitInsert(f, functions.second, page);
      },
    );
    const read = f.subtract(f.add(start, 1), large);
    walk.charge(ept === undefined ? read : f.add(read, eptReferences(f, core)));
    f.push(hostPage);
  });
}

function newLevel(f: FunctionWriter): Level {
  const names = ['tableHost', 'tableGuest', 'tableFlags', 'flags', 'at', 'low', 'updated'] as const;
  return Object.fromEntries(names.map((name) => [name, f.i32(0)])) as unknown as Level;
}

/** What a walk ends with. */
interface WalkEnd {
  readonly hostPage: Variable;
  /** Flags of an entry, guest size included. */
  readonly flags: Variable;
  readonly guestPage: Variable;
  /** 1 when the guest's page is one of 2 MB. */
  readonly large: Variable;
  /** Log2 of the 4 KB pages that one entry covers: what EPT maps in one piece, at most the guest's page. */
  readonly size: Variable;
}

/** Writes the parts of one walk. */
class WalkWriter {
  private readonly f: FunctionWriter;
  private readonly core: Variable;
  private readonly hardware: TranslationHardware;
  private readonly lookup: Lookup;
  private readonly ept: EptFunctions | undefined;
  /** What the guest's tables say of the page, and the entry that maps it. */
  private readonly pageFlags: Variable;
  private readonly guestPage: Variable;
  private readonly large: Variable;
  private readonly leafLow: Variable;
  private readonly leafUpdated: Variable;

  constructor(f: FunctionWriter, core: Variable, hardware: TranslationHardware, lookup: Lookup, ept: EptFunctions | undefined) {
    this.f = f;
    this.core = core;
    this.hardware = hardware;
    this.lookup = lookup;
    this.ept = ept;
    this.pageFlags = f.i32(0);
    this.guestPage = f.i32(0);
    this.large = f.i32(0);
    this.leafLow = f.i32(0);
    this.leafUpdated = f.i32(0);
  }

  private hostIf(condition: Operand): void {
    const { f, ept, core, lookup } = this;
    f.if(condition, () => {
      if (ept !== undefined) f.push(f.call(ept.undo, core, lookup.tlb));
      f.return(HOST);
    });
  }

  private hostUnless(condition: Operand): void {
    this.hostIf(this.f.isZero(condition));
  }

  /** From the lowest table that a paging-structure cache knows, or the top, down to the entry of the page. */
  descend(levels: readonly Level[], start: Variable, caches: readonly Insertion[], write: Variable): void {
    const { f } = this;
    f.block((done) => {
      const from = (level: number): void => {
        // What precedes the code of a level: its table is in a cache, or the level above has found it.
        if (level < TOP) {
          f.block((known) => {
            this.startAt(levels[level]!, start, level, caches[level]!, known);
            from(level + 1);
          });
        } else this.startAtTop(levels[TOP]!);
        this.readEntry(levels, level, write, done);
      };
      from(0);
    });
  }

  private startAt(level: Level, start: Variable, number: number, { array, size }: Insertion, known: number): void {
    const { f, lookup } = this;
    const entry = emitFind(f, array, size, lookup);
    f.if(entry, () => {
      f.set(level.tableHost, field(f, entry, WORD_HOST_PAGE));
      f.set(level.tableGuest, field(f, entry, WORD_GUEST_PAGE));
      f.set(level.tableFlags, field(f, entry, WORD_FLAGS));
      f.set(level.flags, f.and(level.tableFlags, LINEAR | ENTRY_X));
      f.set(start, number);
      f.leave(known);
    });
  }

  private startAtTop(level: Level): void {
    const { f } = this;
    f.set(level.flags, LINEAR | ENTRY_X);
    this.enterTable(level, stateWord(f, this.core, I32_WALK_ROOT));
  }

  /** The table at a guest-physical page can be read. */
  private enterTable(level: Level, guestPage: Operand): void {
    const { f } = this;
    f.set(level.tableGuest, guestPage);
    const required = stateWord(f, this.core, I32_WALK_TABLE_REQUIRED);
    this.translateGuest(level.tableGuest, required, level.tableHost, level.tableFlags);
  }

  /** Through EPT, if it is in use: the size of the mapping. @param required flags of a mapping. */
  private translateGuest(guestPage: Variable, required: Operand, hostPage: Variable, flags: Variable): Operand {
    const { f, lookup, ept, core } = this;
    if (ept === undefined) {
      f.set(hostPage, guestPage);
      f.set(flags, ENTRY_EPT_ALL | ENTRY_D);
      return FOUR_LEVEL.sizes[TOP]!;
    }
    const found = f.i32(f.call(ept.translate, core, lookup.tlb, guestPage, required, lookup.eptRoot));
    this.hostUnless(found);
    const entryFlags = f.i32(field(f, found, WORD_FLAGS));
    f.set(flags, f.and(entryFlags, ENTRY_EPT_ALL | ENTRY_D));
    const size = f.i32(f.shiftRight(entryFlags, ENTRY_GUEST_SIZE_SHIFT));
    const inside = f.and(guestPage, f.subtract(f.op(op.i32_shl, 1, size), 1));
    f.set(hostPage, f.or(field(f, found, WORD_HOST_PAGE), inside));
    return size;
  }

  private readEntry(levels: readonly Level[], number: number, write: Variable, done: number): void {
    const { f, hardware, lookup } = this;
    const level = levels[number]!;
    const { at, low, updated, tableHost } = level;
    this.hostUnless(f.less(tableHost, hardware.ramPages));
    const { page, tags } = lookup;
    const size = FOUR_LEVEL.sizes[number]!;
    const select =
      number === TOP
        ? f.or(f.shiftRight(page, size), f.shiftRight(f.and(tags, TAG_PAGE_HIGH), 7))
        : f.and(f.shiftRight(page, size), FOUR_LEVEL.indexMask);
    const inTable = f.multiply(f.and(select, FOUR_LEVEL.indexMask), FOUR_LEVEL.entryBytes);
    f.set(at, f.add(f.or(f.shiftLeft(tableHost, 12), inTable), hardware.ramBase));
    f.set(low, f.load(at));
    const high = f.i32(f.load(at, 4));
    this.hostUnless(f.and(low, PTE_P));
    this.hostIf(f.and(high, stateWord(f, this.core, I32_WALK_RESERVED)));
    const flags = f.i32(f.and(level.flags, f.or(low, ~LINEAR)));
    f.if(f.and(high, PTE_XD_HI), () => f.set(flags, f.and(flags, ~ENTRY_X)));
    const mapsPage = (): void => {
      f.set(updated, f.or(f.or(low, PTE_A), f.multiply(write, PTE_D)));
      this.hostUnlessUpdatable(level);
      f.set(this.pageFlags, flags);
      f.set(this.leafLow, low);
      f.set(this.leafUpdated, updated);
    };
    const named = f.or(f.shiftLeft(high, 20), f.shiftRight(low, 12));
    if (number === 0) {
      mapsPage();
      f.set(this.guestPage, named);
      return;
    }
    if (number === LARGE_LEVEL)
      f.if(f.and(low, PTE_PS), () => {
        this.hostIf(f.and(low, FOUR_LEVEL.reservedPage[LARGE_LEVEL]!));
        mapsPage();
        f.set(this.guestPage, f.or(f.and(named, -1 << size), f.and(page, 2 ** size - 1)));
        f.set(this.large, 1);
        f.leave(done);
      });
    // In the top table the bit is reserved, in the one below it maps 1 GB.
    else this.hostIf(f.and(low, PTE_PS));
    f.set(updated, f.or(low, PTE_A));
    this.hostUnlessUpdatable(level);
    const next = levels[number - 1]!;
    f.set(next.flags, flags);
    this.enterTable(next, named);
  }

  /** Accessed and dirty flags that the entry does not have yet can be set. */
  private hostUnlessUpdatable({ updated, low, tableFlags, tableHost }: Level): void {
    const { f, hardware, ept } = this;
    f.if(f.differ(updated, low), () => {
      if (ept !== undefined) this.hostUnless(f.hasAll(tableFlags, EPT_WRITABLE));
      this.hostIf(f.load(tableHost, hardware.codePageBase, 8));
    });
  }

  /** The translation of the page. */
  finish(write: Variable): WalkEnd {
    const { f, hardware, lookup, core, guestPage, large } = this;
    const flags = f.i32(this.pageFlags);
    const { required, forbidden } = lookup;
    const mask = f.and(f.or(required, forbidden), LINEAR);
    this.hostUnless(f.equal(f.and(flags, mask), f.and(required, LINEAR)));
    f.if(f.and(this.leafUpdated, PTE_D), () => f.set(flags, f.or(flags, ENTRY_D)));
    f.set(flags, f.or(flags, f.and(this.leafLow, stateWord(f, core, I32_WALK_GLOBAL))));
    const hostPage = f.i32(0);
    const mapped = f.i32(0);
    const needed = f.i32(f.or(ENTRY_VALID, f.and(required, ENTRY_EPT_R | EPT_WRITABLE)));
    const eptSize = this.translateGuest(guestPage, needed, hostPage, mapped);
    f.set(flags, f.or(f.and(flags, f.or(mapped, ~ENTRY_D)), f.and(mapped, ENTRY_EPT_ALL)));
    const guestSize = FOUR_LEVEL.sizes[LARGE_LEVEL]!;
    f.set(flags, f.or(flags, f.multiply(large, guestSize << ENTRY_GUEST_SIZE_SHIFT)));
    this.hostUnless(f.less(hostPage, hardware.ramPages));
    f.if(write, () => this.hostIf(f.load(hostPage, hardware.codePageBase, 8)));
    const size = f.i32(f.multiply(large, f.multiply(f.less(guestSize - 1, eptSize), guestSize)));
    return { hostPage, flags, guestPage, large, size };
  }

  /** Mmu.chargeWalk, and the miss. */
  charge(references: Operand): void {
    const { f, core } = this;
    const { walkStart, walkReference } = this.hardware.costs;
    const count = f.f64(f.op(op.f64_convert_i32_u, references));
    f.increase(core, counterByte(COUNTER_DTLB_MISSES), f.double(1));
    f.increase(core, counterByte(COUNTER_WALKS), f.double(1));
    f.increase(core, counterByte(COUNTER_WALK_REFERENCES), count);
    f.increase(core, CLOCK_BYTE, f.op(op.f64_add, f.double(walkStart), f.op(op.f64_mul, count, f.double(walkReference))));
  }
}
