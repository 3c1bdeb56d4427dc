/**
 * RFLAGS as the reference engine keeps them: a word, and the last operation that set status flags. A flag is worked out when somebody
 * reads it, by the rule's own definition.
 */
import { RFLAGS_STATUS } from '../../../arch/rflags.ts';
import type { Width } from '../../decode/instruction.ts';
import { FLAGS_LOGIC } from '../../semantics/flags.ts';
import type { FlagBit, FlagRule, Ops, Value } from '../../semantics/ops.ts';

/** A bigint seen as a meaning sees it. */
const opaque = (value: bigint): Value => value as unknown as Value;

export class LazyFlags {
  private readonly ops: Ops<Value>;
  /** RFLAGS; the bits of `open` are out of date. */
  private word = 2;
  /** Status flags that follow from the operation below. */
  private open = 0;
  private rule: FlagRule = FLAGS_LOGIC;
  private width: Width = 64;
  private a = 0n;
  private b = 0n;
  private r = 0n;

  constructor(ops: Ops<bigint>) {
    this.ops = ops as unknown as Ops<Value>;
  }

  /** All flags are those of `word`. */
  load(word: number): void {
    this.word = word;
    this.open = 0;
  }

  /** RFLAGS with every flag worked out. */
  whole(): number {
    this.close(this.open);
    return this.word;
  }

  /** One flag, 0 or 1. */
  read(bit: FlagBit): number {
    if ((this.open & (1 << bit)) !== 0) this.close(1 << bit);
    return (this.word >>> bit) & 1;
  }

  /** The flags in `mask` take their values from `values`. */
  write(mask: number, values: number): void {
    this.open &= ~mask;
    this.word = (this.word & ~mask) | (values & mask);
  }

  /** The flags of `rule.mask` follow from this operation. */
  follow(rule: FlagRule, width: Width, a: bigint, b: bigint, r: bigint): void {
    const kept = this.open & ~rule.mask;
    if (kept !== 0) this.close(kept);
    this.open = rule.mask;
    this.rule = rule;
    this.width = width;
    this.a = a;
    this.b = b;
    this.r = r;
  }

  private close(mask: number): void {
    const { ops, rule, width } = this;
    for (let bits = mask & RFLAGS_STATUS; bits !== 0; bits &= bits - 1) {
      const bit = 31 - Math.clz32(bits & -bits);
      const value = rule.flag(ops, bit, width, opaque(this.a), opaque(this.b), opaque(this.r)) as unknown as bigint;
      this.word = value === 0n ? this.word & ~(1 << bit) : this.word | (1 << bit);
    }
    this.open &= ~mask;
  }
}
