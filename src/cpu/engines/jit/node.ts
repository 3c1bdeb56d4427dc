import type { CodeBuilder } from './codeBuilder.ts';
import { I32, I64, op } from './wasmModule.ts';

/** What a node stands for besides an opcode with arguments. */
export const NODE_CONSTANT = -1;
export const NODE_LOCAL = -2;
export const NODE_SELECT = -3;
/** A 32- or 64-bit load from the core's state block. */
export const NODE_STATE = -4;
/** A call of a runtime function with two arguments. */
export const NODE_CALL = -5;
/** A flag, and a condition code, as they are before the instruction. */
export const NODE_FLAG = -6;
export const NODE_CONDITION = -7;

/**
 * A value that generated code will compute: an expression over locals and constants. A node that is used more than once is computed once and
 * kept in a local of its own; a node that nobody uses is never emitted.
 */
export class Node {
  /** WebAssembly opcode, or NODE_…. */
  readonly opcode: number;
  /** I32 (truth values only) or I64. */
  readonly type: number;
  readonly a: Node | undefined;
  readonly b: Node | undefined;
  readonly c: Node | undefined;
  /** Constant; or number of the local, offset in the state block, number of the function. */
  readonly value: bigint;
  readonly index: number;
  /** Bits that may be set: 0 … 64; the value is below 2^bits. */
  readonly bits: number;
  uses = 0;
  /** Local that holds it once computed; -1 before. */
  home = -1;

  constructor(opcode: number, type: number, bits: number, a?: Node, b?: Node, c?: Node, value = 0n, index = 0) {
    this.opcode = opcode;
    this.type = type;
    this.bits = bits;
    this.a = a;
    this.b = b;
    this.c = c;
    this.value = value;
    this.index = index;
    if (a !== undefined) a.uses++;
    if (b !== undefined) b.uses++;
    if (c !== undefined) c.uses++;
  }

  get isConstant(): boolean {
    return this.opcode === NODE_CONSTANT;
  }
}

export const constantNode = (value: bigint): Node =>
  new Node(NODE_CONSTANT, I64, value === 0n ? 0 : value.toString(2).length, undefined, undefined, undefined, value);
export const localNode = (local: number, bits = 64, type: number = I64): Node =>
  new Node(NODE_LOCAL, type, bits, undefined, undefined, undefined, 0n, local);
export const stateNode = (offset: number, bits: 32 | 64): Node =>
  new Node(NODE_STATE, I64, bits, undefined, undefined, undefined, 0n, offset);

/** Locals for values that are used more than once; free again when an instruction is complete. */
export class Temporaries {
  private readonly builder: CodeBuilder;
  private readonly pools = new Map<number, { readonly locals: number[]; used: number }>();

  constructor(builder: CodeBuilder) {
    this.builder = builder;
  }

  take(type: number): number {
    let pool = this.pools.get(type);
    if (pool === undefined) {
      pool = { locals: [], used: 0 };
      this.pools.set(type, pool);
    }
    if (pool.used === pool.locals.length) pool.locals.push(this.builder.local(type));
    return pool.locals[pool.used++]!;
  }

  releaseAll(): void {
    for (const pool of this.pools.values()) pool.used = 0;
  }
}

/** Who knows where the flags are. */
export interface FlagReader {
  /** Leaves it on the stack, as an i32 truth value. */
  emitFlag(bit: number): void;
  emitCondition(condition: number): void;
}

/** Emits nodes into a function. */
export class NodeEmitter {
  readonly builder: CodeBuilder;
  readonly temporaries: Temporaries;
  flags!: FlagReader;
  private readonly coreLocal: number;

  constructor(builder: CodeBuilder, coreLocal: number) {
    this.builder = builder;
    this.temporaries = new Temporaries(builder);
    this.coreLocal = coreLocal;
  }

  /** Leaves the node's 64-bit value on the stack. */
  value(node: Node): void {
    this.native(node);
    if (node.type === I32) this.builder.op(op.i64_extend_i32_u);
  }

  /** Leaves an i32 on the stack that is not 0 iff the truth value is 1. */
  condition(node: Node): void {
    this.native(node);
    if (node.type === I64) this.builder.op(op.i32_wrap_i64);
  }

  /** The value in a local (of the node's own type), computed if it is not yet. */
  inLocal(node: Node): number {
    if (node.opcode === NODE_LOCAL) return node.index;
    if (node.home < 0) {
      this.compute(node);
      node.home = this.temporaries.take(node.type);
      this.builder.set(node.home);
    }
    return node.home;
  }

  private native(node: Node): void {
    const { builder } = this;
    if (node.home >= 0) {
      builder.get(node.home);
      return;
    }
    this.compute(node);
    if (node.uses > 1 && isWorthKeeping(node.opcode)) {
      node.home = this.temporaries.take(node.type);
      builder.tee(node.home);
    }
  }

  private compute(node: Node): void {
    const { builder } = this;
    const { opcode, a, b, c } = node;
    switch (opcode) {
      case NODE_CONSTANT:
        builder.i64(node.value);
        return;
      case NODE_LOCAL:
        builder.get(node.index);
        return;
      case NODE_STATE:
        builder.get(this.coreLocal);
        builder.memory(node.bits === 64 ? op.i64_load : op.i64_load32_u, node.index);
        return;
      case NODE_SELECT:
        this.value(b!);
        this.value(c!);
        this.condition(a!);
        builder.op(op.select);
        return;
      case NODE_CALL:
        this.value(a!);
        this.value(b!);
        builder.call(node.index);
        return;
      case NODE_FLAG:
        this.flags.emitFlag(node.index);
        return;
      case NODE_CONDITION:
        this.flags.emitCondition(node.index);
        return;
    }
    // Operands of 32-bit operations are truth values.
    const narrow = opcode === op.i32_eqz || opcode === op.i32_and || opcode === op.i32_or || opcode === op.i32_ne;
    if (narrow) this.condition(a!);
    else this.value(a!);
    if (b !== undefined) {
      if (narrow) this.condition(b);
      else this.value(b);
    }
    builder.op(opcode);
    if (opcode === op.i32_wrap_i64) builder.op(op.i64_extend_i32_u);
  }
}

/** Constants and locals are as cheap as a copy of them. */
const isWorthKeeping = (opcode: number): boolean => opcode >= 0 || opcode <= NODE_CALL;
