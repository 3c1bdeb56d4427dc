/** The task-state segment as transfers to an inner level read it. SDM: Vol. 3, "Task-State Segment (TSS)"; "TSS in 64-bit Mode". */
import { TR } from '../../arch/registers.ts';
import { AR_TYPE, AR_UNUSABLE, TSS64_RSP0 } from '../../arch/segments.ts';
import { VECTOR_SS, VECTOR_TS } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { guestFault } from '../guestFault.ts';
import { loadLinear, SYSTEM_READ, signedNumber } from '../linearMemory.ts';
import { I32_SEGMENT_ACCESS, I32_SEGMENT_LIMIT, I32_SEGMENT_SELECTOR, U64_SEGMENT_BASE } from '../state.ts';

/** Bit 3 of the type tells a 32-bit (or 64-bit) TSS from a 16-bit one. */
const TYPE_32 = 8;

/** SS:ESP of an inner level from a 16- or 32-bit TSS. Raises: #TS(TR). */
export function innerStack(core: Core, level: number, external: number): { selector: number; pointer: bigint } {
  const { u64, i32 } = core.state;
  const wide = (i32[I32_SEGMENT_ACCESS + TR]! & AR_TYPE & TYPE_32) !== 0;
  const offset = wide ? 4 + level * 8 : 2 + level * 4;
  checkLimit(core, offset + (wide ? 5 : 3), external);
  const la = signedNumber(u64[U64_SEGMENT_BASE + TR]!) + offset;
  const pointer = loadLinear(core, wide ? 4 : 2, la, SYSTEM_READ);
  return { pointer, selector: Number(loadLinear(core, 2, la + (wide ? 4 : 2), SYSTEM_READ)) };
}

/** RSPn, or with another offset ISTn, of a 64-bit TSS. Raises: #TS(TR) beyond the limit; #SS(EXT) when not canonical. */
export function innerPointer(core: Core, offset: number, external: number): number {
  checkLimit(core, offset + 7, external);
  const bits = loadLinear(core, 8, signedNumber(core.state.u64[U64_SEGMENT_BASE + TR]!) + offset, SYSTEM_READ);
  const top = bits >> 47n;
  if (top !== 0n && top !== 0x1_ffffn) throw guestFault.set(VECTOR_SS, external);
  return signedNumber(bits);
}

/** Offset of RSPn. */
export const rspOffset = (level: number): number => TSS64_RSP0 + level * 8;

function checkLimit(core: Core, last: number, external: number): void {
  const { i32 } = core.state;
  if (i32[I32_SEGMENT_ACCESS + TR]! & AR_UNUSABLE || last > i32[I32_SEGMENT_LIMIT + TR]! >>> 0)
    throw guestFault.set(VECTOR_TS, (i32[I32_SEGMENT_SELECTOR + TR]! & 0xfffc) + external);
}
