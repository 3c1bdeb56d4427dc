import { CS, SS } from '../arch/registers.ts';
import {
  AR_DB,
  AR_DPL_SHIFT,
  AR_G,
  AR_L,
  AR_P,
  AR_S,
  AR_TYPE,
  AR_UNUSABLE,
  TYPE_ACCESSED,
  TYPE_CODE,
  TYPE_CONFORMING_OR_EXPAND_DOWN,
  TYPE_WRITABLE_OR_READABLE,
} from '../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP, VECTOR_SS } from '../arch/vectors.ts';
import type { Core } from './core.ts';
import { guestFault } from './guestFault.ts';
import { loadLinear, SYSTEM_READ, SYSTEM_WRITE, signedNumber, storeLinear } from './linearMemory.ts';
import { isLongMode } from './mode.ts';
import {
  I32_CPL,
  I32_GDTR_LIMIT,
  I32_SEGMENT_ACCESS,
  I32_SEGMENT_LIMIT,
  I32_SEGMENT_SELECTOR,
  U64_GDTR_BASE,
  U64_SEGMENT_BASE,
} from './state.ts';

/** A descriptor as read from a table, taken apart. Reused: read it before the next `readDescriptor`. */
export interface Descriptor {
  /** Where it lies, signed linear. */
  la: number;
  base: bigint;
  /** Scaled by the granularity bit. */
  limit: number;
  /** Access rights in VMCS format (arch/segments). */
  access: number;
}

const LDTR = 6;

/**
 * The descriptor a selector names.
 * @param external EXT bit of the error code: 1 while an event that is not the program's is delivered.
 * Raises: `vector`(selector) when it lies beyond its table.
 * SDM: Vol. 3, "Segment Descriptors".
 */
export function readDescriptor(core: Core, selector: number, vector: number, wide = false, external = 0): Descriptor {
  const { u64, i32 } = core.state;
  const local = (selector & 4) !== 0;
  const base = signedNumber(local ? u64[U64_SEGMENT_BASE + LDTR]! : u64[U64_GDTR_BASE]!);
  const limit = (local ? i32[I32_SEGMENT_LIMIT + LDTR]! : i32[I32_GDTR_LIMIT]!) >>> 0;
  const offset = selector & 0xfff8;
  const unusable = local && (i32[I32_SEGMENT_ACCESS + LDTR]! & AR_UNUSABLE) !== 0;
  if (unusable || offset + (wide ? 15 : 7) > limit) throw guestFault.set(vector, (selector & 0xfffc) + external);
  const la = base + offset;
  const low = loadLinear(core, 8, la, SYSTEM_READ);
  const descriptor = parseDescriptor(low, la);
  if (wide) descriptor.base |= (loadLinear(core, 8, la + 8, SYSTEM_READ) & 0xffff_ffffn) << 32n;
  return descriptor;
}

/** The fields of an 8-byte segment descriptor. */
export function parseDescriptor(low: bigint, la: number): Descriptor {
  const access = Number((low >> 40n) & 0xf0ffn);
  const limit = Number((low & 0xffffn) | ((low >> 32n) & 0xf_0000n));
  return {
    la,
    base: ((low >> 16n) & 0xff_ffffn) | ((low >> 32n) & 0xff00_0000n),
    limit: access & AR_G ? limit * 4096 + 4095 : limit,
    access,
  };
}

/** Descriptor privilege level. */
export const dpl = (access: number): number => (access >> AR_DPL_SHIFT) & 3;

export const isCode = (access: number): boolean => (access & AR_S) !== 0 && (access & TYPE_CODE) !== 0;

/** Sets a segment register, hidden parts included. */
export function setSegment(core: Core, segment: number, selector: number, base: bigint, limit: number, access: number): void {
  const { u64, i32 } = core.state;
  u64[U64_SEGMENT_BASE + segment] = base;
  i32[I32_SEGMENT_LIMIT + segment] = limit | 0;
  i32[I32_SEGMENT_ACCESS + segment] = access;
  i32[I32_SEGMENT_SELECTOR + segment] = selector;
}

