/**
 * `TlbArray` in generated code: the same lookups, insertions and removals on the same words, for the arrays of every core of a machine.
 *
 * Functions take the byte offset of a core's translation structures (`tlb`) first; entries are byte offsets in the machine's memory, 0 = none.
 */
import { SHORTCUT_BYTES, SHORTCUT_ENTRIES, SHORTCUT_ENTRY_BYTES, SHORTCUT_FOLD, SHORTCUT_TABLE_BYTES } from '../../../mmu/dataShortcut.ts';
import { ENTRY_IDENTITY, HEADER_DROPPED, HEADER_FRACTURED, HEADER_LIVE, type TlbArray } from '../../../mmu/tlbArray.ts';
import {
  ENTRY_G,
  ENTRY_GUEST_SIZE_SHIFT,
  ENTRY_SIZE_MASK,
  ENTRY_SIZE_SHIFT,
  ENTRY_VALID,
  ENTRY_WORDS,
  SIZE_4K,
  TAG_PCID,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_GUEST_PAGE,
  WORD_HOST_PAGE,
  WORD_PAGE,
  WORD_SEQUENCE,
  WORD_TAGS,
} from '../../../mmu/tlbEntry.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { F64, I32, op } from './wasmModule.ts';

export const ENTRY_BYTES = ENTRY_WORDS * 4;

/** Field of an entry. */
export const field = (f: FunctionWriter, entry: Operand, word: number): Operand => f.load(entry, word * 4);

/** Sets of at most this many ways are searched without a loop (bench i). */
const UNROLLED_WAYS = 8;

/** What a lookup asks for. */
export interface Sought {
  readonly tlb: Variable;
  readonly page: Variable;
  readonly tags: Variable;
  readonly eptRoot: Variable;
}

/** Emits the body for each way of the set at `set`: at byte `offset` from `entry`. */
export function forEachWay(f: FunctionWriter, array: TlbArray, set: Operand, body: (entry: Variable, offset: number) => void): void {
  const entry = f.i32(set);
  if (array.ways <= UNROLLED_WAYS) {
    for (let way = 0; way < array.ways; way++) body(entry, way * ENTRY_BYTES);
    return;
  }
  const end = f.i32(f.add(entry, array.setWords * 4));
  f.repeatWhile(
    () => {
      body(entry, 0);
      f.set(entry, f.add(entry, ENTRY_BYTES));
    },
    f.less(entry, end),
  );
}

/** Emits `TlbArray.find` for entries of `size`: the entry, in a new variable. */
export function emitFind(f: FunctionWriter, array: TlbArray, size: number, { tlb, page, tags, eptRoot }: Sought): Variable {
  const found = f.i32(0);
  if (array.ways === 0) return found;
  // Often empty: the paging-structure caches after every INVLPG, arrays of large pages all the time (bench i).
  f.if(f.load(tlb, (array.header + HEADER_LIVE) * 4), () =>
    f.block((done) => {
      const base = f.i32(f.and(page, -1 << size));
      forEachWay(f, array, setOf(f, array, tlb, page, size), (entry, offset) => {
        const word = (number: number): Operand => f.load(entry, offset + number * 4);
        f.if(f.equal(word(WORD_PAGE), base), () => {
          const sameIdentity = f.equal(f.and(word(WORD_FLAGS), ENTRY_IDENTITY), ENTRY_VALID | (size << ENTRY_SIZE_SHIFT));
          const sameTags = f.isZero(f.and(f.xor(word(WORD_TAGS), tags), tagMask(f, word(WORD_FLAGS))));
          f.if(f.both(f.both(f.equal(word(WORD_EPT_ROOT), eptRoot), sameIdentity), sameTags), () => {
            f.set(found, f.add(entry, offset));
            f.leave(done);
          });
        });
      });
    }),
  );
  return found;
}

/** Byte offset of the set that holds entries of `size` for this page. */
export const setOf = (f: FunctionWriter, array: TlbArray, tlb: Operand, page: Operand, size: number): Operand =>
  f.add(f.add(tlb, array.first * 4), f.multiply(f.and(f.shiftRight(page, size), array.setMask), array.setWords * 4));

