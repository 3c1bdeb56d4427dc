/**
 * `Mmu.translate` for data accesses in generated code: first level, second level, walk. What it cannot finish it leaves untouched, so that the
 * host can start afresh: faults, devices, pages with decoded code, and the walks that engines/jit/walkEmitter leaves out.
 */
import type { CacheLines } from '../../../mmu/cacheLines.ts';
import { SHORTCUT_TABLE_BYTES } from '../../../mmu/dataShortcut.ts';
import type { MmuCosts } from '../../../mmu/geometry.ts';
import type { Tlb } from '../../../mmu/tlb.ts';
import { ENTRY_IDENTITY, type TlbArray } from '../../../mmu/tlbArray.ts';
import {
  SIZE_1G,
  SIZE_2M,
  SIZE_4K,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_GUEST_PAGE,
  WORD_HOST_PAGE,
  WORD_SEQUENCE,
  WORD_TAGS,
} from '../../../mmu/tlbEntry.ts';
import { COUNTER_DTLB_MISSES, COUNTER_STLB_HITS } from '../../../trace/counters.ts';
import { F64_COUNTERS, I32_SHORTCUT_CONTEXT } from '../../state.ts';
import { defineEptFunctions } from './eptEmitter.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import { CLOCK_BYTE } from './jitLayout.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { defineDrop, defineInsert, emitFind, emitShortcutOffset, field, type Insertion } from './tlbEmitter.ts';
import { emitLookup, type Lookup, permitted } from './translationState.ts';
import { defineWalk } from './walkEmitter.ts';
import { I32, I64, op } from './wasmModule.ts';

/** What generated code must know of the machine to translate: the same for all cores. */
export interface TranslationHardware {
  /** The structures of any one core: offsets and geometry are the same for all. */
  readonly tlb: Tlb;
  readonly costs: MmuCosts;
  /** Byte offsets of RAM and of what is known of its pages (PhysicalMemory.codePages), and the number of pages. */
  readonly ramBase: number;
  readonly codePageBase: number;
  readonly ramPages: number;
  /** What is known of cache lines; null: moving them costs nothing. */
  readonly lines: CacheLines | null;
}

/** What changes entries. */
export interface TlbFunctions {
  /** Numbers of the functions, by STRUCTURE_ number. */
  readonly drops: readonly number[];
  /** How the first level takes small and large pages, and the second level small pages. */
  readonly small: Insertion;
  readonly large: Insertion;
  readonly second: Insertion;
  /** Numbers of functions: insertion of a page of 4 KB into the first level; of 2 MB into the array that takes those, and into the second level. */
  readonly insertSmall: number;
  readonly insertLarge: number;
  readonly insertSecondLarge: number;
}

export function defineTlbFunctions(module: ModuleWriter, { structures, dtlb4k, dtlb2m, dtlb1g, stlb }: Tlb): TlbFunctions {
  const inShortcut = (array: TlbArray): boolean => array === dtlb4k || array === dtlb2m || array === dtlb1g;
  const drops = structures.map((array) => defineDrop(module, array, inShortcut(array)));
  const insertionOf = (array: TlbArray, size: number): Insertion => ({
    array,
    size,
    alignment: size,
    drop: drops[array.structure]!,
    inShortcut: inShortcut(array),
  });
  const small = insertionOf(dtlb4k, SIZE_4K);
  const large = insertionOf(dtlb2m, SIZE_2M);
  const second = insertionOf(stlb, SIZE_4K);
  const insertSmall = defineInsert(module, small);
  const insertLarge = dtlb2m.ways > 0 ? defineInsert(module, large) : insertSmall;
  return { drops, small, large, second, insertSmall, insertLarge, insertSecondLarge: defineInsert(module, insertionOf(stlb, SIZE_2M)) };
}

export const counterByte = (counter: number): number => (F64_COUNTERS + counter) * 8;

/** Generated code may touch this host page: it is RAM, and a page to be written holds nothing that anybody must be told about. */
export const isOrdinary = (f: FunctionWriter, hardware: TranslationHardware, hostPage: Operand, write: Operand): Operand =>
  f.both(f.less(hostPage, hardware.ramPages), f.op(op.i32_eqz, f.both(write, f.load(hostPage, hardware.codePageBase, 8))));

/** In the place of a host page: no entry serves the access; one does, but the host must use it. */
const NO_ENTRY = -1;
const HOST = -2;

/** `firstLevel(core, la, write) -> host page`, NO_ENTRY or HOST, which are no pages of RAM: Mmu.firstLevelAddress. `la` is canonical. */
export function defineFirstLevel(module: ModuleWriter, hardware: TranslationHardware): number {
  return module.define(undefined, [I32, I64, I32], [I32], (f, core, la, write) => {
    f.push(emitFirstLevel(f, hardware, emitLookup(f, core, la, write), write));
  });
}

