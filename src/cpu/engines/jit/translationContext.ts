import { PTE_XD_HI } from '../../../arch/paging.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../../mmu/access.ts';
import { CONTEXT_LIMIT, type DataShortcut } from '../../../mmu/dataShortcut.ts';
import { structureAccess } from '../../../mmu/ept.ts';
import { FOUR_LEVEL } from '../../../mmu/pagingMode.ts';
import { forbiddenFlags, requiredFlags } from '../../../mmu/permissions.ts';
import { ENTRY_D, ENTRY_EPT_SHIFT, ENTRY_G, ENTRY_VALID, TAG_VPID_SHIFT } from '../../../mmu/tlbEntry.ts';
import type { Core } from '../../core.ts';
import {
  I32_EPT_ROOT,
  I32_FORBIDDEN,
  I32_QUIET,
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

/** Everything besides the address and the kind of access that decides what a first-level TLB entry serves. */
interface ContextKey {
  readonly vpid: number;
  readonly pcid: number;
  readonly eptRoot: number;
  readonly flags: number;
  readonly number: number;
}

/** Numbers the translation contexts of one core, so that the shortcut can tell their pages apart. */
export class TranslationContexts {
  private readonly shortcut: DataShortcut;
  private known: ContextKey[] = [];
  private current: ContextKey = { vpid: -1, pcid: -1, eptRoot: -1, flags: -1, number: 0 };

  constructor(shortcut: DataShortcut) {
    this.shortcut = shortcut;
  }

  /** Number of the context the core is in now: 1 … CONTEXT_LIMIT - 1. */
  private number(core: Core): number {
    const { context } = core.mmu;
    const flags =
      core.userAccess |
      (context.paging ? 1 : 0) |
      (context.writeProtect ? 2 : 0) |
      (context.smap ? 8 : 0) |
      (context.alignmentCheckFlag ? 16 : 0) |
      (context.longMode ? 32 : 0) |
      (context.noExecute ? 64 : 0);
    const { current } = this;
    if (current.vpid === context.vpid && current.pcid === context.pcid && current.eptRoot === context.eptRoot && current.flags === flags)
      return current.number;
    return this.find(context.vpid, context.pcid, context.eptRoot, flags);
  }

  /** Generated code translates as the core would now. To be called whenever it is entered. @param quiet nobody listens to fills and invalidations. */
  describe(core: Core, quiet: boolean): void {
    const { i32 } = core.state;
    const { context, tlb } = core.mmu;
    const { userAccess } = core;
    i32[I32_SHORTCUT_CONTEXT] = this.number(core);
    i32[I32_TLB_BASE] = tlb.words.byteOffset;
    i32[I32_SHORTCUT_BASE] = this.shortcut.byteOffset;
    i32[I32_TLB_TAGS] = (context.vpid << TAG_VPID_SHIFT) | context.pcid;
    i32[I32_EPT_ROOT] = context.eptRoot;
    i32[I32_READ_REQUIRED] = requiredFlags(ACCESS_READ | userAccess, context);
    i32[I32_WRITE_REQUIRED] = requiredFlags(ACCESS_WRITE | userAccess, context);
    i32[I32_FORBIDDEN] = forbiddenFlags(userAccess, context);
    i32[I32_WALK_ROOT] = Math.floor(context.root / 4096);
    i32[I32_WALK_RESERVED] = FOUR_LEVEL.reservedHigh[0]! | (context.noExecute ? 0 : PTE_XD_HI);
    i32[I32_WALK_GLOBAL] = context.globalPages ? ENTRY_G : 0;
    i32[I32_WALK_TABLE_REQUIRED] = ENTRY_VALID | (structureAccess(context) << ENTRY_EPT_SHIFT) | (context.eptAccessedDirty ? ENTRY_D : 0);
    i32[I32_QUIET] = quiet ? 1 : 0;
  }

  private find(vpid: number, pcid: number, eptRoot: number, flags: number): number {
    let key = this.known.find((known) => known.vpid === vpid && known.pcid === pcid && known.eptRoot === eptRoot && known.flags === flags);
    if (key === undefined) {
      if (this.known.length >= Math.min(64, CONTEXT_LIMIT - 1)) {
        // Numbers start over: what the old ones stood for must be gone.
        this.shortcut.clear();
        this.known = [];
      }
      key = { vpid, pcid, eptRoot, flags, number: this.known.length + 1 };
      this.known.push(key);
    }
    this.current = key;
    return key.number;
  }
}
