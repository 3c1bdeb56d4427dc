/** Sizes and prices of the modelled translation hardware; a machine profile fills them in (machine/profiles). */

/** `sets` is a power of two; `ways` >= 1; 0 sets = the structure does not exist. */
export interface TlbGeometry {
  readonly sets: number;
  readonly ways: number;
}

export interface MmuGeometry {
  /** L1 instruction TLB, 4 KB pages; then 2 MB pages. */
  readonly itlb4k: TlbGeometry;
  readonly itlb2m: TlbGeometry;
  /** L1 data TLB, 4 KB, 2 MB and 1 GB pages. */
  readonly dtlb4k: TlbGeometry;
  readonly dtlb2m: TlbGeometry;
  readonly dtlb1g: TlbGeometry;
  /** Second-level TLB; `stlbHolds2m` says whether 2 MB translations live there too. */
  readonly stlb: TlbGeometry;
  readonly stlbHolds2m: boolean;
  /** Paging-structure caches, fully associative: number of entries for PDEs, PDPTEs and PML4Es. */
  readonly pdeCache: number;
  readonly pdpteCache: number;
  readonly pml4eCache: number;
  /** Guest-physical to host-physical translations kept for 2-D walks (nested TLB), fully associative. */
  readonly nestedTlb: number;
}

/** In cycles. */
export interface MmuCosts {
  /** An L1 miss that hits the second-level TLB. */
  readonly stlbHit: number;
  /** Every paging-structure or EPT entry that a walk reads. */
  readonly walkReference: number;
  /** Starting a page walk. */
  readonly walkStart: number;
}
