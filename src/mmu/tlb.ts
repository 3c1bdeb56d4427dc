/**
 * The structures of one core that cache translations, laid out in the machine's memory:
 *
 *   header     float64 0: sequence number of the last walk; float64 1…: invalidations carried out, by OPERATION_ number
 *   then each structure in the order of its number (mmu/tlbArray), each starting at an even word
 */
import { INVALIDATION_NAMES } from '../trace/events.ts';
import type { MmuGeometry, TlbGeometry } from './geometry.ts';
import { pagingStructureCacheGeometry } from './pagingStructureCache.ts';
import { TlbArray, tlbArrayWords } from './tlbArray.ts';
import { SIZE_1G, SIZE_2M, SIZE_4K, SIZE_4M, SIZE_512G } from './tlbEntry.ts';
import type { Translation } from './translation.ts';
import type { TranslationObserver } from './translationObserver.ts';

export const STRUCTURE_ITLB_4K = 0;
export const STRUCTURE_ITLB_2M = 1;
export const STRUCTURE_DTLB_4K = 2;
export const STRUCTURE_DTLB_2M = 3;
export const STRUCTURE_DTLB_1G = 4;
export const STRUCTURE_STLB = 5;
/** Paging-structure caches: entries that name the table below a PDE, a PDPTE, a PML4E. */
export const STRUCTURE_PDE = 6;
export const STRUCTURE_PDPTE = 7;
export const STRUCTURE_PML4E = 8;
/** Guest-physical mappings. */
export const STRUCTURE_NESTED = 9;

/** True iff the structure's entries name tables rather than pages. */
export const isTableStructure = (structure: number): boolean => structure >= STRUCTURE_PDE && structure < STRUCTURE_NESTED;

export const STRUCTURE_NAMES = ['itlb4k', 'itlb2m', 'dtlb4k', 'dtlb2m', 'dtlb1g', 'stlb', 'pde', 'pdpte', 'pml4e', 'nested'] as const;

/** Sizes of entries, by structure; the large PDE cache entries are 32-bit paging's. */
const SIZES: readonly (readonly number[])[] = [
  [SIZE_4K],
  [SIZE_2M],
  [SIZE_4K],
  [SIZE_2M],
  [SIZE_1G],
  [SIZE_4K, SIZE_2M],
  [SIZE_2M, SIZE_4M],
  [SIZE_1G],
  [SIZE_512G],
  [SIZE_4K, SIZE_2M, SIZE_1G],
];

const HEADER_F64 = 32;
const HEADER_WORDS = HEADER_F64 * 2;
/** Fields of the header. */
export const SEQUENCE_F64 = 0;
export const INVALIDATIONS_F64 = 1;

const geometries = (geometry: MmuGeometry): readonly TlbGeometry[] => [
  geometry.itlb4k,
  geometry.itlb2m,
  geometry.dtlb4k,
  geometry.dtlb2m,
  geometry.dtlb1g,
  geometry.stlb,
  ...pagingStructureCacheGeometry(geometry),
  { sets: geometry.nestedTlb === 0 ? 0 : 1, ways: geometry.nestedTlb },
];

/** Bytes of the machine's memory that the structures of one core take, a multiple of 64. */
export const mmuAreaSize = (geometry: MmuGeometry): number => {
  const words = geometries(geometry).reduce((sum, array) => sum + tlbArrayWords(array), HEADER_WORDS);
  return Math.ceil((words * 4) / 64) * 64;
};

/** Everything a core caches of translations. */
export class Tlb {
  readonly core: number;
  readonly words: Int32Array;
  readonly sequences: Float64Array;
  /** Number of each operation carried out, by OPERATION_ number (trace/events). */
  readonly invalidations: Float64Array;
  /** By STRUCTURE_ number. */
  readonly structures: readonly TlbArray[];
  readonly itlb4k: TlbArray;
  readonly itlb2m: TlbArray;
  readonly dtlb4k: TlbArray;
  readonly dtlb2m: TlbArray;
  readonly dtlb1g: TlbArray;
  readonly stlb: TlbArray;
  /** Paging-structure caches by level: 0 is the PDE cache. */
  readonly tableCaches: readonly TlbArray[];
  readonly nested: TlbArray;
  readonly stlbHolds2m: boolean;
  observer: TranslationObserver | null = null;

