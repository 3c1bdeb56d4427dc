import type { Width } from '../decode/instruction.ts';
import type { VectorOps } from './vectorOps.ts';
import type { X87Ops } from './x87Ops.ts';

/**
 * A run-time value, as a meaning sees it: opaque. `void` is the one TypeScript type that refuses to be tested for truth, so
 * `if (value)`, `value ? … : …`, `!value` and `value && …` do not compile in a meaning; neither does arithmetic. Values are
 * combined through `Ops` only, and each engine binds `Value` to what it computes with (docs/adr/0001-opaque-values.md).
 */
export type Value = void;

/** Flags that a meaning reads or writes one by one. Each is a bit number of RFLAGS. */
export type FlagBit = number;

/**
 * How a group of status flags follows from an operation: one definition per flag over operands `a`, `b` and result `r`, all of
 * the operation's width. An engine evaluates a definition when (and only when) somebody reads the flag.
 * Flags without a definition keep their value. Definitions are in semantics/flags.ts.
 */
export interface FlagRule {
  readonly name: string;
  /** Small number of the rule, unique: an engine may store it. */
  readonly id: number;
  /** RFLAGS mask of the flags this rule defines. */
  readonly mask: number;
  /** Value (0 or 1) of one of the flags in `mask`. */
  flag(ops: Ops<Value>, bit: FlagBit, width: Width, a: Value, b: Value, r: Value): Value;
  /**
   * A shorter way to a condition code's value: the even codes (O, B, E, BE, S, P, L, LE), by pair 0–7. Equal to what the flags say; undefined
   * when the flags are the shortest way.
   */
  readonly condition?: (ops: Ops<Value>, pair: number, width: Width, a: Value, b: Value, r: Value) => Value | undefined;
}

/**
 * What a meaning may do at run time. Implemented by every engine; `V` is what the engine computes with.
 *
 * Conventions
 * - A value has a width of 8, 16, 32 or 64 bits and is always zero-extended from it: results are taken modulo 2^width.
 *   Truth values are 0 or 1 at any width.
 * - Register and flag reads are snapshots of the state before the instruction. Register, flag and RIP writes take effect
 *   together at the end of the instruction; a fault in between leaves them untouched. Memory is written at once, so a meaning with more than one
 *   store checks the later ones first (`probeStore`).
 * - Faults do not return.
 */
export interface Ops<V> extends VectorOps<V>, X87Ops<V> {
  constant(width: Width, value: bigint): V;

  add(width: Width, a: V, b: V): V;
  sub(width: Width, a: V, b: V): V;
  /** Low half of the product. */
  mul(width: Width, a: V, b: V): V;
  /** High half of the unsigned or signed product. */
  mulHighUnsigned(width: Width, a: V, b: V): V;
  mulHighSigned(width: Width, a: V, b: V): V;
  /** Quotient and remainder of high:low (2 × width bits) by `divisor`, truncated to width; the meaning has excluded #DE cases. */
  divideUnsigned(width: Width, high: V, low: V, divisor: V): V;
  remainderUnsigned(width: Width, high: V, low: V, divisor: V): V;
  divideSigned(width: Width, high: V, low: V, divisor: V): V;
  remainderSigned(width: Width, high: V, low: V, divisor: V): V;
  /** 1 when high:low / divisor does not fit `width` bits as a signed quotient, or divisor = 0. */
  signedDivideOverflows(width: Width, high: V, low: V, divisor: V): V;
  and(width: Width, a: V, b: V): V;
  or(width: Width, a: V, b: V): V;
  xor(width: Width, a: V, b: V): V;
  not(width: Width, a: V): V;
  negate(width: Width, a: V): V;
  /** Shift by `count` (any value): counts >= width give 0, or the sign for `shiftRightSigned`. */
  shiftLeft(width: Width, a: V, count: V): V;
  shiftRight(width: Width, a: V, count: V): V;
  shiftRightSigned(width: Width, a: V, count: V): V;
  /** Number of set bits; of zero bits below the lowest set bit, above the highest set bit (width when a = 0). */
  popCount(width: Width, a: V): V;
  countTrailingZeros(width: Width, a: V): V;
  countLeadingZeros(width: Width, a: V): V;
  byteSwap(width: 32 | 64, a: V): V;

  equal(width: Width, a: V, b: V): V;
  lessUnsigned(width: Width, a: V, b: V): V;
  lessSigned(width: Width, a: V, b: V): V;
  /** `condition` ? a : b, both evaluated. */
  select(width: Width, condition: V, a: V, b: V): V;
  zeroExtend(from: Width, to: Width, a: V): V;
  signExtend(from: Width, to: Width, a: V): V;
  truncate(from: Width, to: Width, a: V): V;

  /** General-purpose register 0–15, or AH, CH, DH, BH (16–19) at width 8. */
  readGpr(width: Width, register: number): V;
  /** Width 32 clears the upper half; widths 8 and 16 keep the rest of the register. */
  writeGpr(width: Width, register: number, value: V): void;
  /** Base address of a segment register (64 bits). */
  readSegmentBase(segment: number): V;
  readSegmentSelector(segment: number): V;
  /** RIP of the next instruction (64 bits). */
  readNextRip(): V;
  /** The flag as 0 or 1. */
  readFlag(bit: FlagBit): V;
  writeFlag(bit: FlagBit, value: V): void;
  /** 1 when condition code 0–15 holds (semantics/conditions). */
  readCondition(condition: number): V;
  /** The flags of `rule.mask` follow from this operation. */
  setFlags(rule: FlagRule, width: Width, a: V, b: V, r: V): void;
  /** As `setFlags` when `condition` is 1; otherwise all flags keep their values. For shifts by a run-time count. */
  setFlagsIf(condition: V, rule: FlagRule, width: Width, a: V, b: V, r: V): void;
  /** RFLAGS as a whole (64 bits, for PUSHF and SYSCALL-like moves). */
  readFlags(): V;

  /**
   * Memory at a linear address (64 bits). `segment` only chooses the exception of a non-canonical address: #SS(0) for SS, else #GP(0).
   * Raises: #PF, #GP(0), #SS(0); EPT violations leave the guest.
   */
  load(width: Width, segment: number, la: V): V;
  store(width: Width, segment: number, la: V, value: V): void;
  /** Load with write intent: faults as a store would, so that the following `storeUpdate` cannot fault. One at a time. */
  loadForUpdate(width: Width, segment: number, la: V): V;
  /** Store to where the instruction's `loadForUpdate` loaded. */
  storeUpdate(width: Width, value: V): void;
  /** Raises what a store of this width would raise; stores nothing. */
  probeStore(width: Width, segment: number, la: V): void;
  /** Raises #GP(0) or #SS(0) when [offset, offset + bytes) is outside the segment's limit or the access is not allowed (16- and 32-bit modes). */
  checkSegment(segment: number, offset: V, bytes: number, write: boolean): void;

  /** Continue at a RIP (64 bits; truncated by the meaning to the operand size). Raises: #GP(0) when not canonical. */
  jump(target: V): void;
  /** Continue at next RIP + delta. */
  jumpRelative(delta: number): void;
  /** Continue at next RIP + delta when `condition` is 1, else at the next instruction. */
  branchRelative(condition: V, delta: number): void;
  /** When `condition` is 1 the instruction ends here, with the writes made so far; later ones do not happen. */
  endIf(condition: V): void;

  /** Raise an exception, always or when `condition` is 1. `errorCode` is -1 for vectors that push none. */
  raise(vector: number, errorCode: number): void;
  raiseIf(condition: V, vector: number, errorCode: number): void;
}
