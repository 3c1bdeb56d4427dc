/**
 * INVLPG in generated code: `Invalidator.invlpg` where nobody listens, no VMM intercepts it, and no array has fractured entries, which a
 * search by address does not find.
 */
import { INVALIDATION_SCOPES, SAME_PAGE, SAME_PCID, SAME_VPID } from '../../../mmu/invalidation.ts';
import { INVALIDATIONS_F64, STRUCTURE_ITLB_2M, STRUCTURE_NESTED, STRUCTURE_PDE, type Tlb } from '../../../mmu/tlb.ts';
import { HEADER_FRACTURED, HEADER_LIVE, type TlbArray } from '../../../mmu/tlbArray.ts';
import { ENTRY_G, ENTRY_GUEST_SIZE_SHIFT, TAG_PAGE_HIGH, TAG_PCID, WORD_FLAGS, WORD_PAGE, WORD_TAGS } from '../../../mmu/tlbEntry.ts';
import { OPERATION_INVLPG } from '../../../trace/events.ts';
import { I32_CPL, I32_INVLPG_INTERCEPTED, I32_QUIET } from '../../state.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { ENTRY_BYTES, field, setOf } from './tlbEmitter.ts';
import { emitLookup, isCanonical, type Lookup, stateWord } from './translationState.ts';
import { I32, I64, op } from './wasmModule.ts';

/** What `invlpg` answers: done; done, and the next instruction must be fetched by the host; nothing done, the host must. */
export const INVLPG_DONE = 0;
export const INVLPG_FETCH = 1;
export const INVLPG_HOST = 2;

/** `invlpg(core, la) -> INVLPG_…`. @param drops by STRUCTURE_ number. */
export function defineInvlpg(module: ModuleWriter, tlb: Tlb, drops: readonly number[]): number {
  const scope = INVALIDATION_SCOPES[OPERATION_INVLPG]!;
  if (scope.translations !== (SAME_PAGE | SAME_VPID | SAME_PCID) || scope.tables !== (SAME_VPID | SAME_PCID))
    throw new Error('INVLPG has another scope than its generated code');
  return module.define('invlpg', [I32, I64], [I32], (f, core, la) => {
    for (const reason of [f.isZero(stateWord(f, core, I32_QUIET)), stateWord(f, core, I32_CPL), stateWord(f, core, I32_INVLPG_INTERCEPTED)])
      f.if(reason, () => f.return(INVLPG_HOST));
    f.if(f.isZero(isCanonical(f, la)), () => f.return(INVLPG_DONE));
    const none = f.i32(0);
    const lookup = emitLookup(f, core, la, none);
    const translations = tlb.structures.slice(0, STRUCTURE_PDE);
    for (const array of translations) f.if(header(f, array, lookup, HEADER_FRACTURED), () => f.return(INVLPG_HOST));
    const fetches = f.i32(0);
    translations.forEach((array, structure) => {
      if (array.ways === 0) return;
      f.if(header(f, array, lookup, HEADER_LIVE), () => {
        dropAround(f, array, lookup, drops[structure]!, structure <= STRUCTURE_ITLB_2M ? fetches : none);
      });
    });
    for (let structure = STRUCTURE_PDE; structure < STRUCTURE_NESTED; structure++) {
      const array = tlb.structures[structure]!;
      if (array.ways > 0) dropTables(f, array, lookup, drops[structure]!);
    }
    f.increase(lookup.tlb, (INVALIDATIONS_F64 + OPERATION_INVLPG) * 8, f.double(1));
    f.push(f.multiply(fetches, INVLPG_FETCH));
  });
}

const header = (f: FunctionWriter, array: TlbArray, { tlb }: Lookup, word: number): Operand => f.load(tlb, (array.header + word) * 4);

/** `covers`, the address apart: the entry is of the current VPID, and of the current PCID or global. */
const isOurs = (f: FunctionWriter, entry: Variable, { tags }: Lookup): Operand => {
  const difference = f.xor(field(f, entry, WORD_TAGS), tags);
  const global = f.multiply(f.and(f.shiftRight(field(f, entry, WORD_FLAGS), Math.log2(ENTRY_G)), 1), TAG_PCID);
  return f.isZero(f.and(difference, f.subtract(~TAG_PAGE_HIGH, global)));
};

/** Invalidator.dropAround. @param dropped becomes 1 when something is removed. */
function dropAround(f: FunctionWriter, array: TlbArray, lookup: Lookup, drop: number, dropped: Variable): void {
  const { tlb, shortcut, page, tags } = lookup;
  for (const size of array.sizes) {
    const base = f.i32(f.and(page, -1 << size));
    const entry = f.i32(setOf(f, array, tlb, page, size));
    const end = f.i32(f.add(entry, array.setWords * 4));
    f.repeatWhile(
      () => {
        // An entry of a smaller size may begin where the sought one does.
        const guestSize = f.shiftRight(field(f, entry, WORD_FLAGS), ENTRY_GUEST_SIZE_SHIFT);
        const apart = f.op(op.i32_shr_u, f.xor(field(f, entry, WORD_PAGE), page), guestSize);
        const atBase = f.both(f.equal(field(f, entry, WORD_PAGE), base), field(f, entry, WORD_FLAGS));
        const samePage = f.both(atBase, f.isZero(apart));
        const sameHalf = f.isZero(f.and(f.xor(field(f, entry, WORD_TAGS), tags), TAG_PAGE_HIGH));
        f.if(f.both(f.both(samePage, sameHalf), isOurs(f, entry, lookup)), () => {
          f.push(f.call(drop, tlb, shortcut, entry));
          f.set(dropped, 1);
        });
        f.set(entry, f.add(entry, ENTRY_BYTES));
      },
      f.less(entry, end),
    );
  }
}

/** Invalidator.dropCovered over a paging-structure cache. */
function dropTables(f: FunctionWriter, array: TlbArray, lookup: Lookup, drop: number): void {
  const remaining = f.i32(header(f, array, lookup, HEADER_LIVE));
  const entry = f.i32(f.add(lookup.tlb, array.first * 4));
  f.if(remaining, () =>
    f.repeatWhile(() => {
      f.if(field(f, entry, WORD_FLAGS), () => {
        f.set(remaining, f.subtract(remaining, 1));
        f.if(isOurs(f, entry, lookup), () => f.push(f.call(drop, lookup.tlb, lookup.shortcut, entry)));
      });
      f.set(entry, f.add(entry, ENTRY_BYTES));
    }, remaining),
  );
}
