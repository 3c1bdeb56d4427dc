/** INVLPG in generated code: `Invalidator.invlpg` where nobody listens and no VMM intercepts it. */
import { INVALIDATION_SCOPES, SAME_PAGE, SAME_PCID, SAME_VPID } from '../../../mmu/invalidation.ts';
import { INVALIDATIONS_F64, STRUCTURE_ITLB_2M, STRUCTURE_NESTED, STRUCTURE_PDE, type Tlb } from '../../../mmu/tlb.ts';
import { HEADER_FRACTURED, HEADER_LIVE, type TlbArray } from '../../../mmu/tlbArray.ts';
import { ENTRY_G, ENTRY_GUEST_SIZE_SHIFT, TAG_PAGE_HIGH, TAG_PCID, WORD_FLAGS, WORD_PAGE, WORD_TAGS } from '../../../mmu/tlbEntry.ts';
import { OPERATION_INVLPG } from '../../../trace/events.ts';
import { I32_CPL, I32_INVLPG_INTERCEPTED, I32_QUIET } from '../../state.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { ENTRY_BYTES, emitDrop, field, forEachWay, setOf } from './tlbEmitter.ts';
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
    const fetches = f.i32(0);
    tlb.structures.slice(0, STRUCTURE_PDE).forEach((array, structure) => {
      if (array.ways === 0) return;
      const dropOf = (entry: Variable): void => {
        f.push(f.call(drops[structure]!, lookup.tlb, lookup.shortcut, entry));
        if (structure <= STRUCTURE_ITLB_2M) f.set(fetches, 1);
      };
      f.if(header(f, array, lookup, HEADER_LIVE), () => {
        f.if(
          header(f, array, lookup, HEADER_FRACTURED),
          () => dropEverywhere(f, array, lookup, (entry) => f.if(isCovered(f, entry, lookup), () => dropOf(entry))),
          () => dropAround(f, array, lookup, dropOf),
        );
      });
    });
    for (let structure = STRUCTURE_PDE; structure < STRUCTURE_NESTED; structure++) {
      const array = tlb.structures[structure]!;
      if (array.ways === 0) continue;
      dropEverywhere(f, array, lookup, (entry) => f.if(isOurs(f, entry, lookup), () => emitDrop(f, array, lookup.tlb, entry)));
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

/** `covers`: an entry of ours, and of the page. */
function isCovered(f: FunctionWriter, entry: Variable, lookup: Lookup): Operand {
  const { page, tags } = lookup;
  const guestSize = f.shiftRight(field(f, entry, WORD_FLAGS), ENTRY_GUEST_SIZE_SHIFT);
  const samePage = f.isZero(f.op(op.i32_shr_u, f.xor(field(f, entry, WORD_PAGE), page), guestSize));
  const sameHalf = f.isZero(f.and(f.xor(field(f, entry, WORD_TAGS), tags), TAG_PAGE_HIGH));
  return f.both(f.both(samePage, sameHalf), isOurs(f, entry, lookup));
}

/** Invalidator.dropAround: no entry is fractured, so only the sets that the page can be in are looked at. */
function dropAround(f: FunctionWriter, array: TlbArray, lookup: Lookup, drop: (entry: Variable) => void): void {
  const { tlb, page } = lookup;
  for (const size of array.sizes) {
    const base = f.i32(f.and(page, -1 << size));
    forEachWay(f, array, setOf(f, array, tlb, page, size), (set, offset) => {
      f.if(f.equal(f.load(set, offset + WORD_PAGE * 4), base), () => {
        // An entry of a smaller size may begin where the sought one does.
        const entry = f.i32(f.add(set, offset));
        f.if(f.both(field(f, entry, WORD_FLAGS), isCovered(f, entry, lookup)), () => drop(entry));
      });
    });
  }
}

/** Invalidator.dropCovered: the body for every entry there is. */
function dropEverywhere(f: FunctionWriter, array: TlbArray, lookup: Lookup, body: (entry: Variable) => void): void {
  const remaining = f.i32(header(f, array, lookup, HEADER_LIVE));
  const entry = f.i32(f.add(lookup.tlb, array.first * 4));
  f.if(remaining, () =>
    f.repeatWhile(() => {
      f.if(field(f, entry, WORD_FLAGS), () => {
        f.set(remaining, f.subtract(remaining, 1));
        body(entry);
      });
      f.set(entry, f.add(entry, ENTRY_BYTES));
    }, remaining),
  );
}
