import type { DataShortcut } from './dataShortcut.ts';
import type { TlbGeometry } from './geometry.ts';
import {
  ENTRY_G,
  ENTRY_GUEST_SIZE_SHIFT,
  ENTRY_SIZE_MASK,
  ENTRY_SIZE_SHIFT,
  ENTRY_VALID,
  ENTRY_WORDS,
  pageBase,
  TAG_PCID,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_GUEST_PAGE,
  WORD_HOST_PAGE,
  WORD_PAGE,
  WORD_SEQUENCE,
  WORD_TAGS,
} from './tlbEntry.ts';
import type { Translation } from './translation.ts';

/** Words before the replacement pointers: number of valid entries, number of fractured ones. */
export const HEADER_WORDS = 4;
/** Words of the header. */
export const HEADER_LIVE = 0;
export const HEADER_FRACTURED = 1;
/** Counts every entry that goes, modulo 2^32: who remembers a hit can tell that it may be one no more. */
export const HEADER_DROPPED = 2;

/** Flags that say what an entry is for. */
export const ENTRY_IDENTITY = ENTRY_VALID | ENTRY_SIZE_MASK;

/** Words of memory that an array of this geometry takes: header, one replacement pointer per set, entries. Even. */
export const tlbArrayWords = ({ sets, ways }: TlbGeometry): number =>
  HEADER_WORDS + sets + (sets & 1) + (sets === 0 ? 0 : sets * ways * ENTRY_WORDS);

/**
 * A set-associative array of entries with round-robin replacement, wholly in the machine's memory. A hit changes nothing, so whoever keeps
 * a copy of an entry that is still here may serve hits from it.
 *
 * Entries are named by the index of their word 0 in `words`; -1 is none. Of the entries that one lookup could match, at most one exists.
 */
export class TlbArray {
  /** STRUCTURE_… (mmu/tlb). */
  readonly structure: number;
  readonly words: Int32Array;
  /** The same bytes; an entry's sequence number is at (entry + WORD_SEQUENCE) / 2. */
  readonly sequences: Float64Array;
  readonly sets: number;
  readonly ways: number;
  /** Sizes of the entries it may hold. */
  readonly sizes: readonly number[];
  /** Word index of the first entry. */
  readonly first: number;
  /** Word index after the last entry. */
  readonly end: number;
  /** Word index of the header, and of the sets' replacement pointers. */
  readonly header: number;
  readonly pointers: number;
  /** Number of sets - 1. */
  readonly setMask: number;
  /** Words of a set. */
  readonly setWords: number;
  /** Told of every entry that goes, when the array is of the first level and somebody has a shortcut over it. */
  shortcut: DataShortcut | null = null;

  /** @param start word index of the array in `words`; even. */
  constructor(
    structure: number,
    words: Int32Array,
    sequences: Float64Array,
    start: number,
    geometry: TlbGeometry,
    sizes: readonly number[],
  ) {
    const { sets } = geometry;
    if (sets & (sets - 1)) throw new Error(`TLB structure ${structure}: ${sets} sets is not a power of two`);
    this.structure = structure;
    this.sizes = sizes;
    this.words = words;
    this.sequences = sequences;
    this.sets = sets;
    this.ways = sets === 0 ? 0 : geometry.ways;
    this.header = start;
    this.pointers = start + HEADER_WORDS;
    this.first = this.pointers + sets + (sets & 1);
    this.setMask = sets === 0 ? 0 : sets - 1;
    this.setWords = this.ways * ENTRY_WORDS;
    this.end = this.first + sets * this.setWords;
  }

  /** Number of valid entries. */
  get live(): number {
    return this.words[this.header + HEADER_LIVE]!;
  }

  /** Number of valid entries that are smaller than the guest page they belong to. */
  get fractured(): number {
    return this.words[this.header + HEADER_FRACTURED]!;
  }

  /** Word index of the set that holds entries of `size` for this page. */
  setOf(page: number, size: number): number {
    return this.first + ((page >>> size) & this.setMask) * this.setWords;
  }

  /**
   * The entry of `size` that translates this page under these tags, or -1. A global entry matches whatever the PCID.
   * @param page low 32 bits of the page number. @param tags as word 1.
   */
  find(page: number, tags: number, eptRoot: number, size: number): number {
    const { words } = this;
    const base = (page >>> size) << size;
    const identity = ENTRY_VALID | (size << ENTRY_SIZE_SHIFT);
    let entry = this.first + ((page >>> size) & this.setMask) * this.setWords;
    for (const end = entry + this.setWords; entry < end; entry += ENTRY_WORDS) {
      if (words[entry]! !== base || words[entry + WORD_EPT_ROOT]! !== eptRoot) continue;
      const flags = words[entry + WORD_FLAGS]!;
      if ((flags & ENTRY_IDENTITY) !== identity) continue;
      const difference = words[entry + WORD_TAGS]! ^ tags;
      if (difference === 0 || ((difference & ~TAG_PCID) === 0 && flags & ENTRY_G)) return entry;
    }
    return -1;
  }

