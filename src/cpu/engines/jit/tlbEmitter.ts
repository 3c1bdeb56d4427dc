/**
 * `TlbArray` in generated code: the same lookups, insertions and removals on the same words, for the arrays of every core of a machine.
 *
 * Functions take the byte offset of a core's translation structures (`tlb`) first; entries are byte offsets in the machine's memory, 0 = none.
 */
import { SHORTCUT_BYTES, SHORTCUT_ENTRIES, SHORTCUT_ENTRY_BYTES, SHORTCUT_TABLE_BYTES } from '../../../mmu/dataShortcut.ts';
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

/** `find(tlb, page, tags, eptRoot) -> entry`: TlbArray.find for entries of `size`. */
export function defineFind(module: ModuleWriter, array: TlbArray, size: number): number {
  return module.define(undefined, [I32, I32, I32, I32], [I32], (f, tlb, page, tags, eptRoot) => {
    if (array.ways === 0) return f.push(0);
    // Often so of the paging-structure caches, which every INVLPG empties (bench i).
    f.if(f.isZero(f.load(tlb, (array.header + HEADER_LIVE) * 4)), () => f.return(0));
    const base = f.i32(f.shiftLeft(f.shiftRight(page, size), size));
    const entry = f.i32(setOf(f, array, tlb, page, size));
    const end = f.i32(f.add(entry, array.setWords * 4));
    const sameTags = f.equal(f.and(f.xor(field(f, entry, WORD_TAGS), tags), tagMask(f, field(f, entry, WORD_FLAGS))), 0);
    f.repeatWhile(
      () => {
        const sought = f.both(
          f.both(f.equal(field(f, entry, WORD_PAGE), base), f.equal(field(f, entry, WORD_EPT_ROOT), eptRoot)),
          f.equal(f.and(field(f, entry, WORD_FLAGS), ENTRY_IDENTITY), ENTRY_VALID | (size << ENTRY_SIZE_SHIFT)),
        );
        f.if(f.both(sought, sameTags), () => f.return(entry));
        f.set(entry, f.add(entry, ENTRY_BYTES));
      },
      f.less(entry, end),
    );
    f.push(0);
  });
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
    const flags = f.i32(field(f, entry, WORD_FLAGS));
    if (inShortcut)
      f.if(
        f.and(flags, ENTRY_SIZE_MASK),
        () => clearShortcut(f, shortcut),
        () => dropFromShortcut(f, shortcut, field(f, entry, WORD_PAGE)),
      );
    count(f, array, tlb, HEADER_LIVE, -1);
    count(f, array, tlb, HEADER_DROPPED, 1);
    f.if(isFractured(f, flags), () => count(f, array, tlb, HEADER_FRACTURED, -1));
    for (let byte = 0; byte < ENTRY_BYTES; byte += 8) f.storeWith(op.i64_store, entry, byte, 0n);
  });
}

/** DataShortcut.clear, and DataShortcut.drop of a 4 KB page. */
const clearShortcut = (f: FunctionWriter, shortcut: Variable): void => f.fillMemory(shortcut, 0, SHORTCUT_BYTES);

function dropFromShortcut(f: FunctionWriter, shortcut: Variable, page: Operand): void {
  const at = f.i32(f.add(shortcut, f.multiply(f.and(page, SHORTCUT_ENTRIES - 1), SHORTCUT_ENTRY_BYTES)));
  f.storeWith(op.i64_store, at, 0, 0n);
  f.storeWith(op.i64_store, at, SHORTCUT_TABLE_BYTES, 0n);
}

/**
 * `insert(tlb, shortcut, page, tags, eptRoot, flags, hostPage, guestPage, sequence)`: TlbArray.insert of an entry of `size`. `flags` are
 * the translation's with its guest size where an entry has it.
 * @param drop the array's `drop`. @param alignment as TlbArray.insert has it. @param inShortcut as `defineDrop` has it.
 */
export function defineInsert(
  module: ModuleWriter,
  array: TlbArray,
  size: number,
  alignment: number,
  drop: number,
  inShortcut = false,
): number {
  const parameters = [I32, I32, I32, I32, I32, I32, I32, I32, F64];
  return module.define(undefined, parameters, [], (f, tlb, shortcut, page, tags, eptRoot, flags, hostPage, guestPage, sequence) => {
    if (array.ways === 0) return;
    const identity = ENTRY_VALID | (size << ENTRY_SIZE_SHIFT);
    if (inShortcut && size === SIZE_4K) dropFromShortcut(f, shortcut, page);
    else if (inShortcut) clearShortcut(f, shortcut);
    const aligned = (number: Operand): Operand => f.and(number, -1 << alignment);
    const base = f.i32(f.and(page, -1 << size));
    const set = f.i32(setOf(f, array, tlb, page, size));
    const entry = f.i32(set);
    const end = f.i32(f.add(set, array.setWords * 4));
    const place = f.i32(0);
    const free = f.i32(0);
    const there = f.i32(0);
    const isEmpty = f.isZero(f.load(tlb, (array.header + HEADER_LIVE) * 4));
    const search = (): void =>
      f.repeatWhile(
        () => {
          f.set(there, field(f, entry, WORD_FLAGS));
          f.if(
            there,
            () => {
              const sought = f.both(
                f.both(f.equal(field(f, entry, WORD_PAGE), base), f.equal(field(f, entry, WORD_EPT_ROOT), eptRoot)),
                f.equal(f.and(there, ENTRY_IDENTITY), identity),
              );
              const difference = f.xor(field(f, entry, WORD_TAGS), tags);
              f.if(f.both(sought, f.isZero(f.and(difference, tagMask(f, f.or(there, flags))))), () => {
                f.push(f.call(drop, tlb, shortcut, entry));
                f.if(f.isZero(place), () => f.set(place, entry));
              });
            },
            () => f.if(f.isZero(free), () => f.set(free, entry)),
          );
          f.set(entry, f.add(entry, ENTRY_BYTES));
        },
        f.less(entry, end),
      );
    f.if(isEmpty, () => f.set(free, set), search);
    f.if(f.isZero(place), () => f.set(place, free));
    f.if(f.isZero(place), () => {
      const number = f.and(f.shiftRight(base, size), array.setMask);
      const pointer = f.i32(f.add(f.add(tlb, array.pointers * 4), f.shiftLeft(number, 2)));
      const way = f.i32(f.load(pointer));
      f.store(pointer, 0, f.multiply(f.add(way, 1), f.differ(f.add(way, 1), array.ways)));
      f.set(place, f.add(set, f.multiply(way, ENTRY_BYTES)));
      f.push(f.call(drop, tlb, shortcut, place));
    });
    f.store(place, WORD_PAGE * 4, base);
    f.store(place, WORD_TAGS * 4, tags);
    f.store(place, WORD_EPT_ROOT * 4, eptRoot);
    f.store(place, WORD_FLAGS * 4, f.or(flags, identity));
    f.store(place, WORD_HOST_PAGE * 4, aligned(hostPage));
    f.store(place, WORD_GUEST_PAGE * 4, aligned(guestPage));
    f.storeWith(op.f64_store, place, WORD_SEQUENCE * 4, sequence);
    count(f, array, tlb, HEADER_LIVE, 1);
    f.if(isFractured(f, f.or(flags, identity)), () => count(f, array, tlb, HEADER_FRACTURED, 1));
  });
}