  /** @param byteOffset of the area in `buffer`, a multiple of 8; `mmuAreaSize(geometry)` bytes long. */
  constructor(core: number, buffer: ArrayBufferLike, byteOffset: number, geometry: MmuGeometry) {
    const bytes = mmuAreaSize(geometry);
    this.core = core;
    this.words = new Int32Array(buffer, byteOffset, bytes / 4);
    this.sequences = new Float64Array(buffer, byteOffset, bytes / 8);
    this.invalidations = this.sequences.subarray(INVALIDATIONS_F64, INVALIDATIONS_F64 + INVALIDATION_NAMES.length);
    let start = HEADER_WORDS;
    const structures = geometries(geometry).map((array, structure) => {
      const at = start;
      start += tlbArrayWords(array);
      return new TlbArray(
        structure,
        this.words,
        this.sequences,
        at,
        array,
        structure === STRUCTURE_STLB && !geometry.stlbHolds2m ? [SIZE_4K] : SIZES[structure]!,
      );
    });
    this.structures = structures;
    this.itlb4k = structures[STRUCTURE_ITLB_4K]!;
    this.itlb2m = structures[STRUCTURE_ITLB_2M]!;
    this.dtlb4k = structures[STRUCTURE_DTLB_4K]!;
    this.dtlb2m = structures[STRUCTURE_DTLB_2M]!;
    this.dtlb1g = structures[STRUCTURE_DTLB_1G]!;
    this.stlb = structures[STRUCTURE_STLB]!;
    this.tableCaches = structures.slice(STRUCTURE_PDE, STRUCTURE_PML4E + 1);
    this.nested = structures[STRUCTURE_NESTED]!;
    this.stlbHolds2m = geometry.stlbHolds2m;
  }

  /** Number of the last walk of this core; entries carry the number of the walk that produced them. */
  get sequence(): number {
    return this.sequences[SEQUENCE_F64]!;
  }

  /** Starts the next walk: its number. */
  nextSequence(): number {
    const next = this.sequences[SEQUENCE_F64]! + 1;
    this.sequences[SEQUENCE_F64] = next;
    return next;
  }

  /** The structure holds the translation as an entry of `size`. See TlbArray.insert. */
  insert(array: TlbArray, translation: Translation, size: number, alignment: number): void {
    const entry = array.insert(translation, size, alignment);
    if (entry >= 0 && this.observer !== null) this.observer.filled(this.core, array.structure, entry);
  }

  /**
   * The first-level TLB holds the translation: in the array of the largest pages that fit it. A page larger than any array has is held in
   * pieces, of which this is one.
   */
  insertFirstLevel(translation: Translation, fetch: boolean): void {
    const { size } = translation;
    if (!fetch && size >= SIZE_1G && this.dtlb1g.ways > 0) {
      this.insert(this.dtlb1g, translation, SIZE_1G, SIZE_1G);
      return;
    }
    const large = fetch ? this.itlb2m : this.dtlb2m;
    if (size >= SIZE_2M && large.ways > 0) this.insert(large, translation, SIZE_2M, SIZE_2M);
    else this.insert(fetch ? this.itlb4k : this.dtlb4k, translation, SIZE_4K, SIZE_4K);
  }

  /** The second-level TLB holds the translation, if it holds pages of that size. */
  insertSecondLevel(translation: Translation): void {
    const { size } = translation;
    if (size === SIZE_4K || (size === SIZE_2M && this.stlbHolds2m)) this.insert(this.stlb, translation, size, size);
  }
}