/** Emits the first level: the host page in a new variable. */
function emitFirstLevel(f: FunctionWriter, hardware: TranslationHardware, lookup: Lookup, write: Variable): Variable {
  const { dtlb4k, dtlb2m, dtlb1g } = hardware.tlb;
  const hostPage = f.i32(NO_ENTRY);
  f.block((done) => {
    for (const [array, size] of [
      [dtlb4k, SIZE_4K],
      [dtlb2m, SIZE_2M],
      [dtlb1g, SIZE_1G],
    ] as const) {
      if (array.ways === 0) continue;
      const entry = emitFind(f, array, size, lookup);
      f.if(f.both(entry, permitted(f, field(f, entry, WORD_FLAGS), lookup)), () => {
        f.set(hostPage, f.or(field(f, entry, WORD_HOST_PAGE), f.and(lookup.page, 2 ** size - 1)));
        f.if(f.isZero(isOrdinary(f, hardware, hostPage, write)), () => f.set(hostPage, HOST));
        f.leave(done);
      });
    }
  });
  return hostPage;
}

/** `translate(core, la, write) -> byte offset in the machine's memory`, or 0 when the host must do it: nothing has happened then. */
export function defineTranslate(module: ModuleWriter, hardware: TranslationHardware, functions: TlbFunctions): number {
  const ept = defineEptFunctions(module, hardware, functions);
  const [walk, nestedWalk] = [undefined, ept].map((through) => defineWalk(module, hardware, functions, through)) as [number, number];
  return module.define(undefined, [I32, I64, I32], [I32], (f, core, la, write) => {
    const lookup = emitLookup(f, core, la, write);
    const hostPage = emitFirstLevel(f, hardware, lookup, write);
    f.if(f.equal(hostPage, NO_ENTRY), () => emitSecondLevel(f, hardware, functions, core, lookup, write, hostPage));
    f.if(f.equal(hostPage, NO_ENTRY), () =>
      f.if(
        lookup.eptRoot,
        () => f.set(hostPage, f.call(nestedWalk, core, la, write)),
        () => f.set(hostPage, f.call(walk, core, la, write)),
      ),
    );
    f.if(f.op(op.i32_le_u, hardware.ramPages, hostPage), () => f.return(0));
    const at = f.i32(f.add(f.or(f.shiftLeft(hostPage, 12), f.and(lookup.low, 0xfff)), hardware.ramBase));
    fillShortcut(f, core, la, lookup, write, at);
    f.push(at);
  });
}

/** DataShortcut.fill: `la` is at `at`. */
function fillShortcut(
  f: FunctionWriter,
  core: Variable,
  la: Variable,
  { low, page, shortcut }: Lookup,
  write: Variable,
  at: Variable,
): void {
  const index = emitShortcutOffset(f, page);
  const table = f.add(shortcut, f.multiply(write, SHORTCUT_TABLE_BYTES));
  const entry = f.i32(f.add(table, index));
  const context = f.loadWith(op.i64_load32_u, core, I32_SHORTCUT_CONTEXT * 4);
  f.storeWith(op.i64_store, entry, 0, f.op(op.i64_or, f.op(op.i64_and, la, ~0xfffn), context));
  f.store(entry, 8, f.subtract(at, low));
}

/** Emits Mmu.translateSecond up to the walk: the host page, NO_ENTRY or HOST in `hostPage`. */
function emitSecondLevel(
  f: FunctionWriter,
  hardware: TranslationHardware,
  functions: TlbFunctions,
  core: Variable,
  lookup: Lookup,
  write: Variable,
  hostPage: Variable,
): void {
  const { tlb, costs } = hardware;
  f.block((done) => {
    for (const size of tlb.stlbHolds2m ? [SIZE_4K, SIZE_2M] : [SIZE_4K]) {
      const entry = emitFind(f, tlb.stlb, size, lookup);
      f.if(f.both(entry, permitted(f, field(f, entry, WORD_FLAGS), lookup)), () => {
        const inside = f.and(lookup.page, 2 ** size - 1);
        f.set(hostPage, f.or(field(f, entry, WORD_HOST_PAGE), inside));
        f.if(f.isZero(isOrdinary(f, hardware, hostPage, write)), () => {
          f.set(hostPage, HOST);
          f.leave(done);
        });
        f.increase(core, counterByte(COUNTER_DTLB_MISSES), f.double(1));
        f.increase(core, counterByte(COUNTER_STLB_HITS), f.double(1));
        f.increase(core, CLOCK_BYTE, f.double(costs.stlbHit));
        copyToFirst(f, size === SIZE_2M ? functions.insertLarge : functions.insertSmall, lookup, entry, size);
        f.leave(done);
      });
    }
  });
}

/** The first level holds what the entry of the second level says of the page. */
function copyToFirst(f: FunctionWriter, insert: number, { tlb, shortcut, page }: Lookup, entry: Variable, size: number): void {
  const inside = f.and(page, 2 ** size - 1);
  f.push(
    f.call(
      insert,
      tlb,
      shortcut,
      page,
      field(f, entry, WORD_TAGS),
      field(f, entry, WORD_EPT_ROOT),
      f.and(field(f, entry, WORD_FLAGS), ~ENTRY_IDENTITY),
      f.or(field(f, entry, WORD_HOST_PAGE), inside),
      f.or(field(f, entry, WORD_GUEST_PAGE), inside),
      f.loadWith(op.f64_load, entry, WORD_SEQUENCE * 4),
    ),
  );
}
