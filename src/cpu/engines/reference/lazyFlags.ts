/**
 * RFLAGS as the reference engine keeps them: a word, and the last operations that set status flags. A flag is worked out when somebody
 * reads it, by the rule's own definition.
 */
import { RFLAGS_STATUS } from '../../../arch/rflags.ts';
import type { Width } from '../../decode/instruction.ts';
import { FLAGS_LOGIC } from '../../semantics/flags.ts';
import type { FlagBit, FlagRule, Ops, Value } from '../../semantics/ops.ts';

/** A bigint seen as a meaning sees it. */
const opaque = (value: bigint): Value => value as unknown as Value;

/** An operation whose flags nobody has worked out yet. */
class OpenOperation {
  /** Flags that still follow from it. */
  open = 0;
  private rule: FlagRule = FLAGS_LOGIC;
  private width: Width = 64;
  private a = 0n;
  private b = 0n;
  private r = 0n;

  set(rule: FlagRule, width: Width, a: bigint, b: bigint, r: bigint): void {
    this.open = rule.mask;
    this.rule = rule;
    this.width = width;
    this.a = a;
    this.b = b;
    this.r = r;
  }

  /** RFLAGS with the open flags of `mask` worked out; they are open no more. */
  close(ops: Ops<Value>, mask: number, word: number): number {
    const { rule, width } = this;
    let result = word;
    for (let bits = mask & this.open; bits !== 0; bits &= bits - 1) {
      const bit = 31 - Math.clz32(bits & -bits);
      const value = rule.flag(ops, bit, width, opaque(this.a), opaque(this.b), opaque(this.r)) as unknown as bigint;
      result = value === 0n ? result & ~(1 << bit) : result | (1 << bit);
    }
    this.open &= ~mask;
    return result;
  }
}

export class LazyFlags {
  private readonly ops: Ops<Value>;
  /** RFLAGS; the bits that an operation below has open are out of date. No flag is open in both. */
  private word = 2;
  /** The last operation, and the one before that set flags which the last one leaves (as INC leaves CF). */
  private last = new OpenOperation();
  private earlier = new OpenOperation();

  constructor(ops: Ops<bigint>) {
    this.ops = ops as unknown as Ops<Value>;
  }

  /** All flags are those of `word`. */
  load(word: number): void {
    this.word = word;
    this.last.open = 0;
    this.earlier.open = 0;
  }

  /** RFLAGS with every flag worked out. */
  whole(): number {
    this.close(RFLAGS_STATUS);
    return this.word;
  }

  /** One flag, 0 or 1. */
  read(bit: FlagBit): number {
    const mask = 1 << bit;
    if (((this.last.open | this.earlier.open) & mask) !== 0) this.close(mask);
    return (this.word >>> bit) & 1;
  }

  /** The flags in `mask` take their values from `values`. */
  write(mask: number, values: number): void {
    this.last.open &= ~mask;
    this.earlier.open &= ~mask;
    this.word = (this.word & ~mask) | (values & mask);
  }

  /** The flags of `rule.mask` follow from this operation. */
  follow(rule: FlagRule, width: Width, a: bigint, b: bigint, r: bigint): void {
    this.earlier.open &= ~rule.mask;
    this.last.open &= ~rule.mask;
    if (this.last.open !== 0) {
      this.word = this.earlier.close(this.ops, this.earlier.open, this.word);
      const swapped = this.earlier;
      this.earlier = this.last;
      this.last = swapped;
    }
    this.last.set(rule, width, a, b, r);
  }

  private close(mask: number): void {
    this.word = this.last.close(this.ops, mask, this.word);
    this.word = this.earlier.close(this.ops, mask, this.word);
  }
}
