/**
 * The status flags while code is written: what is known of them at this point, and the code that settles what somebody asks for.
 *
 * Generated code keeps flags pending, in two layers. Below, in the `pending…` locals, an operation that was the last to change flags, perhaps
 * only some of them (the rest are in the flags word), perhaps one that is known at run time only. On top, in the `top…` locals, at most one
 * operation that leaves some flags alone, as INC leaves CF: it is known here and nowhere else, and put below before the block is left. Mostly the
 * next operation makes it void first.
 */
import { RFLAGS_STATUS } from '../../../arch/rflags.ts';
import type { Width } from '../../decode/instruction.ts';
import { conditionFlags, conditionOfFlags } from '../../semantics/conditions.ts';
import type { FlagBit, FlagRule, Ops, Value } from '../../semantics/ops.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import type { EmitterOps } from './emitterOps.ts';
import { PENDING_MASK_SHIFT, pendingRuleWord } from './jitLayout.ts';
import { localNode, type Node, type NodeEmitter } from './node.ts';
import { I32, op } from './wasmModule.ts';

export interface RuleAtWidth {
  readonly rule: FlagRule;
  readonly width: Width;
}

/** Locals of an operation whose flags are pending: its operands and its result. */
export interface PendingOperation {
  readonly a: number;
  readonly b: number;
  readonly r: number;
}

export interface FlagLocals {
  readonly flagsWord: number;
  /** i32: `pendingRuleWord` of the operation below; 0 when nothing is pending there. */
  readonly pendingRule: number;
  readonly pending: PendingOperation;
  readonly top: PendingOperation;
}

/** What is known of the lower layer: its rule, that nothing is pending there, or nothing. */
type Below = RuleAtWidth | 'none' | 'unknown';

export interface FlagSnapshot {
  readonly below: Below;
  readonly expected: RuleAtWidth | undefined;
  readonly top: RuleAtWidth | undefined;
}

const wordOf = ({ rule, width }: RuleAtWidth): number => pendingRuleWord(rule.mask, rule.id, width);

export class FlagState {
  private readonly builder: CodeBuilder;
  private readonly nodes: NodeEmitter;
  private readonly ops: EmitterOps;
  private readonly locals: FlagLocals;
  /** Number of the runtime's function that works out pending flags. */
  private readonly closeFunction: number;
  private below: Below = 'unknown';
  /** While `below` is unknown: what it is in all likelihood. */
  private expected: RuleAtWidth | undefined;
  private top: RuleAtWidth | undefined;

  constructor(builder: CodeBuilder, nodes: NodeEmitter, ops: EmitterOps, locals: FlagLocals, closeFunction: number) {
    this.builder = builder;
    this.nodes = nodes;
    this.ops = ops;
    this.locals = locals;
    this.closeFunction = closeFunction;
  }

  /** Nothing is known, as where a block begins. */
  forget(expected?: RuleAtWidth): void {
    this.below = 'unknown';
    this.expected = expected;
    this.top = undefined;
  }

  snapshot(): FlagSnapshot {
    const { below, expected, top } = this;
    return { below, expected, top };
  }

  restore({ below, expected, top }: FlagSnapshot): void {
    this.below = below;
    this.expected = expected;
    this.top = top;
  }

  /** The flags follow this operation from now on. @param push leaves an operand (i64) on the stack. */
  follow(rule: FlagRule, width: Width, push: { a(): void; b(): void; r(): void }): void {
    if (this.top !== undefined && this.top.rule.mask & ~rule.mask) this.settleTop();
    this.top = undefined;
    const { below, locals } = this;
    const replaces = below === 'none' || !((below === 'unknown' ? RFLAGS_STATUS : below.rule.mask) & ~rule.mask);
    const target = replaces ? locals.pending : locals.top;
    push.a();
    this.builder.set(target.a);
    push.b();
    this.builder.set(target.b);
    push.r();
    this.builder.set(target.r);
    if (replaces) this.setBelow({ rule, width });
    else this.top = { rule, width };
  }

  /** Everything pending is in the lower layer, as a block leaves it. */
  settleTop(): void {
    const { top, locals, builder } = this;
    if (top === undefined) return;
    this.settleBelow(RFLAGS_STATUS & ~top.rule.mask);
    for (const operand of ['a', 'b', 'r'] as const) {
      builder.get(locals.top[operand]);
      builder.set(locals.pending[operand]);
    }
    this.setBelow(top);
    this.top = undefined;
  }

  /** All status flags are in the flags word; nothing is pending. */
  settleAll(): void {
    this.settleTop();
    const { below, builder, locals } = this;
    if (below === 'none') return;
    if (below === 'unknown') this.closeBelow(RFLAGS_STATUS);
    else {
      this.work(below, locals.pending, below.rule.mask);
      builder.i32(0);
      builder.set(locals.pendingRule);
    }
    this.below = 'none';
  }

  /** Leaves a flag on the stack, as an i32 truth value. */
  emitFlag(bit: FlagBit): void {
    if (!(RFLAGS_STATUS & (1 << bit))) this.emitWordBit(bit);
    else
      this.emitFrom(
        1 << bit,
        (known, operation) => this.flagNode(known, operation, bit),
        () => this.emitWordBit(bit),
      );
  }

