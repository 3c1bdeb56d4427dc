import { CONTEXT_LIMIT, type DataShortcut } from '../../../mmu/dataShortcut.ts';
import type { Core } from '../../core.ts';

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
  number(core: Core): number {
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
