/**
 * Looking at a core's translations without touching them: what is cached, and what the page tables say. For dumps, debuggers, the
 * stale-translation oracle and tests.
 */
import { FAULT_PAGE, type TranslationFault } from './access.ts';
import type { EntryMemory } from './entryMemory.ts';
import { EptWalker } from './ept.ts';
import type { PagingContext } from './pagingContext.ts';
import { STRUCTURE_NAMES, STRUCTURE_NESTED, STRUCTURE_PDE, type Tlb } from './tlb.ts';
import {
  ENTRY_D,
  ENTRY_EPT_R,
  ENTRY_EPT_SHIFT,
  ENTRY_EPT_W,
  ENTRY_EPT_X,
  ENTRY_G,
  ENTRY_GUEST_SIZE_SHIFT,
  ENTRY_SIZE_MASK,
  ENTRY_SIZE_SHIFT,
  ENTRY_U,
  ENTRY_W,
  ENTRY_WORDS,
  ENTRY_X,
  linearOfPage,
  TAG_PCID,
  TAG_VPID_SHIFT,
  WORD_EPT_ROOT,
  WORD_FLAGS,
  WORD_GUEST_PAGE,
  WORD_HOST_PAGE,
  WORD_PAGE,
  WORD_SEQUENCE,
  WORD_TAGS,
} from './tlbEntry.ts';
import { Walker } from './walk.ts';

/** What a translation permits, over all levels. */
export interface Permissions {
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
  readonly eptReadable: boolean;
  readonly eptWritable: boolean;
  readonly eptExecutable: boolean;
}

/** A cached entry as a plain object. Addresses are those of the entry's first byte; sizes are in bytes. */
export interface EntryView {
  readonly structure: (typeof STRUCTURE_NAMES)[number];
  /** Linear address; guest-physical in `nested`. */
  readonly address: number;
  readonly size: number;
  readonly guestSize: number;
  readonly vpid: number;
  readonly pcid: number;
  readonly eptRoot: number;
  readonly global: boolean;
  readonly dirty: boolean;
  readonly permissions: Permissions;
  readonly gpa: number;
  readonly hpa: number;
  readonly sequence: number;
}

const permissionsOf = (flags: number): Permissions => ({
  writable: (flags & ENTRY_W) !== 0,
  user: (flags & ENTRY_U) !== 0,
  executable: (flags & ENTRY_X) !== 0,
  eptReadable: (flags & ENTRY_EPT_R) !== 0,
  eptWritable: (flags & ENTRY_EPT_W) !== 0,
  eptExecutable: (flags & ENTRY_EPT_X) !== 0,
});

/** The (valid) entry at this word index as a plain object. */
export function viewEntry(tlb: Tlb, structure: number, entry: number): EntryView {
  const { words } = tlb;
  const flags = words[entry + WORD_FLAGS]!;
  const tags = words[entry + WORD_TAGS]!;
  return {
    structure: STRUCTURE_NAMES[structure]!,
    address: linearOfPage(words[entry + WORD_PAGE]!, tags),
    size: 2 ** ((flags & ENTRY_SIZE_MASK) >>> ENTRY_SIZE_SHIFT) * 4096,
    guestSize: 2 ** (flags >>> ENTRY_GUEST_SIZE_SHIFT) * 4096,
    vpid: tags >>> TAG_VPID_SHIFT,
    pcid: tags & TAG_PCID,
    eptRoot: words[entry + WORD_EPT_ROOT]! >>> 0,
    global: (flags & ENTRY_G) !== 0,
    dirty: (flags & ENTRY_D) !== 0,
    permissions: permissionsOf(flags),
    gpa: (words[entry + WORD_GUEST_PAGE]! >>> 0) * 4096,
    hpa: (words[entry + WORD_HOST_PAGE]! >>> 0) * 4096,
    sequence: tlb.sequences[(entry + WORD_SEQUENCE) >> 1]!,
  };
}

