/** What far RET and IRET check and load when they leave a level. SDM: Vol. 2, "RET—Return From Procedure"; "IRET/IRETD/IRETQ—Interrupt Return". */
import { DS, ES, FS, GS, RSP, SS } from '../../arch/registers.ts';
import {
  AR_DB,
  AR_DPL_SHIFT,
  AR_L,
  AR_P,
  AR_S,
  AR_UNUSABLE,
  TYPE_CODE,
  TYPE_CONFORMING_OR_EXPAND_DOWN,
  TYPE_WRITABLE_OR_READABLE,
} from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP, VECTOR_SS } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { isCanonicalBits } from '../events/delivery.ts';
import { guestFault } from '../guestFault.ts';
import { type Descriptor, dpl, isCode, markAccessed, readDescriptor, setNullSegment, setSegment } from '../segmentation.ts';
import { I32_CPL, I32_SEGMENT_ACCESS } from '../state.ts';
import { mergedPointer, stackWidthOf } from './stack.ts';

/** Checks the code segment of IRET and far RET. Raises: #GP(selector), #NP(selector). */
export function checkReturnCode(core: Core, code: Descriptor, selector: number): void {
  const error = selector & 0xfffc;
  const rpl = selector & 3;
  if (!isCode(code.access)) throw guestFault.set(VECTOR_GP, error);
  const conforming = (code.access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
  if (conforming ? dpl(code.access) > rpl : dpl(code.access) !== rpl) throw guestFault.set(VECTOR_GP, error);
  if (core.mmu.context.longMode && code.access & AR_L && code.access & AR_DB) throw guestFault.set(VECTOR_GP, error);
  if (!(code.access & AR_P)) throw guestFault.set(VECTOR_NP, error);
}

/** Raises #GP(0) when `rip` lies outside the segment or is not canonical. */
export function checkTarget(core: Core, code: Descriptor, rip: bigint): void {
  const wide = core.mmu.context.longMode && (code.access & AR_L) !== 0;
  if (wide ? !isCanonicalBits(rip) : rip > BigInt(code.limit)) core.raise(VECTOR_GP, 0);
}

/**
 * SS:rSP of the level that a return goes to.
 * @param toLongMode to 64-bit code, where SS may be null unless the level is 3.
 * Raises: #GP(selector), #SS(selector).
 */
export function loadReturnStack(core: Core, selector: number, rpl: number, toLongMode: boolean, pointer: bigint): void {
  const error = selector & 0xfffc;
  const { u64, i32 } = core.state;
  if (error === 0) {
    if (!toLongMode || rpl === 3 || (selector & 3) !== rpl) throw guestFault.set(VECTOR_GP, 0);
    setNullSegment(core, SS, selector);
    i32[I32_SEGMENT_ACCESS + SS] = AR_UNUSABLE | (rpl << AR_DPL_SHIFT);
  } else {
    const stack = readDescriptor(core, selector, VECTOR_GP);
    const writableData = (stack.access & (AR_S | TYPE_CODE | TYPE_WRITABLE_OR_READABLE)) === (AR_S | TYPE_WRITABLE_OR_READABLE);
    if ((selector & 3) !== rpl || dpl(stack.access) !== rpl || !writableData) throw guestFault.set(VECTOR_GP, error);
    if (!(stack.access & AR_P)) throw guestFault.set(VECTOR_SS, error);
    markAccessed(core, stack);
    setSegment(core, SS, selector, stack.base, stack.limit, stack.access);
  }
  const width = stackWidthOf(toLongMode ? 64 : 32, i32[I32_SEGMENT_ACCESS + SS]!);
  u64[RSP] = mergedPointer(width, u64[RSP]!, pointer);
}

/** After a return to an outer level, data segments that it may not use become null. */
export function dropPrivilegedSegments(core: Core): void {
  const { i32 } = core.state;
  for (const segment of [ES, DS, FS, GS]) {
    const access = i32[I32_SEGMENT_ACCESS + segment]!;
    if (access & AR_UNUSABLE) continue;
    const conformingCode = isCode(access) && (access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
    if (!conformingCode && dpl(access) < i32[I32_CPL]!) setNullSegment(core, segment, 0);
  }
}