/** Bits of the tags that must agree with a lookup's: a global entry matches whatever the PCID. */
const tagMask = (f: FunctionWriter, flags: Operand): Operand =>
  f.subtract(-1, f.multiply(f.and(f.op(op.i32_shr_u, flags, Math.log2(ENTRY_G)), 1), TAG_PCID));

const count = (f: FunctionWriter, array: TlbArray, tlb: Operand, word: number, change: Operand): void => {
  const offset = (array.header + word) * 4;
  f.store(tlb, offset, f.add(f.load(tlb, offset), change));
};

/** An entry of these flags is smaller than the guest page it belongs to. */
const isFractured = (f: FunctionWriter, flags: Operand): Operand =>
  f.less(f.shiftRight(f.and(flags, ENTRY_SIZE_MASK), ENTRY_SIZE_SHIFT), f.shiftRight(flags, ENTRY_GUEST_SIZE_SHIFT));

/** `drop(tlb, shortcut, entry)`: TlbArray.drop. @param inShortcut the array is of the first level, and the shortcut knows its pages. */
export function defineDrop(module: ModuleWriter, array: TlbArray, inShortcut: boolean): number {
  return module.define(undefined, [I32, I32, I32], [], (f, tlb, shortcut, entry) => {
    if (inShortcut)
      f.if(
        f.and(field(f, entry, WORD_FLAGS), ENTRY_SIZE_MASK),
        () => clearShortcut(f, shortcut),
        () => dropFromShortcut(f, shortcut, field(f, entry, WORD_PAGE)),
      );
    emitDrop(f, array, tlb, entry);
  });
}

/** Emits TlbArray.drop, the shortcut apart. */
export function emitDrop(f: FunctionWriter, array: TlbArray, tlb: Variable, entry: Variable): void {
  const flags = f.i32(field(f, entry, WORD_FLAGS));
  count(f, array, tlb, HEADER_LIVE, -1);
  count(f, array, tlb, HEADER_DROPPED, 1);
  f.if(isFractured(f, flags), () => count(f, array, tlb, HEADER_FRACTURED, -1));
  for (let byte = 0; byte < ENTRY_BYTES; byte += 8) f.storeWith(op.i64_store, entry, byte, 0n);
}

/** DataShortcut.clear, and DataShortcut.drop of a 4 KB page. */
const clearShortcut = (f: FunctionWriter, shortcut: Variable): void => f.fillMemory(shortcut, 0, SHORTCUT_BYTES);

/** Offset of a page's entry in a table: `shortcutSlot`. @param page low 32 bits of its number. */
export function emitShortcutOffset(f: FunctionWriter, page: Variable): Operand {
  const folded = f.add(page, f.shiftRight(page, SHORTCUT_FOLD));
  return f.multiply(f.and(folded, SHORTCUT_ENTRIES - 1), SHORTCUT_ENTRY_BYTES);
}

function dropFromShortcut(f: FunctionWriter, shortcut: Variable, page: Operand): void {
  const at = f.i32(f.add(shortcut, emitShortcutOffset(f, f.i32(page))));
  f.storeWith(op.i64_store, at, 0, 0n);
  f.storeWith(op.i64_store, at, SHORTCUT_TABLE_BYTES, 0n);
}

/** What an insertion writes. `flags` are the translation's with its guest size where an entry has it. */
export interface Inserted extends Sought {
  readonly shortcut: Variable;
  readonly flags: Variable;
  readonly hostPage: Variable;
  readonly guestPage: Variable;
  readonly sequence: Variable;
}

/** How an array takes entries of one size. */
export interface Insertion {
  readonly array: TlbArray;
  readonly size: number;
  /** As TlbArray.insert has it. */
  readonly alignment: number;
  /** Number of the array's `drop`. */
  readonly drop: number;
  /** As `defineDrop` has it. */
  readonly inShortcut: boolean;
}

/** `insert(tlb, shortcut, page, tags, eptRoot, flags, hostPage, guestPage, sequence)`: see `emitInsert`. */
export function defineInsert(module: ModuleWriter, insertion: Insertion): number {
  const parameters = [I32, I32, I32, I32, I32, I32, I32, I32, F64];
  return module.define(undefined, parameters, [], (f, tlb, shortcut, page, tags, eptRoot, flags, hostPage, guestPage, sequence) =>
    emitInsert(f, insertion, { tlb, shortcut, page, tags, eptRoot, flags, hostPage, guestPage, sequence }),
  );
}