  /** Leaves the truth of a condition code on the stack, as an i32 that is 0 or 1. */
  emitCondition(condition: number): void {
    const mask = conditionFlags(condition);
    if (this.hasParts(mask)) this.settleAll();
    this.emitFrom(
      mask,
      (known, operation) => this.conditionNode(known, operation, condition),
      () => this.nodes.condition(this.ofFlags(condition, (bit) => this.ops.bitOf(localNode(this.locals.flagsWord, 32, I32), bit))),
    );
  }

  /** The flags of `mask` are partly on top and partly below. */
  private hasParts(mask: number): boolean {
    const { top, below } = this;
    if (top !== undefined && top.rule.mask & mask) return (top.rule.mask & mask) !== mask;
    return typeof below === 'object' && (below.rule.mask & mask) !== 0 && (below.rule.mask & mask) !== mask;
  }

  /** Reads flags that are all in one place: an operation that is known here, one that is known at run time, or the word. */
  private emitFrom(mask: number, ofRule: (known: RuleAtWidth, operation: PendingOperation) => Node, ofWord: () => void): void {
    const { top, below, expected, locals, builder, nodes } = this;
    if (top !== undefined && top.rule.mask & mask) nodes.condition(ofRule(top, locals.top));
    else if (typeof below === 'object' && below.rule.mask & mask) nodes.condition(ofRule(below, locals.pending));
    else if (below !== 'unknown') ofWord();
    else if (expected !== undefined && (expected.rule.mask & mask) === mask) {
      builder.get(locals.pendingRule);
      builder.i32(wordOf(expected));
      builder.op(op.i32_eq);
      builder.openIf(1, I32);
      nodes.condition(ofRule(expected, locals.pending));
      builder.op(op.else);
      this.closeBelow(RFLAGS_STATUS);
      ofWord();
      builder.close();
    } else {
      this.closeBelow(mask);
      ofWord();
    }
  }

  private flagNode({ rule, width }: RuleAtWidth, operation: PendingOperation, bit: FlagBit): Node {
    const [a, b, r] = operandNodes(operation, width);
    return rule.flag(this.ops as unknown as Ops<Value>, bit, width, a, b, r) as unknown as Node;
  }

  private conditionNode(known: RuleAtWidth, operation: PendingOperation, condition: number): Node {
    const { rule, width } = known;
    const ops = this.ops as unknown as Ops<Value>;
    const [a, b, r] = operandNodes(operation, width);
    const short = rule.condition?.(ops, condition >> 1, width, a, b, r) as unknown as Node | undefined;
    if (short !== undefined) return condition & 1 ? this.ops.not1(short) : short;
    return this.ofFlags(condition, (bit) => this.flagNode(known, operation, bit));
  }

  private ofFlags(condition: number, flag: (bit: FlagBit) => Node): Node {
    return conditionOfFlags(this.ops as unknown as Ops<Value>, condition, flag as unknown as (bit: FlagBit) => Value) as unknown as Node;
  }

  private emitWordBit(bit: FlagBit): void {
    const { builder, locals } = this;
    builder.get(locals.flagsWord);
    builder.i32(bit);
    builder.op(op.i32_shr_u);
    builder.i32(1);
    builder.op(op.i32_and);
  }

  private setBelow(known: RuleAtWidth): void {
    const { builder, locals } = this;
    builder.i32(wordOf(known));
    builder.set(locals.pendingRule);
    this.below = known;
  }

  /** The flags of `mask` that are pending below are in the flags word. What else is pending there stays so, or not. */
  private settleBelow(mask: number): void {
    const { below } = this;
    if (below === 'unknown') this.closeBelow(mask);
    else if (below !== 'none') this.work(below, this.locals.pending, below.rule.mask & mask);
  }

  /** The runtime works out what is pending below, if it defines a flag of `mask`. */
  private closeBelow(mask: number): void {
    const { builder, locals } = this;
    builder.get(locals.pendingRule);
    if (mask !== RFLAGS_STATUS) {
      builder.i32(mask << PENDING_MASK_SHIFT);
      builder.op(op.i32_and);
    }
    builder.openIf(0);
    for (const local of [locals.pendingRule, locals.pending.a, locals.pending.b, locals.pending.r, locals.flagsWord]) builder.get(local);
    builder.call(this.closeFunction);
    builder.set(locals.flagsWord);
    builder.i32(0);
    builder.set(locals.pendingRule);
    builder.close();
  }

  /** Flags of a known operation go into the flags word. */
  private work(known: RuleAtWidth, operation: PendingOperation, mask: number): void {
    const { builder, locals } = this;
    if (mask === 0) return;
    builder.get(locals.flagsWord);
    builder.i32(~mask);
    builder.op(op.i32_and);
    for (let bit = 0; bit < 16; bit++) {
      if (!(mask & (1 << bit))) continue;
      this.nodes.condition(this.flagNode(known, operation, bit));
      builder.i32(bit);
      builder.op(op.i32_shl);
      builder.op(op.i32_or);
    }
    builder.set(locals.flagsWord);
  }
}

const operandNodes = (operation: PendingOperation, width: Width): [Value, Value, Value] =>
  [operation.a, operation.b, operation.r].map((local) => localNode(local, width)) as unknown as [Value, Value, Value];
