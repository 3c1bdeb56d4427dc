/** Segment checks of 16- and 32-bit modes. SDM: Vol. 3, "Limit Checking"; "Type Checking". */
import { CR0_PE } from '../arch/controlRegisters.ts';
import { AR_DB, AR_UNUSABLE, TYPE_CODE, TYPE_CONFORMING_OR_EXPAND_DOWN, TYPE_WRITABLE_OR_READABLE } from '../arch/segments.ts';
import { I32_SEGMENT_ACCESS, I32_SEGMENT_LIMIT, U64_CR0 } from './state.ts';

/**
 * True iff a data access to [offset, offset + bytes) of a segment is allowed.
 * @param i32 the core's state block.
 * @param offset 0 to 2^32 - 1.
 */
export function segmentAllows(i32: Int32Array, segment: number, offset: number, bytes: number, write: boolean): boolean {
  const limit = i32[I32_SEGMENT_LIMIT + segment]! >>> 0;
  if ((i32[U64_CR0 * 2]! & CR0_PE) === 0) return offset + bytes - 1 <= limit;
  return rightsAllow(i32[I32_SEGMENT_ACCESS + segment]!, limit, offset, bytes, write);
}

/**
 * The same in protected mode, for a segment of these access rights (arch/segments).
 * @param limit scaled, unsigned.
 */
export function rightsAllow(access: number, limit: number, offset: number, bytes: number, write: boolean): boolean {
  const last = offset + bytes - 1;
  if ((access & AR_UNUSABLE) !== 0) return false;
  if ((access & TYPE_CODE) !== 0) return !write && (access & TYPE_WRITABLE_OR_READABLE) !== 0 && last <= limit;
  if (write && (access & TYPE_WRITABLE_OR_READABLE) === 0) return false;
  if ((access & TYPE_CONFORMING_OR_EXPAND_DOWN) === 0) return last <= limit;
  return offset > limit && last <= ((access & AR_DB) !== 0 ? 0xffff_ffff : 0xffff);
}
