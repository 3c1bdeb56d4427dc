import { PTE_XD_HI } from '../../../arch/paging.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../../mmu/access.ts';
import { CONTEXT_LIMIT, type DataShortcut } from '../../../mmu/dataShortcut.ts';
import { structureAccess } from '../../../mmu/ept.ts';
import type { PagingContext } from '../../../mmu/pagingContext.ts';
import { FOUR_LEVEL } from '../../../mmu/pagingMode.ts';
import { forbiddenFlags, requiredFlags } from '../../../mmu/permissions.ts';
import { ENTRY_D, ENTRY_EPT_SHIFT, ENTRY_G, ENTRY_VALID, TAG_VPID_SHIFT } from '../../../mmu/tlbEntry.ts';
import type { Core } from '../../core.ts';
import {
  I32_EPT_ROOT,
  I32_FORBIDDEN,
  I32_READ_REQUIRED,
  I32_SHORTCUT_BASE,
  I32_SHORTCUT_CONTEXT,
  I32_TLB_BASE,
  I32_TLB_TAGS,
  I32_WALK_GLOBAL,
  I32_WALK_RESERVED,
  I32_WALK_ROOT,
  I32_WALK_TABLE_REQUIRED,
  I32_WRITE_REQUIRED,
} from '../../state.ts';

/** Everything besides the address and the kind of access that decides what a first-level TLB entry serves, and which regions may run. */
interface ContextKey {
  readonly vpid: number;
  readonly pcid: number;
  readonly eptRoot: number;
  /** What else a translation depends on, as bits. */
  readonly flags: number;
  readonly number: number;
}

/** Contexts told apart at the same time. */
const KNOWN_LIMIT = Math.min(64, CONTEXT_LIMIT - 1);

const flagsOf = (userAccess: number, context: PagingContext): number =>
  userAccess |
  (context.paging ? 1 : 0) |
  (context.writeProtect ? 2 : 0) |
  (context.smap ? 8 : 0) |
  (context.alignmentCheckFlag ? 16 : 0) |
  (context.longMode ? 32 : 0) |
  (context.noExecute ? 64 : 0) |
  (context.globalPages ? 128 : 0) |
  (context.eptAccessedDirty ? 256 : 0) |
  (context.smep ? 512 : 0);

/** Tells generated code by what to translate, and numbers the contexts of one core so that the shortcut can tell their pages apart. */
export class TranslationContexts {
  private readonly core: Core;
  private readonly shortcut: DataShortcut;
  private known: ContextKey[] = [];
  private current: ContextKey = { vpid: -1, pcid: -1, eptRoot: -1, flags: -1, number: 0 };
  private root = -1;

  constructor(core: Core, shortcut: DataShortcut) {
    this.core = core;
    this.shortcut = shortcut;
    const { i32 } = core.state;
    i32[I32_TLB_BASE] = core.mmu.tlb.words.byteOffset;
    i32[I32_SHORTCUT_BASE] = shortcut.byteOffset;
  }

  /** Generated code translates as the core would now. To be called whenever it is entered. */
  describe(): void {
    const { context } = this.core.mmu;
    const { current } = this;
    const flags = flagsOf(this.core.userAccess, context);
    const same = current.flags === flags && current.pcid === context.pcid && current.vpid === context.vpid;
    if (!same || current.eptRoot !== context.eptRoot) this.change(context, flags);
    if (context.root !== this.root) {
      this.root = context.root;
      this.core.state.i32[I32_WALK_ROOT] = Math.floor(context.root / 4096);
    }
  }

  private change(context: PagingContext, flags: number): void {
    const { i32 } = this.core.state;
    const { userAccess } = this.core;
    const { vpid, pcid, eptRoot } = context;
    this.current = this.find(vpid, pcid, eptRoot, flags);
    i32[I32_SHORTCUT_CONTEXT] = this.current.number;
    i32[I32_TLB_TAGS] = (vpid << TAG_VPID_SHIFT) | pcid;
    i32[I32_EPT_ROOT] = eptRoot;
    i32[I32_READ_REQUIRED] = requiredFlags(ACCESS_READ | userAccess, context);
    i32[I32_WRITE_REQUIRED] = requiredFlags(ACCESS_WRITE | userAccess, context);
    i32[I32_FORBIDDEN] = forbiddenFlags(userAccess, context);
    i32[I32_WALK_RESERVED] = FOUR_LEVEL.reservedHigh[0]! | (context.noExecute ? 0 : PTE_XD_HI);
    i32[I32_WALK_GLOBAL] = context.globalPages ? ENTRY_G : 0;
    i32[I32_WALK_TABLE_REQUIRED] = ENTRY_VALID | (structureAccess(context) << ENTRY_EPT_SHIFT) | (context.eptAccessedDirty ? ENTRY_D : 0);
  }

  private find(vpid: number, pcid: number, eptRoot: number, flags: number): ContextKey {
    let key = this.known.find((known) => known.vpid === vpid && known.pcid === pcid && known.eptRoot === eptRoot && known.flags === flags);
    if (key === undefined) {
      if (this.known.length >= KNOWN_LIMIT) {
        // Numbers start over: what the old ones stood for must be gone.
        this.shortcut.clear();
        this.known = [];
      }
      key = { vpid, pcid, eptRoot, flags, number: this.known.length + 1 };
      this.known.push(key);
    }
    return key;
  }
}
