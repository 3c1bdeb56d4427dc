/**
 * What each invalidation removes, as one pure predicate over the tags of an entry and one table of scopes.
 *
 *   operation                    translations (linear, combined)    paging-structure caches          guest-physical mappings
 *   --------------------------   --------------------------------   ------------------------------   -----------------------
 *   INVLPG la                    page; PCID or global               PCID, whatever the address       -
 *   INVPCID 0: address           page; PCID, not global             PCID, those used for la          -
 *   INVPCID 1: single context    PCID, not global                   PCID                             -
 *   INVPCID 2: all, global too   all                                all                              -
 *   INVPCID 3: all but global    not global                         all                              -
 *   MOV to CR3, bit 63 clear     (new) PCID, not global             (new) PCID                       -
 *   MOV to CR4                   all, or those of the PCID          the same                         -
 *   MOV to CR0 (PG changes)      all                                all                              -
 *   #PF at la                    page; PCID or global               PCID, those used for la          -
 *   VM transition without VPID   all                                all                              -
 *   INVVPID 0: address           page, whatever PCID, global too    those used for la                -
 *   INVVPID 1: single context    all                                all                              -
 *   INVVPID 2: all contexts      VPID other than 0                  VPID other than 0                -
 *   INVVPID 3: keep global       not global                         all                              -
 *   INVEPT 1: single context     EPT root, whatever VPID and PCID   EPT root                         EPT root
 *   INVEPT 2: all contexts       any EPT root                       any EPT root                     all
 *   INVLPGB                      EPT root or all; by its flags page,  the same, without the      -
 *                                PCID, not global                     flag for the last level
 *   EPT violation at (gpa, la)   page; PCID or global; EPT root     PCID, those used for la; root    page of gpa; EPT root
 *
 * All but the last two rows of INVEPT and INVVPID 2 concern one VPID: the current one, or INVVPID's operand. They act for every EPT root,
 * whether EPT is in use or not. "Global" entries of "PCID or global" go whatever the PCID they were made under.
 *
 * The scopes are the least that the manual demands: it lets a processor remove more at any time, but a TLB that forgets too
 * much hides the bugs that this machine exists to show.
 *
 * SDM: Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches"; "Operations that Invalidate Cached Mappings"; Vol. 2, INVPCID.
 *
 * Deviation: a MOV to CR0 that sets PG invalidates like one that clears it.
 */
import {
  OPERATION_EPT_VIOLATION,
  OPERATION_INVEPT_ALL,
  OPERATION_INVEPT_CONTEXT,
  OPERATION_INVLPG,
  OPERATION_INVLPGB,
  OPERATION_INVPCID_ADDRESS,
  OPERATION_INVPCID_ALL,
  OPERATION_INVPCID_ALL_GLOBAL,
  OPERATION_INVPCID_CONTEXT,
  OPERATION_INVVPID_ADDRESS,
  OPERATION_INVVPID_ALL,
  OPERATION_INVVPID_CONTEXT,
  OPERATION_INVVPID_KEEP_GLOBAL,
  OPERATION_MOV_CR0,
  OPERATION_MOV_CR3,
  OPERATION_MOV_CR4,
  OPERATION_PAGE_FAULT,
  OPERATION_VM_TRANSITION,
} from '../trace/events.ts';
import type { BroadcastInvalidation } from './invalidationBroadcast.ts';
import {
  ENTRY_G,
  ENTRY_GUEST_SIZE_SHIFT,
  TAG_PAGE_HIGH,
  TAG_PCID,
  TAG_VPID_SHIFT,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_PAGE,
  WORD_TAGS,
} from './tlbEntry.ts';

/** Parts of a scope: an entry is removed when it meets all of them. */
export const SAME_PAGE = 1 << 0;
/** Of this PCID, or global. */
export const SAME_PCID = 1 << 1;
export const NOT_GLOBAL = 1 << 2;
export const SAME_VPID = 1 << 3;
export const VPID_NOT_0 = 1 << 4;
export const SAME_EPT_ROOT = 1 << 5;
export const ANY_EPT_ROOT = 1 << 6;
/** Nothing is removed. */
export const NOTHING = -1;