/** Emits TlbArray.insert of an entry. */
export function emitInsert(f: FunctionWriter, { array, size, alignment, drop, inShortcut }: Insertion, values: Inserted): void {
  if (array.ways === 0) return;
  const { tlb, shortcut, page, tags, eptRoot, flags } = values;
  const identity = ENTRY_VALID | (size << ENTRY_SIZE_SHIFT);
  if (inShortcut && size === SIZE_4K) dropFromShortcut(f, shortcut, page);
  else if (inShortcut) clearShortcut(f, shortcut);
  const base = f.i32(f.and(page, -1 << size));
  const set = f.i32(setOf(f, array, tlb, page, size));
  const place = f.i32(0);
  const search = (): void => {
    const free = f.i32(0);
    forEachWay(f, array, set, (entry, offset) => {
      const word = (number: number): Operand => f.load(entry, offset + number * 4);
      const here = f.add(entry, offset);
      f.if(
        word(WORD_FLAGS),
        () =>
          f.if(f.equal(word(WORD_PAGE), base), () => {
            const sameIdentity = f.equal(f.and(word(WORD_FLAGS), ENTRY_IDENTITY), identity);
            const sameTags = f.isZero(f.and(f.xor(word(WORD_TAGS), tags), tagMask(f, f.or(word(WORD_FLAGS), flags))));
            f.if(f.both(f.both(f.equal(word(WORD_EPT_ROOT), eptRoot), sameIdentity), sameTags), () => {
              f.push(f.call(drop, tlb, shortcut, here));
              f.if(f.isZero(place), () => f.set(place, here));
            });
          }),
        () => f.if(f.isZero(free), () => f.set(free, here)),
      );
    });
    f.if(f.isZero(place), () => f.set(place, free));
    f.if(f.isZero(place), () => {
      const number = f.and(f.shiftRight(base, size), array.setMask);
      const pointer = f.i32(f.add(f.add(tlb, array.pointers * 4), f.shiftLeft(number, 2)));
      f.set(place, f.add(set, f.multiply(nextWay(f, array, pointer), ENTRY_BYTES)));
      f.push(f.call(drop, tlb, shortcut, place));
    });
  };
  f.if(f.isZero(f.load(tlb, (array.header + HEADER_LIVE) * 4)), () => f.set(place, set), search);
  emitEntry(f, array, place, { identity, base, alignment }, values);
}

/** The way that is next in turn in the set of this replacement pointer, which moves on. */
export function nextWay(f: FunctionWriter, array: TlbArray, pointer: Variable): Variable {
  const way = f.i32(f.load(pointer));
  f.store(pointer, 0, f.multiply(f.add(way, 1), f.differ(f.add(way, 1), array.ways)));
  return way;
}

/** Emits the writing of an entry into a place that is empty. */
export function emitEntry(
  f: FunctionWriter,
  array: TlbArray,
  place: Variable,
  { identity, base, alignment }: { readonly identity: Operand; readonly base: Operand; readonly alignment: number },
  { tlb, tags, eptRoot, flags, hostPage, guestPage, sequence }: Omit<Inserted, 'page' | 'shortcut' | 'tags'> & { readonly tags: Operand },
): void {
  const written = f.i32(f.or(flags, identity));
  f.store(place, WORD_PAGE * 4, base);
  f.store(place, WORD_TAGS * 4, tags);
  f.store(place, WORD_EPT_ROOT * 4, eptRoot);
  f.store(place, WORD_FLAGS * 4, written);
  f.store(place, WORD_HOST_PAGE * 4, f.and(hostPage, -1 << alignment));
  f.store(place, WORD_GUEST_PAGE * 4, f.and(guestPage, -1 << alignment));
  f.storeWith(op.f64_store, place, WORD_SEQUENCE * 4, sequence);
  count(f, array, tlb, HEADER_LIVE, 1);
  f.if(isFractured(f, written), () => count(f, array, tlb, HEADER_FRACTURED, 1));
}