/** Marks a segment register unusable with a null selector; FS and GS bases of 64-bit mode are the caller's business. */
export function setNullSegment(core: Core, segment: number, selector: number): void {
  setSegment(core, segment, selector, 0n, 0, AR_UNUSABLE);
}

/** Sets the accessed bit of a code or data descriptor in memory when it is clear. */
export function markAccessed(core: Core, descriptor: Descriptor): void {
  if (descriptor.access & TYPE_ACCESSED) return;
  descriptor.access |= TYPE_ACCESSED;
  const type = loadLinear(core, 1, descriptor.la + 5, SYSTEM_READ);
  storeLinear(core, 1, descriptor.la + 5, type | 1n, SYSTEM_WRITE);
}

/**
 * Loads ES, SS, DS, FS or GS from a selector outside real mode, with all checks.
 * Raises: #GP(selector), #NP(selector), #SS(selector). SDM: Vol. 2, "MOV—Move" (protected-mode segment loads).
 */
export function loadDataSegment(core: Core, segment: number, selector: number): void {
  const cpl = core.state.i32[I32_CPL]!;
  const rpl = selector & 3;
  if ((selector & 0xfffc) === 0) {
    if (segment === SS && !(core.codeSize === 64 && cpl < 3 && rpl === cpl)) throw guestFault.set(VECTOR_GP, 0);
    setNullSegment(core, segment, selector);
    if (segment === SS) core.state.i32[I32_SEGMENT_ACCESS + SS] = AR_UNUSABLE | (cpl << AR_DPL_SHIFT);
    return;
  }
  const descriptor = readDescriptor(core, selector, VECTOR_GP);
  const { access } = descriptor;
  const type = access & AR_TYPE;
  const bad = guestFault.set(VECTOR_GP, selector & 0xfffc);
  if (!(access & AR_S)) throw bad;
  if (segment === SS) {
    if (rpl !== cpl || dpl(access) !== cpl || isCode(access) || !(type & TYPE_WRITABLE_OR_READABLE)) throw bad;
    if (!(access & AR_P)) throw guestFault.set(VECTOR_SS, selector & 0xfffc);
  } else {
    if (isCode(access) && !(type & TYPE_WRITABLE_OR_READABLE)) throw bad;
    const conforming = isCode(access) && (type & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
    if (!conforming && (rpl > dpl(access) || cpl > dpl(access))) throw bad;
    if (!(access & AR_P)) throw guestFault.set(VECTOR_NP, selector & 0xfffc);
  }
  markAccessed(core, descriptor);
  setSegment(core, segment, selector, descriptor.base, descriptor.limit, descriptor.access);
}

/**
 * Checks a code descriptor for a far transfer without privilege change (far JMP, CALL, RET and IRET to the same level use the same shape).
 * Raises: #GP(selector), #NP(selector).
 */
export function checkCodeDescriptor(core: Core, descriptor: Descriptor, selector: number, cpl: number, rplMustEqualDpl: boolean): void {
  const { access } = descriptor;
  const bad = guestFault.set(VECTOR_GP, selector & 0xfffc);
  if (!isCode(access)) throw bad;
  if (isLongMode(core) && access & AR_L && access & AR_DB) throw bad;
  const conforming = (access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
  if (conforming ? dpl(access) > cpl : rplMustEqualDpl ? dpl(access) !== cpl : dpl(access) !== cpl || (selector & 3) > cpl) throw bad;
  if (!(access & AR_P)) throw guestFault.set(VECTOR_NP, selector & 0xfffc);
}

/** Loads CS from a checked descriptor; the CPL becomes `cpl`. The caller calls `updateMode`. */
export function setCodeSegment(core: Core, selector: number, descriptor: Descriptor, cpl: number): void {
  markAccessed(core, descriptor);
  setSegment(core, CS, (selector & 0xfffc) | cpl, descriptor.base, descriptor.limit, descriptor.access);
  core.state.i32[I32_CPL] = cpl;
}