/** One invalidation: the operation's operands, and what it removes from each kind of structure. */
export interface Invalidation {
  /** OPERATION_… (trace/events). */
  operation: number;
  /** Linear address, signed; guest-physical page number in `guestPage`. */
  la: number;
  /** Low 32 bits of the page number of `la`. */
  page: number;
  /** VPID, page-number bits 35:32 and PCID as in word 1 of an entry. */
  tags: number;
  vpid: number;
  pcid: number;
  eptRoot: number;
  guestPage: number;
  /** Scopes: SAME_… bits, or NOTHING. */
  translations: number;
  tables: number;
  guestPhysical: number;
  /** Number of entries removed. */
  dropped: number;
}

export interface InvalidationScope {
  readonly translations: number;
  readonly tables: number;
  readonly guestPhysical: number;
}

const scope = (translations: number, tables: number, guestPhysical: number): InvalidationScope => ({ translations, tables, guestPhysical });

const VPID_PCID = SAME_VPID | SAME_PCID;

/** Scopes by OPERATION_ number. */
export const INVALIDATION_SCOPES: readonly InvalidationScope[] = (() => {
  const table: InvalidationScope[] = [];
  table[OPERATION_INVLPG] = scope(VPID_PCID | SAME_PAGE, VPID_PCID, NOTHING);
  table[OPERATION_INVPCID_ADDRESS] = scope(VPID_PCID | NOT_GLOBAL | SAME_PAGE, VPID_PCID | SAME_PAGE, NOTHING);
  table[OPERATION_INVPCID_CONTEXT] = scope(VPID_PCID | NOT_GLOBAL, VPID_PCID, NOTHING);
  table[OPERATION_INVPCID_ALL_GLOBAL] = scope(SAME_VPID, SAME_VPID, NOTHING);
  table[OPERATION_INVPCID_ALL] = scope(SAME_VPID | NOT_GLOBAL, SAME_VPID, NOTHING);
  table[OPERATION_MOV_CR3] = scope(VPID_PCID | NOT_GLOBAL, VPID_PCID, NOTHING);
  table[OPERATION_MOV_CR4] = scope(SAME_VPID, SAME_VPID, NOTHING);
  table[OPERATION_MOV_CR0] = scope(SAME_VPID, SAME_VPID, NOTHING);
  table[OPERATION_PAGE_FAULT] = scope(VPID_PCID | SAME_PAGE, VPID_PCID | SAME_PAGE, NOTHING);
  table[OPERATION_INVVPID_ADDRESS] = scope(SAME_VPID | SAME_PAGE, SAME_VPID | SAME_PAGE, NOTHING);
  table[OPERATION_INVVPID_CONTEXT] = scope(SAME_VPID, SAME_VPID, NOTHING);
  table[OPERATION_INVVPID_ALL] = scope(VPID_NOT_0, VPID_NOT_0, NOTHING);
  table[OPERATION_INVVPID_KEEP_GLOBAL] = scope(SAME_VPID | NOT_GLOBAL, SAME_VPID, NOTHING);
  table[OPERATION_INVEPT_CONTEXT] = scope(SAME_EPT_ROOT, SAME_EPT_ROOT, SAME_EPT_ROOT);
  table[OPERATION_INVEPT_ALL] = scope(ANY_EPT_ROOT, ANY_EPT_ROOT, ANY_EPT_ROOT);
  // By its flags (broadcastScope): this is what it removes with all of them clear.
  table[OPERATION_INVLPGB] = scope(NOT_GLOBAL, 0, NOTHING);
  table[OPERATION_VM_TRANSITION] = scope(SAME_VPID, SAME_VPID, NOTHING);
  table[OPERATION_EPT_VIOLATION] = scope(
    VPID_PCID | SAME_PAGE | SAME_EPT_ROOT,
    VPID_PCID | SAME_PAGE | SAME_EPT_ROOT,
    SAME_PAGE | SAME_EPT_ROOT,
  );
  return table;
})();

