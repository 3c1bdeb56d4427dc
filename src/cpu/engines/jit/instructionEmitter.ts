import { RFLAGS_STATUS } from '../../../arch/rflags.ts';
import { VECTOR_GP } from '../../../arch/vectors.ts';
import { LINE_WRITTEN } from '../../../mmu/cacheLines.ts';
import { SHORTCUT_ENTRIES, SHORTCUT_ENTRY_BYTES, SHORTCUT_FOLD, SHORTCUT_TABLE_BYTES } from '../../../mmu/dataShortcut.ts';
import type { Instruction, Width } from '../../decode/instruction.ts';
import { operandAddress } from '../../semantics/address.ts';
import type { Ops, Value } from '../../semantics/ops.ts';
import { I32_UPDATE_ADDRESS } from '../../state.ts';
import { accessWord, SLOW_LOAD, SLOW_STORE, SLOW_STORE_UPDATE, SLOW_UPDATE } from './accessEmitter.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import type { Effect } from './effect.ts';
import { type EmitterLocals, EmitterOps } from './emitterOps.ts';
import { type FlagLocals, FlagState } from './flagState.ts';
import { FloatEmitter, type FloatNumbers } from './floatEmitter.ts';
import { CLOCK_BYTE, HORIZON_BYTE, TRANSFER_BYTE, TRANSFER_HIGH_BYTE } from './jitLayout.ts';
import { WORD_MASK, WORD_SHIFT } from './lineEmitter.ts';
import { NODE_LOCAL, type Node, NodeEmitter } from './node.ts';
import { notCompilable } from './notCompilable.ts';
import { simdOp } from './simd.ts';
import { I32, I64, op, V128 } from './wasmModule.ts';

/** Locals of a region's function besides those the emitter of values knows. */
export interface RegionLocals extends EmitterLocals, FlagLocals {
  readonly core: number;
  readonly shortcut: number;
  /** i64: context number of the shortcut's tags. */
  readonly context: number;
  /** f64: local time, cycles of the current block not yet added; and how far it may go. */
  readonly clock: number;
  readonly horizon: number;
  /** i64: instructions retired (low half) and translations counted (high half) that the counters do not have yet. */
  readonly counts: number;
  /** i64: where a normal exit goes on. */
  readonly rip: number;
  /** i32: the core's bit in the word of a cache line, where lines cost something. */
  readonly lineBit: number;
  /** i32: how many accesses were not served by the shortcut, modulo 2^32. */
  readonly disturbed: number;
  /** i32: where `loadForUpdate` found its operand in memory; 0 when the host keeps it. */
  readonly updateAddress: number;
}

/** Function numbers of the runtime in a region's module. */
export interface RuntimeNumbers extends FloatNumbers {
  readonly close: number;
  readonly access: number;
  readonly raise: number;
}

/** How an instruction goes on, once its writes are made. */
export type Continuation =
  | { readonly kind: 'next' }
  /** `condition` undefined: always. With `outside`, an `if` is open at whose end the instruction has done nothing. */
  | { readonly kind: 'branch'; readonly condition: number | undefined; readonly delta: number; readonly outside: boolean }
  /** The target is in the `rip` local. */
  | { readonly kind: 'jump' };

/** What the emitter of instructions asks of the region around it. */
export interface RegionContext {
  /** Emits: leave with a fault; state as before the current instruction, and the time in memory. @param uncounted accesses that the host has counted already. */
  leaveFaulted(uncounted: number): void;
}

const LOADS: Readonly<Record<number, number>> = {
  ...{ 8: op.i64_load8_u, 16: op.i64_load16_u, 32: op.i64_load32_u, 64: op.i64_load },
  128: simdOp.v128_load,
};
const STORES: Readonly<Record<number, number>> = {
  ...{ 8: op.i64_store8, 16: op.i64_store16, 32: op.i64_store32, 64: op.i64_store },
  128: simdOp.v128_store,
};
const PAGE_SHIFT = 12;
const INDEX_MASK = (SHORTCUT_ENTRIES - 1) * SHORTCUT_ENTRY_BYTES;

