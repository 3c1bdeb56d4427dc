/**
 * `Walker.walk` in generated code, for the walks that happen all the time: four levels down to a 4 KB page, tables in RAM, guest-physical
 * addresses that EPT translates by mappings it has cached. The walk reads first and changes something only when it is certain to succeed:
 * whatever else it meets (faults, large pages, EPT walks, tables with decoded code) is the host's, from the beginning.
 */
import { PTE_A, PTE_D, PTE_P, PTE_PS, PTE_XD_HI } from '../../../arch/paging.ts';
import { FOUR_LEVEL } from '../../../mmu/pagingMode.ts';
import { SEQUENCE_F64, type Tlb } from '../../../mmu/tlb.ts';
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
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_GUEST_PAGE,
  WORD_HOST_PAGE,
  WORD_PAGE,
} from '../../../mmu/tlbEntry.ts';
import { COUNTER_DTLB_MISSES, COUNTER_WALK_REFERENCES, COUNTER_WALKS } from '../../../trace/counters.ts';
import { I32_QUIET, I32_WALK_GLOBAL, I32_WALK_RESERVED, I32_WALK_ROOT, I32_WALK_TABLE_REQUIRED } from '../../state.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import { CLOCK_BYTE } from './jitLayout.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { defineFind, defineInsert, ENTRY_BYTES, field } from './tlbEmitter.ts';
import { counterByte, type TlbFunctions, type TranslationHardware } from './translateEmitter.ts';
import { emitLookup, type Lookup, stateWord } from './translationState.ts';
import { I32, I64, op } from './wasmModule.ts';

const LINEAR = ENTRY_W | ENTRY_U;
const TOP = FOUR_LEVEL.top;
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

/** `walk(core, la, write) -> host page`, or -1 when the host must walk. The first and second level do not serve the access. */
export function defineWalk(module: ModuleWriter, hardware: TranslationHardware, functions: TlbFunctions): number {
  const { tlb } = hardware;
  const mapping = defineFindMapping(module, tlb);
  const caches = tlb.tableCaches.map((cache, level) => {
    const size = FOUR_LEVEL.sizes[level + 1]!;
    const insert = defineInsert(module, cache, size, 0, functions.drops[cache.structure]!);
    return { find: defineFind(module, cache, size), insert, size };
  });
  return module.define(undefined, [I32, I64, I32], [I32], (f, core, la, write) => {
    f.if(f.isZero(stateWord(f, core, I32_QUIET)), () => f.return(HOST));
    const lookup = emitLookup(f, core, la, write);
    const reserved = f.i32(stateWord(f, core, I32_WALK_RESERVED));
    const start = f.i32(TOP);
    const levels = Array.from({ length: TOP + 1 }, (): Level => newLevel(f));
    const walk = new WalkWriter(f, core, hardware, lookup, mapping);
    walk.descend(levels, start, caches, reserved, write);
    const leaf = levels[0]!;
    const [hostPage, flags, guestPage] = walk.finish(leaf, write);

    // Nothing can go wrong any more.
    const sequence = f.f64(f.op(op.f64_add, f.loadWith(op.f64_load, lookup.tlb, SEQUENCE_F64 * 8), f.double(1)));
    f.storeWith(op.f64_store, lookup.tlb, SEQUENCE_F64 * 8, sequence);
    for (let level = TOP; level >= 0; level--) {
      const { at, updated, low, tableHost, tableGuest, tableFlags, flags: above } = levels[level]!;
      const cache = caches[level];
      const change = (): void => f.if(f.differ(updated, low), () => f.store(at, 0, updated));
      if (cache === undefined) {
        f.if(f.equal(start, TOP), change);
        continue;
      }
      f.if(f.less(level, start), () => {
        const kept = f.or(f.or(above, f.and(tableFlags, ENTRY_EPT_ALL | ENTRY_D)), cache.size << ENTRY_GUEST_SIZE_SHIFT);
        const { tags, eptRoot, page } = lookup;
        f.push(f.call(cache.insert, lookup.tlb, lookup.shortcut, page, tags, eptRoot, kept, tableHost, tableGuest, sequence));
      });
      f.if(f.op(op.i32_le_u, level, start), change);
    }
    const { page, tags, eptRoot, shortcut } = lookup;
    for (const insert of [functions.insertSmall, functions.insertSecond])
      f.push(f.call(insert, lookup.tlb, shortcut, page, tags, eptRoot, flags, hostPage, guestPage, sequence));
    walk.charge(f.add(start, 1));
    f.push(hostPage);
  });
}