/** INVLPGB by its flags. */
export function broadcastScope(what: BroadcastInvalidation): InvalidationScope {
  const both = (what.eptRoot < 0 ? 0 : SAME_EPT_ROOT) | (what.pages > 0 ? SAME_PAGE : 0) | (what.pcid < 0 ? 0 : SAME_PCID);
  return scope(both | (what.global ? 0 : NOT_GLOBAL), what.tables ? both : NOTHING, NOTHING);
}

/** MOV to CR4 that concerns the current PCID only. */
export const CR4_CONTEXT_SCOPE: InvalidationScope = scope(VPID_PCID, VPID_PCID, NOTHING);

/** INIT and reset. */
export const EVERYTHING_SCOPE: InvalidationScope = scope(0, 0, 0);

export const emptyInvalidation = (): Invalidation => ({
  operation: 0,
  la: 0,
  page: 0,
  tags: 0,
  vpid: 0,
  pcid: 0,
  eptRoot: 0,
  guestPage: 0,
  translations: NOTHING,
  tables: NOTHING,
  guestPhysical: NOTHING,
  dropped: 0,
});

/** Bits of word 1 that must agree, by scope. */
const TAG_MASKS = Int32Array.from(
  { length: 128 },
  (_, bits) => (bits & SAME_PAGE ? TAG_PAGE_HIGH : 0) | (bits & SAME_PCID ? TAG_PCID : 0) | (bits & SAME_VPID ? -1 << TAG_VPID_SHIFT : 0),
);
/** Parts of scopes that few operations have. */
const RARE = SAME_PAGE | VPID_NOT_0 | SAME_EPT_ROOT | ANY_EPT_ROOT;

/** True iff a translation or paging-structure-cache entry (at `entry` of `words`) with these tags is within `scopeBits` of the invalidation. */
export function covers(scopeBits: number, words: Int32Array, entry: number, invalidation: Invalidation): boolean {
  const tags = words[entry + WORD_TAGS]!;
  const flags = words[entry + WORD_FLAGS]!;
  // The PCID of a global entry does not matter.
  const mask = TAG_MASKS[scopeBits]! & (flags & ENTRY_G ? ~TAG_PCID : -1);
  if ((tags ^ invalidation.tags) & mask) return false;
  if (scopeBits & NOT_GLOBAL && flags & ENTRY_G) return false;
  if (!(scopeBits & RARE)) return true;
  if (scopeBits & SAME_PAGE && (words[entry + WORD_PAGE]! ^ invalidation.page) >>> (flags >>> ENTRY_GUEST_SIZE_SHIFT)) return false;
  if (scopeBits & SAME_EPT_ROOT && words[entry + WORD_EPT_ROOT]! !== invalidation.eptRoot) return false;
  if (scopeBits & ANY_EPT_ROOT && words[entry + WORD_EPT_ROOT] === 0) return false;
  return !(scopeBits & VPID_NOT_0 && tags >>> TAG_VPID_SHIFT === 0);
}

/** True iff a guest-physical mapping is within `scopeBits` of the invalidation. */
export function coversGuestPhysical(scopeBits: number, words: Int32Array, entry: number, invalidation: Invalidation): boolean {
  const size = words[entry + WORD_FLAGS]! >>> ENTRY_GUEST_SIZE_SHIFT;
  if (scopeBits & SAME_PAGE && (words[entry + WORD_PAGE]! ^ invalidation.guestPage) >>> size) return false;
  return !(scopeBits & SAME_EPT_ROOT && words[entry + WORD_EPT_ROOT]! !== invalidation.eptRoot);
}
