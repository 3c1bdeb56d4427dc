/**
 * Whether a translation permits an access: the same answer for a TLB hit and at the end of a walk.
 *
 * U/S, R/W and X are the AND over all levels of the guest's paging structures (X: no level has XD set).
 *
 *   access                     U/S = 0                   U/S = 1
 *   ------------------------   -----------------------   -------------------------------------------------
 *   user read                  never                     always
 *   user write                 never                     R/W
 *   user fetch                 never                     X
 *   supervisor read            always                    SMAP = 0, or explicit and AC = 1
 *   supervisor write           R/W or WP = 0             (SMAP = 0, or explicit and AC = 1) and (R/W or WP = 0)
 *   supervisor fetch           X                         SMEP = 0 and X
 *
 * Implicit supervisor accesses (descriptor tables, TSS, IDT) are supervisor accesses that AC does not help.
 *
 * SDM: Vol. 3, "Access Rights".
 */
import { ACCESS_FETCH, ACCESS_IMPLICIT, ACCESS_USER, ACCESS_WRITE } from './access.ts';
import type { PagingContext } from './pagingContext.ts';
import { ENTRY_D, ENTRY_EPT_R, ENTRY_EPT_W, ENTRY_EPT_X, ENTRY_U, ENTRY_W, ENTRY_X } from './tlbEntry.ts';

const ACCESS_KIND = 3;

/** True iff the guest's paging structures permit the access; `flags` are an entry's flags (mmu/tlbEntry). */
export function permitsLinear(flags: number, access: number, context: PagingContext): boolean {
  const kind = access & ACCESS_KIND;
  if (access & ACCESS_USER) {
    if (!(flags & ENTRY_U)) return false;
    if (kind === ACCESS_WRITE) return (flags & ENTRY_W) !== 0;
    return kind !== ACCESS_FETCH || (flags & ENTRY_X) !== 0;
  }
  if (kind === ACCESS_FETCH) return (flags & ENTRY_X) !== 0 && !(flags & ENTRY_U && context.smep);
  if (flags & ENTRY_U && context.smap && (access & ACCESS_IMPLICIT || !context.alignmentCheckFlag)) return false;
  return kind !== ACCESS_WRITE || (flags & ENTRY_W) !== 0 || !context.writeProtect;
}

/** What EPT must permit for an access, as an entry's flags. */
export const eptRequirement = (access: number): number => {
  const kind = access & ACCESS_KIND;
  return kind === ACCESS_FETCH ? ENTRY_EPT_X : kind === ACCESS_WRITE ? ENTRY_EPT_W : ENTRY_EPT_R;
};

/** Flags that suffice for the access whatever the context, by `access & 7`: if it is a user access, or the page is not a user page. */
const SUFFICIENT = Int32Array.of(
  ENTRY_EPT_R,
  ENTRY_EPT_W | ENTRY_D | ENTRY_W,
  ENTRY_EPT_X | ENTRY_X,
  -1,
  ENTRY_EPT_R | ENTRY_U,
  ENTRY_EPT_W | ENTRY_D | ENTRY_W | ENTRY_U,
  ENTRY_EPT_X | ENTRY_X | ENTRY_U,
  -1,
);

/** True when the flags alone permit the access; when false, `permits` decides. Small, so that the hot path takes it in. */
export const permitsOutright = (flags: number, access: number): boolean => {
  const sufficient = SUFFICIENT[access & 7]!;
  return (flags & sufficient) === sufficient && ((access & ACCESS_USER) !== 0 || !(flags & ENTRY_U));
};

/** `permits` for data accesses as two masks: the flags that an entry needs, and those it must not have. */
export function requiredFlags(access: number, context: PagingContext): number {
  const write = (access & ACCESS_KIND) === ACCESS_WRITE;
  const user = (access & ACCESS_USER) !== 0;
  const guest = (user ? ENTRY_U : 0) | (write && (user || context.writeProtect) ? ENTRY_W : 0);
  return eptRequirement(access) | (write ? ENTRY_D : 0) | guest;
}

export const forbiddenFlags = (access: number, context: PagingContext): number =>
  !(access & ACCESS_USER) && context.smap && (access & ACCESS_IMPLICIT || !context.alignmentCheckFlag) ? ENTRY_U : 0;

/**
 * True iff a cached translation may serve the access without a walk: guest and EPT permit it, and a write finds the dirty flags set.
 */
export function permits(flags: number, access: number, context: PagingContext): boolean {
  if (!(flags & eptRequirement(access))) return false;
  if ((access & ACCESS_KIND) === ACCESS_WRITE && !(flags & ENTRY_D)) return false;
  return permitsLinear(flags, access, context);
}