  /**
   * The array holds this translation as an entry of `size` (at most the translation's own), in place of any entry that the same lookup could
   * match, else of an invalid one, else of the next in turn. Returns the entry, or -1 when the array has no room at all.
   * @param alignment number of low bits to clear in the host and guest page numbers: `size` for a page, 0 for the address of a table.
   */
  insert(translation: Translation, size: number, alignment: number): number {
    if (this.ways === 0) return -1;
    const { words } = this;
    const { tags, eptRoot } = translation;
    const base = pageBase(translation.page, size);
    const set = this.setOf(base, size);
    const identity = ENTRY_VALID | (size << ENTRY_SIZE_SHIFT);
    let place = -1;
    let free = -1;
    for (let entry = set; entry < set + this.setWords; entry += ENTRY_WORDS) {
      const flags = words[entry + WORD_FLAGS]!;
      if (flags === 0) {
        if (free < 0) free = entry;
        continue;
      }
      if (words[entry]! !== base || words[entry + WORD_EPT_ROOT]! !== eptRoot || (flags & ENTRY_IDENTITY) !== identity) continue;
      const difference = words[entry + WORD_TAGS]! ^ tags;
      if (difference !== 0 && !((difference & ~TAG_PCID) === 0 && (flags | translation.flags) & ENTRY_G)) continue;
      this.drop(entry);
      if (place < 0) place = entry;
    }
    if (place < 0) place = free;
    if (place < 0) {
      const pointer = this.pointers + (set - this.first) / (this.setWords || 1);
      const way = words[pointer]!;
      words[pointer] = way + 1 === this.ways ? 0 : way + 1;
      place = set + way * ENTRY_WORDS;
      this.drop(place);
    }
    // What a shortcut knows of the page may have been another entry's, which this one now comes before.
    if (this.shortcut !== null) this.shortcut.drop(base, size);
    const { guestSize } = translation;
    words[place] = base;
    words[place + WORD_TAGS] = tags;
    words[place + WORD_EPT_ROOT] = eptRoot;
    words[place + WORD_FLAGS] = translation.flags | identity | (guestSize << ENTRY_GUEST_SIZE_SHIFT);
    words[place + WORD_HOST_PAGE] = pageBase(translation.hostPage, alignment);
    words[place + WORD_GUEST_PAGE] = pageBase(translation.guestPage, alignment);
    this.sequences[(place + WORD_SEQUENCE) >> 1] = translation.sequence;
    words[this.header + HEADER_LIVE]!++;
    if (guestSize > size) words[this.header + HEADER_FRACTURED]!++;
    return place;
  }

  /** The (valid) entry is gone. */
  drop(entry: number): void {
    const flags = this.words[entry + WORD_FLAGS]!;
    if (this.shortcut !== null) this.shortcut.drop(this.words[entry]!, (flags & ENTRY_SIZE_MASK) >>> ENTRY_SIZE_SHIFT);
    this.words[this.header + HEADER_LIVE]!--;
    this.words[this.header + HEADER_DROPPED]!++;
    if (flags >>> ENTRY_GUEST_SIZE_SHIFT > (flags & ENTRY_SIZE_MASK) >>> ENTRY_SIZE_SHIFT) this.words[this.header + HEADER_FRACTURED]!--;
    // Not `fill`: a call costs more than eight stores (bench/translate).
    const { words } = this;
    words[entry] = 0;
    words[entry + 1] = 0;
    words[entry + 2] = 0;
    words[entry + 3] = 0;
    words[entry + 4] = 0;
    words[entry + 5] = 0;
    words[entry + 6] = 0;
    words[entry + 7] = 0;
  }
}

/** Reads an entry into `translation`, with the host and guest pages of the page asked for. */
export function readEntry(array: TlbArray, entry: number, page: number, translation: Translation): void {
  const { words } = array;
  const flags = words[entry + WORD_FLAGS]!;
  const size = (flags & ENTRY_SIZE_MASK) >>> ENTRY_SIZE_SHIFT;
  const inside = page & ((1 << size) - 1);
  translation.page = words[entry + WORD_PAGE]! | inside;
  translation.tags = words[entry + WORD_TAGS]!;
  translation.eptRoot = words[entry + WORD_EPT_ROOT]!;
  translation.flags = flags & 0x1fe;
  translation.size = size;
  translation.guestSize = flags >>> ENTRY_GUEST_SIZE_SHIFT;
  translation.hostPage = words[entry + WORD_HOST_PAGE]! | inside;
  translation.guestPage = words[entry + WORD_GUEST_PAGE]! | inside;
  translation.sequence = array.sequences[(entry + WORD_SEQUENCE) >> 1]!;
}
