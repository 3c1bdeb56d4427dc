/**
 * One translation on its way between a walk and the arrays that cache it: the fields of an entry (mmu/tlbEntry), unpacked. Reused, never
 * allocated per walk. Page numbers are 32-bit patterns (`>>> 0` makes them unsigned) of the one 4 KB page that was asked for.
 */
export interface Translation {
  page: number;
  tags: number;
  eptRoot: number;
  /** ENTRY_W … ENTRY_G. */
  flags: number;
  /** What an entry may cover at most: the smaller of the guest's page and the EPT's. */
  size: number;
  guestSize: number;
  hostPage: number;
  guestPage: number;
  sequence: number;
}

export const emptyTranslation = (): Translation => ({
  page: 0,
  tags: 0,
  eptRoot: 0,
  flags: 0,
  size: 0,
  guestSize: 0,
  hostPage: 0,
  guestPage: 0,
  sequence: 0,
});
