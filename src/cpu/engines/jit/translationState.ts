/**
 * Fields of the state block that generated code translates by (written by engines/jit/translationContext), as expressions over the byte offset of
 * a core's state block.
 */

import { TAG_PAGE_HIGH } from '../../../mmu/tlbEntry.ts';
import {
  I32_EPT_ROOT,
  I32_FORBIDDEN,
  I32_READ_REQUIRED,
  I32_SHORTCUT_BASE,
  I32_TLB_BASE,
  I32_TLB_TAGS,
  I32_WRITE_REQUIRED,
} from '../../state.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import { op } from './wasmModule.ts';

/** What a translation of one access starts from, each in a variable. */
export interface Lookup {
  readonly tlb: Variable;
  readonly shortcut: Variable;
  /** Low 32 bits of the linear address, and of its page number. */
  readonly low: Variable;
  readonly page: Variable;
  readonly tags: Variable;
  readonly eptRoot: Variable;
  /** Flags that an entry must and must not have. */
  readonly required: Variable;
  readonly forbidden: Variable;
}

export const stateWord = (f: FunctionWriter, core: Operand, index: number): Operand => f.load(core, index * 4);

/** @param la i64. @param write i32, 0 or 1. */
export function emitLookup(f: FunctionWriter, core: Variable, la: Variable, write: Variable): Lookup {
  const low = f.i32(f.op(op.i32_wrap_i64, la));
  const high = f.i32(f.op(op.i32_wrap_i64, f.op(op.i64_shr_u, la, 32n)));
  return {
    tlb: f.i32(stateWord(f, core, I32_TLB_BASE)),
    shortcut: f.i32(stateWord(f, core, I32_SHORTCUT_BASE)),
    low,
    page: f.i32(f.or(f.shiftRight(low, 12), f.shiftLeft(high, 20))),
    tags: f.i32(f.or(stateWord(f, core, I32_TLB_TAGS), f.and(high, TAG_PAGE_HIGH))),
    eptRoot: f.i32(stateWord(f, core, I32_EPT_ROOT)),
    required: f.i32(f.load(f.add(core, f.multiply(write, (I32_WRITE_REQUIRED - I32_READ_REQUIRED) * 4)), I32_READ_REQUIRED * 4)),
    forbidden: f.i32(stateWord(f, core, I32_FORBIDDEN)),
  };
}

/** `permits` of an entry that exists. */
export const permitted = (f: FunctionWriter, flags: Operand, { required, forbidden }: Lookup): Operand =>
  f.equal(f.and(flags, f.or(required, forbidden)), required);

/** True iff a 64-bit linear address is canonical. */
export const isCanonical = (f: FunctionWriter, la: Operand): Operand =>
  f.op(op.i64_eq, f.op(op.i64_shr_s, f.op(op.i64_shl, la, 16n), 16n), la);
