/** Kinds of access, as small numbers for the hot path. */
export const ACCESS_READ = 0;
export const ACCESS_WRITE = 1;
export const ACCESS_FETCH = 2;
/** Added to one of the above: a user-mode access (CPL 3, and not an implicit supervisor access such as a descriptor load). */
export const ACCESS_USER = 4;
/** Added: an implicit supervisor access (descriptor tables, TSS, IDT), which SMAP checks whatever RFLAGS.AC says. */
export const ACCESS_IMPLICIT = 8;

/** What `translate` returns instead of an address when the access faults; `Mmu.fault` has the particulars. */
export const TRANSLATION_FAULT = -1;

export const FAULT_PAGE = 1;
export const FAULT_EPT_VIOLATION = 2;
export const FAULT_EPT_MISCONFIGURATION = 3;

/** The particulars of the last fault of a core's MMU. Reused: read it before the next translation. */
export interface TranslationFault {
  kind: typeof FAULT_PAGE | typeof FAULT_EPT_VIOLATION | typeof FAULT_EPT_MISCONFIGURATION;
  /** Faulting linear address, signed. */
  la: number;
  /** Page-fault error code (FAULT_PAGE). */
  errorCode: number;
  /** Guest-physical address (EPT faults). */
  gpa: number;
  /** Exit qualification (FAULT_EPT_VIOLATION). */
  qualification: number;
}
