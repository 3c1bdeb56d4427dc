/**
 * Paging-structure caches: what a walk need not read again of the upper levels.
 *
 * An entry of the cache of level n (1: PDEs, 2: PDPTEs, 3: PML4Es) is found by the linear-address bits that select the level-n entry,
 * by VPID, PCID and EPT root. It has the host and guest-physical page of the next table, the permissions accumulated down to
 * it, and (EPT) what may be done to that table's page without walking EPT again. Only entries with the accessed flag set get here,
 * because a walk sets it before it goes on; entries that map a page do not.
 *
 * SDM: Vol. 3, "Paging-Structure Caches"; "Combined Mappings" ("Information That May Be Cached").
 */
import type { MmuGeometry, TlbGeometry } from './geometry.ts';

const fullyAssociative = (entries: number): TlbGeometry => ({ sets: entries === 0 ? 0 : 1, ways: entries });

/** Geometry of the PDE, PDPTE and PML4E caches. */
export const pagingStructureCacheGeometry = (geometry: MmuGeometry): readonly TlbGeometry[] => [
  fullyAssociative(geometry.pdeCache),
  fullyAssociative(geometry.pdpteCache),
  fullyAssociative(geometry.pml4eCache),
];