/** Calls `visit` for every valid entry of the structures from `first` to `last`. */
export function visitEntries(tlb: Tlb, first: number, last: number, visit: (structure: number, entry: number) => void): void {
  for (let structure = first; structure <= last; structure++) {
    const array = tlb.structures[structure]!;
    for (let entry = array.first; entry < array.end; entry += ENTRY_WORDS) {
      if (tlb.words[entry + WORD_FLAGS] !== 0) visit(structure, entry);
    }
  }
}

/** Every valid entry of a core, in the order of structures, sets and ways. */
export function listEntries(tlb: Tlb): EntryView[] {
  const views: EntryView[] = [];
  visitEntries(tlb, 0, STRUCTURE_NESTED, (structure, entry) => views.push(viewEntry(tlb, structure, entry)));
  return views;
}

/** Every valid translation (linear or combined mapping) of a core. */
export function listTranslations(tlb: Tlb): EntryView[] {
  const views: EntryView[] = [];
  visitEntries(tlb, 0, STRUCTURE_PDE - 1, (structure, entry) => views.push(viewEntry(tlb, structure, entry)));
  return views;
}

/** What the page tables say about an address: where it leads, or the fault that an access permitted everywhere else would meet. */
export interface PeekedTranslation {
  readonly hpa: number;
  readonly gpa: number;
  /** Bytes: what one TLB entry could cover, and the guest's page. */
  readonly size: number;
  readonly guestSize: number;
  readonly permissions: Permissions;
  readonly global: boolean;
  /** The dirty flags that a write sets are set. */
  readonly dirty: boolean;
}
export type Peek = PeekedTranslation | { readonly fault: Readonly<TranslationFault> };

export const isMapped = (peek: Peek): peek is PeekedTranslation => 'hpa' in peek;

/**
 * What the tables in `memory` say about `la` under `context`: no caches, no accessed and dirty flags, no counts, no cycles. Permissions are
 * reported, not checked, so the only faults are those of missing or malformed entries.
 */
export function peek(context: PagingContext, memory: EntryMemory, la: number): Peek {
  const fault: TranslationFault = { kind: FAULT_PAGE, la, errorCode: 0, gpa: 0, qualification: 0 };
  const meter = { references: 0 };
  const ept = new EptWalker(context, memory, fault, meter, null);
  if (!context.paging) return peekUnpaged(context, ept, fault, la);
  const walker = new Walker(context, memory, ept, fault, meter, null);
  if (!walker.walk(la, 0)) return { fault };
  const { found } = walker;
  return {
    hpa: (found.hostPage >>> 0) * 4096 + (la & 0xfff),
    gpa: (found.guestPage >>> 0) * 4096 + (la & 0xfff),
    size: 2 ** found.size * 4096,
    guestSize: 2 ** found.guestSize * 4096,
    permissions: permissionsOf(found.flags),
    global: (found.flags & ENTRY_G) !== 0,
    dirty: (found.flags & ENTRY_D) !== 0,
  };
}

function peekUnpaged(context: PagingContext, ept: EptWalker, fault: TranslationFault, la: number): Peek {
  const linear = ENTRY_W | ENTRY_U | ENTRY_X;
  const plain = { gpa: la, size: 4096, guestSize: 4096, global: false };
  if (context.eptRoot === 0) return { ...plain, hpa: la, permissions: permissionsOf(linear | (7 << ENTRY_EPT_SHIFT)), dirty: true };
  if (!ept.translate(Math.floor(la / 4096) | 0, la & 0xfff, 0, 0)) return { fault };
  const size = 2 ** ept.size * 4096;
  return {
    ...plain,
    size,
    guestSize: size,
    hpa: (ept.hostPage >>> 0) * 4096 + (la & 0xfff),
    permissions: permissionsOf(linear | ept.flags),
    dirty: (ept.flags & ENTRY_D) !== 0,
  };
}

/** Text like `urw-/rwx`: guest rights, then EPT rights after a slash. */
export const describePermissions = (permissions: Permissions): string =>
  `${permissions.user ? 'u' : 's'}r${permissions.writable ? 'w' : '-'}${permissions.executable ? 'x' : '-'}/` +
  `${permissions.eptReadable ? 'r' : '-'}${permissions.eptWritable ? 'w' : '-'}${permissions.eptExecutable ? 'x' : '-'}`;