function newLevel(f: FunctionWriter): Level {
  const names = ['tableHost', 'tableGuest', 'tableFlags', 'flags', 'at', 'low', 'updated'] as const;
  return Object.fromEntries(names.map((name) => [name, f.i32(0)])) as unknown as Level;
}

interface TableCache {
  readonly find: number;
  readonly insert: number;
  readonly size: number;
}

/** Writes the parts of one walk. */
class WalkWriter {
  private readonly f: FunctionWriter;
  private readonly core: Variable;
  private readonly hardware: TranslationHardware;
  private readonly lookup: Lookup;
  private readonly mapping: number;
  /** What the guest's tables say of the page. */
  private readonly pageFlags: Variable;
  private readonly guestPage: Variable;

  constructor(f: FunctionWriter, core: Variable, hardware: TranslationHardware, lookup: Lookup, mapping: number) {
    this.f = f;
    this.core = core;
    this.hardware = hardware;
    this.lookup = lookup;
    this.mapping = mapping;
    this.pageFlags = f.i32(0);
    this.guestPage = f.i32(0);
  }

  private hostUnless(condition: Operand): void {
    const { f } = this;
    f.if(f.isZero(condition), () => f.return(HOST));
  }

  /** From the lowest table that a paging-structure cache knows, or the top, down to the entry of the page. */
  descend(levels: readonly Level[], start: Variable, caches: readonly TableCache[], reserved: Variable, write: Variable): void {
    const { f } = this;
    const from = (level: number): void => {
      // What precedes the code of a level: its table is in a cache, or the level above has found it.
      if (level < TOP) {
        f.block((known) => {
          this.startAt(levels[level]!, start, level, caches[level]!, known);
          from(level + 1);
        });
      } else this.startAtTop(levels[TOP]!);
      this.readEntry(levels, level, reserved, write);
    };
    from(0);
  }

  private startAt(level: Level, start: Variable, number: number, cache: TableCache, known: number): void {
    const { f, lookup } = this;
    const entry = f.i32(f.call(cache.find, lookup.tlb, lookup.page, lookup.tags, lookup.eptRoot));
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
    this.translateGuest(level.tableGuest, stateWord(f, this.core, I32_WALK_TABLE_REQUIRED), level.tableHost, level.tableFlags);
  }

  /** Through EPT, if it is in use and has the mapping cached. @param required flags of a mapping. */
  private translateGuest(guestPage: Variable, required: Operand, hostPage: Variable, flags: Variable): void {
    const { f, lookup } = this;
    f.if(
      lookup.eptRoot,
      () => {
        const found = f.i32(f.call(this.mapping, lookup.tlb, guestPage, required, lookup.eptRoot));
        this.hostUnless(found);
        const entryFlags = field(f, found, WORD_FLAGS);
        f.set(flags, f.and(entryFlags, ENTRY_EPT_ALL | ENTRY_D));
        const size = f.op(op.i32_shr_u, entryFlags, ENTRY_GUEST_SIZE_SHIFT);
        const inside = f.and(guestPage, f.subtract(f.op(op.i32_shl, 1, size), 1));
        f.set(hostPage, f.or(field(f, found, WORD_HOST_PAGE), inside));
      },
      () => {
        f.set(hostPage, guestPage);
        f.set(flags, ENTRY_EPT_ALL | ENTRY_D);
      },
    );
  }

