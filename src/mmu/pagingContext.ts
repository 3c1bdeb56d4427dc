/**
 * What a translation depends on besides the address: the paging-related state of one core, kept current by `cpu` whenever
 * a control register, EFER, the privilege level or the VMX mode changes. The MMU only reads it.
 */
export interface PagingContext {
  /** CR0.PG. Off: linear addresses are guest-physical addresses. */
  paging: boolean;
  /** CR4.PAE. */
  pae: boolean;
  /** EFER.LMA: 4-level paging. */
  longMode: boolean;
  /** CR4.PSE (32-bit paging only). */
  pse: boolean;
  /** CR0.WP. */
  writeProtect: boolean;
  /** EFER.NXE. */
  noExecute: boolean;
  /** CR4.PGE. */
  globalPages: boolean;
  /** CR4.SMEP. */
  smep: boolean;
  /** CR4.SMAP. */
  smap: boolean;
  /** RFLAGS.AC: lifts SMAP for explicit supervisor accesses. */
  alignmentCheckFlag: boolean;
  /** Guest-physical address of the top paging structure: CR3 without its low 12 bits (bits 11:5 kept for PAE). */
  root: number;
  /** Current PCID; 0 when CR4.PCIDE = 0. */
  pcid: number;
  /** Current VPID; 0 in VMX root operation, outside VMX and when VPIDs are off. */
  vpid: number;
  /** Host page number of the EPT PML4 table (EP4TA), or 0 when EPT is not in use. Page 0 never holds an EPT root. */
  eptRoot: number;
  /** EPT accessed and dirty flags (EPTP bit 6). */
  eptAccessedDirty: boolean;
}

/** The context of a core after reset: paging off. */
export const resetPagingContext = (): PagingContext => ({
  paging: false,
  pae: false,
  longMode: false,
  pse: false,
  writeProtect: false,
  noExecute: false,
  globalPages: false,
  smep: false,
  smap: false,
  alignmentCheckFlag: false,
  root: 0,
  pcid: 0,
  vpid: 0,
  eptRoot: 0,
  eptAccessedDirty: false,
});