/** Turns the recorded effects of one instruction into code. */
export class InstructionEmitter {
  readonly ops: EmitterOps;
  readonly floats: FloatEmitter;
  private readonly builder: CodeBuilder;
  private readonly nodes: NodeEmitter;
  private readonly locals: RegionLocals;
  private readonly runtime: RuntimeNumbers;
  private readonly region: RegionContext;
  private readonly lines: number | undefined;
  readonly flags: FlagState;
  /** Cycles of the block's instructions before this one: not yet in the clock local. */
  private prefixCycles = 0;
  /** Data accesses of this instruction that count as translations. */
  accesses = 0;

  /** @param lines `lineOffset`; undefined: moving cache lines costs nothing. */
  constructor(builder: CodeBuilder, locals: RegionLocals, runtime: RuntimeNumbers, region: RegionContext, lines?: number) {
    this.builder = builder;
    this.locals = locals;
    this.runtime = runtime;
    this.region = region;
    this.lines = lines;
    this.nodes = new NodeEmitter(builder, locals.core);
    this.ops = new EmitterOps(locals);
    this.floats = new FloatEmitter(this.nodes, locals.core, runtime, () => {
      this.storeClock();
      region.leaveFaulted(0);
    });
    this.flags = new FlagState(builder, this.nodes, this.ops, locals, runtime.close);
    this.nodes.flags = this.flags;
  }