  private readEntry(levels: readonly Level[], number: number, reserved: Variable, write: Variable): void {
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
    f.if(f.and(high, reserved), () => f.return(HOST));
    // In the top table the bit is reserved, in those below it maps a large page.
    if (number > 0) f.if(f.and(low, PTE_PS), () => f.return(HOST));
    const flags = f.i32(f.and(level.flags, f.or(low, ~LINEAR)));
    f.if(f.and(high, PTE_XD_HI), () => f.set(flags, f.and(flags, ~ENTRY_X)));
    if (number === 0) f.set(updated, f.or(f.or(low, PTE_A), f.multiply(write, PTE_D)));
    else f.set(updated, f.or(low, PTE_A));
    f.if(f.differ(updated, low), () => {
      this.hostUnless(f.hasAll(level.tableFlags, EPT_WRITABLE));
      f.if(f.load(tableHost, hardware.codePageBase, 8), () => f.return(HOST));
    });
    const named = f.or(f.shiftLeft(high, 20), f.shiftRight(low, 12));
    if (number === 0) {
      f.set(this.pageFlags, flags);
      f.set(this.guestPage, named);
      return;
    }
    const next = levels[number - 1]!;
    f.set(next.flags, flags);
    this.enterTable(next, named);
  }

  /** Host page, flags and guest-physical page of the translation. */
  finish(leaf: Level, write: Variable): readonly [Variable, Variable, Variable] {
    const { f, hardware, lookup, core } = this;
    const flags = f.i32(this.pageFlags);
    const { required, forbidden } = lookup;
    const mask = f.and(f.or(required, forbidden), LINEAR);
    this.hostUnless(f.equal(f.and(flags, mask), f.and(required, LINEAR)));
    f.if(f.and(leaf.updated, PTE_D), () => f.set(flags, f.or(flags, ENTRY_D)));
    f.set(flags, f.or(flags, f.and(leaf.low, stateWord(f, core, I32_WALK_GLOBAL))));
    const { guestPage } = this;
    const hostPage = f.i32(0);
    const mapped = f.i32(0);
    const needed = f.or(ENTRY_VALID, f.and(required, ENTRY_EPT_R | EPT_WRITABLE));
    this.translateGuest(guestPage, needed, hostPage, mapped);
    f.set(flags, f.or(f.and(flags, f.or(mapped, ~ENTRY_D)), f.and(mapped, ENTRY_EPT_ALL)));
    this.hostUnless(f.less(hostPage, hardware.ramPages));
    f.if(f.both(write, f.load(hostPage, hardware.codePageBase, 8)), () => f.return(HOST));
    return [hostPage, flags, guestPage];
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

/** `findMapping(tlb, guestPage, needed flags, eptRoot) -> entry`: EptWalker.findMapping. */
function defineFindMapping(module: ModuleWriter, { nested }: Tlb): number {
  return module.define(undefined, [I32, I32, I32, I32], [I32], (f, tlb, guestPage, needed, eptRoot) => {
    if (nested.ways === 0) return f.push(0);
    const entry = f.i32(f.add(tlb, nested.first * 4));
    const end = f.i32(f.add(tlb, nested.end * 4));
    const flags = f.i32(0);
    f.repeatWhile(
      () => {
        f.set(flags, field(f, entry, WORD_FLAGS));
        const serves = f.both(f.hasAll(flags, needed), f.equal(field(f, entry, WORD_EPT_ROOT), eptRoot));
        const difference = f.xor(field(f, entry, WORD_PAGE), guestPage);
        const samePage = f.isZero(f.op(op.i32_shr_u, difference, f.shiftRight(flags, ENTRY_GUEST_SIZE_SHIFT)));
        f.if(f.both(serves, samePage), () => f.return(entry));
        f.set(entry, f.add(entry, ENTRY_BYTES));
      },
      f.less(entry, end),
    );
    f.push(0);
  });
}
