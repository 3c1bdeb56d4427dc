/** A stack as long operations use it: the current one, or the one of an inner privilege level. */
import { CANONICAL_LIMIT } from '../../arch/addresses.ts';
import { RSP, SS } from '../../arch/registers.ts';
import { AR_DB } from '../../arch/segments.ts';
import { VECTOR_SS } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import { loadLinear, signedNumber, storeLinear } from '../linearMemory.ts';
import { isRealMode } from '../mode.ts';
import { rightsAllow } from '../segmentCheck.ts';
import { I32_SEGMENT_ACCESS, I32_SEGMENT_LIMIT, U64_SEGMENT_BASE } from '../state.ts';

/** Width of a stack pointer, as the code size and SS.B say. SDM: Vol. 1, "Address-Size Attributes for Stack Accesses". */
export const stackWidthOf = (codeSize: number, access: number): 16 | 32 | 64 => (codeSize === 64 ? 64 : access & AR_DB ? 32 : 16);

/** The value of RSP after a stack pointer of `width` bits becomes `value`: SP keeps what is above it. */
export function mergedPointer(width: 16 | 32 | 64, old: bigint, value: bigint): bigint {
  return width === 16 ? (old & ~0xffffn) | (value & 0xffffn) : BigInt.asUintN(width, value);
}

export class Stack {
  pointer: bigint;
  private readonly core: Core;
  private readonly width: 16 | 32 | 64;
  private readonly base: bigint;
  private readonly limit: number;
  private readonly access: number;
  private readonly user: number;
  private readonly error: number;

  /**
   * @param limit scaled, unsigned; with `access` of no meaning when `width` is 64.
   * @param user ACCESS_USER or 0: whose pages they are.
   * @param error error code of the #SS that an access beyond the segment raises.
   */
  constructor(core: Core, pointer: bigint, width: 16 | 32 | 64, base: bigint, limit: number, access: number, user: number, error = 0) {
    this.core = core;
    this.width = width;
    this.pointer = BigInt.asUintN(width, pointer);
    this.base = base;
    this.limit = limit;
    this.access = access;
    this.user = user;
    this.error = error;
  }

  /** The stack that SS:rSP designates. */
  static current(core: Core): Stack {
    const { u64, i32 } = core.state;
    const access = i32[I32_SEGMENT_ACCESS + SS]!;
    const width = stackWidthOf(core.codeSize, access);
    return new Stack(core, u64[RSP]!, width, u64[U64_SEGMENT_BASE + SS]!, i32[I32_SEGMENT_LIMIT + SS]! >>> 0, access, core.userAccess);
  }

  /** A stack of 64-bit code. @param error error code of #SS. */
  static flat(core: Core, pointer: bigint, user: number, error = 0): Stack {
    return new Stack(core, pointer, 64, 0n, 0, 0, user, error);
  }

  /** The word `displacement` bytes above the pointer. Raises: #SS, #PF. */
  load(bytes: 2 | 4 | 8, displacement = 0): bigint {
    return loadLinear(this.core, bytes, this.address(this.pointer + BigInt(displacement), bytes, false), ACCESS_READ | this.user);
  }

  /** Stores below the pointer and moves it there. Raises: #SS, #PF. */
  push(bytes: 2 | 4 | 8, value: bigint): void {
    const pointer = BigInt.asUintN(this.width, this.pointer - BigInt(bytes));
    storeLinear(this.core, bytes, this.address(pointer, bytes, true), value, ACCESS_WRITE | this.user);
    this.pointer = pointer;
  }

  /** Moves the pointer up by `bytes`. */
  release(bytes: number): void {
    this.pointer = BigInt.asUintN(this.width, this.pointer + BigInt(bytes));
  }

  /** rSP is the pointer; the width is this stack's. */
  commit(): void {
    const { u64 } = this.core.state;
    u64[RSP] = mergedPointer(this.width, u64[RSP]!, this.pointer);
  }

  private address(pointer: bigint, bytes: number, write: boolean): number {
    const { core } = this;
    if (this.width === 64) {
      const la = signedNumber(BigInt.asUintN(64, pointer));
      if (la < -CANONICAL_LIMIT || la + bytes > CANONICAL_LIMIT) core.raise(VECTOR_SS, this.error);
      return la;
    }
    const offset = Number(BigInt.asUintN(this.width, pointer));
    const allowed = isRealMode(core) ? offset + bytes - 1 <= this.limit : rightsAllow(this.access, this.limit, offset, bytes, write);
    if (!allowed) core.raise(VECTOR_SS, this.error);
    return Number((BigInt(offset) + this.base) & 0xffff_ffffn);
  }
}