  /** Emits everything the instruction does, its register, flag and RIP writes last. */
  emit(effects: readonly Effect[], prefixCycles: number): Continuation {
    this.prefixCycles = prefixCycles;
    this.accesses = 0;
    let outside = false;
    let jump: Continuation = { kind: 'next' };
    const writes: Effect[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'load':
          this.emitLoad(effect);
          break;
        case 'store':
          this.emitStore(effect);
          break;
        case 'store-update':
          this.emitStoreUpdate(effect);
          break;
        case 'floating':
          this.floats.emit(effect);
          break;
        case 'raise':
          this.emitRaise(effect.condition, effect.vector, effect.errorCode);
          break;
        case 'end-if':
          if (outside || writes.length > 0) throw notCompilable;
          this.flags.settleTop();
          this.nodes.condition(effect.condition);
          this.builder.op(op.i32_eqz);
          this.builder.open(op.if);
          outside = true;
          break;
        case 'settle-flags':
          this.flags.settleAll();
          break;
        case 'jump':
          this.emitCanonicalCheck(effect.target);
          writes.push(effect);
          jump = { kind: 'jump' };
          break;
        case 'branch':
          jump = {
            kind: 'branch',
            condition: effect.condition === undefined ? undefined : this.truthLocal(effect.condition),
            delta: effect.delta,
            outside,
          };
          break;
        default:
          writes.push(effect);
      }
    }
    this.commit(writes);
    if (outside && jump.kind !== 'branch') {
      this.flags.settleTop();
      this.builder.close();
      this.flags.forget();
    }
    this.nodes.temporaries.releaseAll();
    return jump;
  }

  /** Evaluates every value, then makes every write. */
  private commit(writes: readonly Effect[]): void {
    const { builder, nodes, locals } = this;
    const registers = writes.filter((effect) => effect.kind === 'gpr');
    const values = registers.map((effect) => this.settled(effect.value, registers.length > 1));
    const vectors = writes
      .filter((effect) => effect.kind === 'xmm')
      .map(({ register, value }) => [register, nodes.inLocal(value)] as const);
    const flags = writes.filter((effect) => effect.kind === 'flags');
    const bits = writes
      .filter((effect) => effect.kind === 'flag')
      .map((effect) => ({ bit: effect.bit, local: nodes.inLocal(effect.value), type: effect.value.type }));
    if (flags.length > 1) throw notCompilable;
    const [rule] = flags;
    const operands = rule === undefined ? [] : [rule.a, rule.b, rule.r].map((node) => nodes.inLocal(node));
    const target = writes.find((effect) => effect.kind === 'jump');
    if (target !== undefined) {
      builder.get(nodes.inLocal(target.target));
      builder.set(locals.rip);
    }
    if (rule !== undefined) this.emitFlags(rule, operands);
    if (bits.some(({ bit }) => RFLAGS_STATUS & (1 << bit))) this.flags.settleAll();
    for (const { bit, local, type } of bits) this.emitFlagBit(bit, local, type);
    for (const [register, local] of vectors) {
      builder.get(local);
      builder.set(locals.xmm[register]!);
    }
    registers.forEach((effect, i) => {
      this.emitRegister(effect.width, effect.register, values[i]!, effect.value.type);
    });
  }

  /** A 32-bit local with a truth value. */
  private truthLocal(node: Node): number {
    const local = this.nodes.temporaries.take(I32);
    this.nodes.condition(node);
    this.builder.set(local);
    return local;
  }

  /** A local with the value that no later register write changes. */
  private settled(node: Node, copy: boolean): number {
    if (!copy || node.opcode !== NODE_LOCAL) return this.nodes.inLocal(node);
    const local = this.nodes.temporaries.take(node.type);
    this.builder.get(node.index);
    this.builder.set(local);
    return local;
  }

  private emitRegister(width: Width, register: number, value: number, type: number): void {
    const { builder, locals } = this;
    const gpr = locals.gpr[register & 15]!;
    const high = register >= 16;
    const shift = high ? 8n : 0n;
    const target = high ? locals.gpr[register - 16]! : gpr;
    const push = (): void => {
      builder.get(value);
      if (type === I32) builder.op(op.i64_extend_i32_u);
    };
    if (width >= 32) push();
    else {
      builder.get(target);
      builder.i64(~(((1n << BigInt(width)) - 1n) << shift));
      builder.op(op.i64_and);
      push();
      if (high) {
        builder.i64(shift);
        builder.op(op.i64_shl);
      }
      builder.op(op.i64_or);
    }
    builder.set(target);
  }

  private emitFlags(effect: Extract<Effect, { kind: 'flags' }>, operands: readonly number[]): void {
    const { builder, flags } = this;
    const { rule, width, condition } = effect;
    const push = (operand: 0 | 1 | 2): void => {
      builder.get(operands[operand]!);
      if ([effect.a, effect.b, effect.r][operand]!.type === I32) builder.op(op.i64_extend_i32_u);
    };
    const follow = (): void => flags.follow(rule, width, { a: () => push(0), b: () => push(1), r: () => push(2) });
    if (condition === undefined) follow();
    else {
      flags.settleTop();
      this.nodes.condition(condition);
      builder.open(op.if);
      follow();
      flags.settleTop();
      builder.close();
      flags.forget({ rule, width });
    }
  }

  private emitFlagBit(bit: number, value: number, type: number): void {
    const { builder, locals } = this;
    builder.get(locals.flagsWord);
    builder.i32(~(1 << bit));
    builder.op(op.i32_and);
    builder.get(value);
    if (type === I64) builder.op(op.i32_wrap_i64);
    builder.i32(bit);
    builder.op(op.i32_shl);
    builder.op(op.i32_or);
    builder.set(locals.flagsWord);
  }

  private emitRaise(condition: Node | undefined, vector: number, errorCode: number): void {
    const { builder, runtime } = this;
    if (condition !== undefined) {
      this.nodes.condition(condition);
      builder.open(op.if);
    }
    builder.i32(vector);
    builder.i32(errorCode);
    builder.call(runtime.raise);
    this.storeClock();
    this.region.leaveFaulted(0);
    if (condition !== undefined) builder.close();
  }

  private emitCanonicalCheck(target: Node): void {
    const { builder, nodes } = this;
    const local = nodes.inLocal(target);
    builder.get(local);
    builder.i64(16n);
    builder.op(op.i64_shl);
    builder.i64(16n);
    builder.op(op.i64_shr_s);
    builder.get(local);
    builder.op(op.i64_ne);
    builder.open(op.if);
    builder.i32(VECTOR_GP);
    builder.i32(0);
    builder.call(this.runtime.raise);
    this.storeClock();
    this.region.leaveFaulted(0);
    builder.close();
  }

  /** The clock in memory is that of the start of this instruction. */
  private storeClock(): void {
    const { builder, locals } = this;
    builder.get(locals.core);
    this.clockNow();
    builder.memory(op.f64_store, CLOCK_BYTE);
  }

  private clockNow(): void {
    const { builder, locals } = this;
    builder.get(locals.clock);
    if (this.prefixCycles !== 0) {
      builder.f64(this.prefixCycles);
      builder.op(op.f64_add);
    }
  }

  /** A local with the linear address of the instruction's memory operand. */
  operandAddress(insn: Instruction): number {
    return this.nodes.inLocal(operandAddress(this.ops as unknown as Ops<Value>, insn, 1, false) as unknown as Node);
  }

  /** Leaves on the stack: does the shortcut have the page of this access? The entry's address is in `entry`. */
  private probe(la: number, bytes: number, table: number, entry: number): void {
    const { builder, locals } = this;
    builder.get(la);
    builder.op(op.i32_wrap_i64);
    builder.tee(entry);
    builder.i32(PAGE_SHIFT);
    builder.op(op.i32_shr_u);
    builder.get(entry);
    builder.i32(PAGE_SHIFT + SHORTCUT_FOLD);
    builder.op(op.i32_shr_u);
    builder.op(op.i32_add);
    builder.i32(Math.log2(SHORTCUT_ENTRY_BYTES));
    builder.op(op.i32_shl);
    builder.i32(INDEX_MASK);
    builder.op(op.i32_and);
    builder.get(locals.shortcut);
    builder.op(op.i32_add);
    builder.tee(entry);
    builder.memory(op.i64_load, table);
    // The page of the last byte: an access over a page end never matches.
    builder.get(la);
    if (bytes > 1) {
      builder.i64(BigInt(bytes - 1));
      builder.op(op.i64_add);
    }
    builder.i64(~0xfffn);
    builder.op(op.i64_and);
    builder.get(locals.context);
    builder.op(op.i64_or);
    builder.op(op.i64_eq);
  }

  /** Over the answer of `probe`: and has the core the line of the access? */
  private probeLine(la: number, table: number, entry: number, write: boolean): void {
    const { builder, locals, lines } = this;
    if (lines === undefined) return;
    builder.open(op.if, I32);
    this.hostAddress(la, table, entry);
    builder.i32(WORD_SHIFT);
    builder.op(op.i32_shr_u);
    builder.i32(WORD_MASK);
    builder.op(op.i32_and);
    builder.memory(op.i32_load16_u, lines);
    builder.get(locals.lineBit);
    if (write) {
      builder.i32(LINE_WRITTEN);
      builder.op(op.i32_or);
      builder.op(op.i32_eq);
    } else builder.op(op.i32_and);
    builder.op(op.else);
    builder.i32(0);
    builder.close();
  }

  /** Leaves on the stack the byte offset of `la` in the machine's memory. */
  private hostAddress(la: number, table: number, entry: number): void {
    const { builder } = this;
    builder.get(la);
    builder.op(op.i32_wrap_i64);
    builder.get(entry);
    builder.memory(op.i32_load, table + 8);
    builder.op(op.i32_add);
  }

  /** Calls the host for an access that the shortcut cannot serve; leaves the region when it faults. */
  private slowAccess(la: number | undefined, value: number | undefined, word: number, valueType = I64): void {
    const { builder, locals, runtime } = this;
    if (valueType === V128) {
      builder.get(locals.core);
      builder.get(value!);
      builder.op(simdOp.i64x2_extract_lane);
      builder.code.byte(1);
      builder.memory(op.i64_store, TRANSFER_HIGH_BYTE);
    }
    builder.get(locals.core);
    this.clockNow();
    if (la === undefined) builder.i64(0n);
    else builder.get(la);
    if (value === undefined) builder.i64(0n);
    else {
      builder.get(value);
      if (valueType === I32) builder.op(op.i64_extend_i32_u);
      if (valueType === V128) {
        builder.op(simdOp.i64x2_extract_lane);
        builder.code.byte(0);
      }
    }
    builder.i32(word);
    builder.call(runtime.access);
    builder.openIf(0);
    this.region.leaveFaulted(la === undefined ? 0 : 1);
    builder.close();
    builder.get(locals.core);
    builder.memory(op.f64_load, CLOCK_BYTE);
    if (this.prefixCycles !== 0) {
      builder.f64(-this.prefixCycles);
      builder.op(op.f64_add);
    }
    builder.set(locals.clock);
    builder.get(locals.core);
    builder.memory(op.f64_load, HORIZON_BYTE);
    builder.set(locals.horizon);
    builder.get(locals.disturbed);
    builder.i32(1);
    builder.op(op.i32_add);
    builder.set(locals.disturbed);
  }

  private emitLoad({ width, segment, la, result, update }: Extract<Effect, { kind: 'load' }>): void {
    const { builder, nodes, locals } = this;
    this.accesses++;
    const address = nodes.inLocal(la);
    const entry = nodes.temporaries.take(I32);
    const table = update ? SHORTCUT_TABLE_BYTES : 0;
    result.home = nodes.temporaries.take(result.type);
    this.probe(address, width / 8, table, entry);
    this.probeLine(address, table, entry, update);
    builder.openIf(1);
    this.hostAddress(address, table, entry);
    if (update) builder.tee(locals.updateAddress);
    builder.memory(LOADS[width]!, 0);
    builder.set(result.home);
    builder.op(op.else);
    this.slowAccess(address, undefined, accessWord(update ? SLOW_UPDATE : SLOW_LOAD, width, segment));
    if (update) {
      builder.get(locals.core);
      builder.memory(op.i32_load, I32_UPDATE_ADDRESS * 4);
      builder.set(locals.updateAddress);
    }
    builder.get(locals.core);
    builder.memory(width === 128 ? simdOp.v128_load : op.i64_load, TRANSFER_BYTE);
    builder.set(result.home);
    builder.close();
  }

  private emitStore({ width, segment, la, value }: Extract<Effect, { kind: 'store' }>): void {
    const { builder, nodes } = this;
    this.accesses++;
    const address = nodes.inLocal(la);
    const stored = nodes.inLocal(value);
    const entry = nodes.temporaries.take(I32);
    this.probe(address, width / 8, SHORTCUT_TABLE_BYTES, entry);
    this.probeLine(address, SHORTCUT_TABLE_BYTES, entry, true);
    builder.openIf(1);
    this.hostAddress(address, SHORTCUT_TABLE_BYTES, entry);
    this.pushStored(stored, value.type);
    builder.memory(STORES[width]!, 0);
    builder.op(op.else);
    this.slowAccess(address, stored, accessWord(SLOW_STORE, width, segment), value.type);
    builder.close();
  }

  private emitStoreUpdate({ width, value }: Extract<Effect, { kind: 'store-update' }>): void {
    const { builder, nodes, locals } = this;
    const stored = nodes.inLocal(value);
    builder.get(locals.updateAddress);
    builder.openIf(1);
    builder.get(locals.updateAddress);
    this.pushStored(stored, value.type);
    builder.memory(STORES[width]!, 0);
    builder.op(op.else);
    this.slowAccess(undefined, stored, accessWord(SLOW_STORE_UPDATE, width, 0), value.type);
    builder.close();
  }

  private pushStored(local: number, type: number): void {
    this.builder.get(local);
    if (type === I32) this.builder.op(op.i64_extend_i32_u);
  }
}
