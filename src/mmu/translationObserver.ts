import type { Invalidation } from './invalidation.ts';

/**
 * Watches what cached translations are used, made and removed: the stale-translation oracle. It never changes what it observes.
 *
 * `structure` is a STRUCTURE_ number and `entry` the entry's word index in that core's TLB words (mmu/tlb): read them during the call.
 */
export interface TranslationObserver {
  /** A cached translation was used for `address`: linear, or guest-physical when `structure` is STRUCTURE_NESTED. */
  used(core: number, structure: number, entry: number, address: number): void;
  /** A walk put a translation into a structure, or an entry was copied from the second level into the first. */
  filled(core: number, structure: number, entry: number): void;
  /** An invalidation was carried out. `invalidation` is reused: read it during the call. */
  invalidated(core: number, invalidation: Invalidation): void;
}
