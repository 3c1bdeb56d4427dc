import type { Block } from '../../decode/block.ts';
import type { Instruction } from '../../decode/instruction.ts';
import { I32_LEFT_BLOCK, I32_LEFT_INSTRUCTION, I32_PAUSE_INTERCEPTED } from '../../state.ts';
import { CodeBuilder } from './codeBuilder.ts';
import { InstructionEmitter, type RegionLocals } from './instructionEmitter.ts';
import {
  CLOCK_BYTE,
  HORIZON_BYTE,
  INSTRUCTIONS_BYTE,
  LEFT_FAULTED,
  LEFT_NORMALLY,
  LEFT_TO_REFERENCE,
  LOOKUPS_BYTE,
  PENDING_A_BYTE,
  PENDING_B_BYTE,
  PENDING_R_BYTE,
  PENDING_RULE_BYTE,
  RFLAGS_BYTE,
  RIP_BYTE,
  SHORTCUT_CONTEXT_BYTE,
  xmmByte,
} from './jitLayout.ts';
import { NotCompilable } from './notCompilable.ts';
import type { RegionPlan } from './regionPlan.ts';
import { RUNTIME_IMPORTS, RUNTIME_TYPE_OF, RUNTIME_TYPES } from './runtime.ts';
import { simdOp } from './simd.ts';
import { encodeModule, F64, I32, I64, op, V128 } from './wasmModule.ts';

/** A horizon below this asks for an exit right after the current instruction (its own code was written). */
export const LEAVE_AT_ONCE = -1.5;
const COUNT_LOOKUP = 1n << 32n;
const F64_CONVERT_I32_U = 0xb8;
const F64_LT = 0x63;
const TYPE_REGION = RUNTIME_TYPES.length;

/**
 * Writes the function of a region: `(core, shortcut, entry) -> LEFT_…`. Registers, flags and the clock live in locals; control flow
 * between the region's blocks stays inside; every block's end looks at the clock.
 */
export class RegionCompiler {
  private readonly plan: RegionPlan;
  private readonly builder = new CodeBuilder(3);
  private readonly locals: RegionLocals;
  private readonly emitter: InstructionEmitter;
  private readonly next: number;
  private readonly reason: number;
  /** Levels of branch targets. */
  private exitNormal = 0;
  private exit = 0;
  private dispatch = 0;
  private labels: number[] = [];
  /** The block being written: its number, its loop's level if it loops to itself, and what its instructions so far have cost. */
  private current = 0;
  private selfLoop = 0;
  private retired = 0;
  private cycles = 0;
  private lookups = 0;
  private offset = 0;

  constructor(plan: RegionPlan) {
    this.plan = plan;
    const { builder } = this;
    const numbers = Object.fromEntries(RUNTIME_IMPORTS.map((name, index) => [name, index])) as Record<
      (typeof RUNTIME_IMPORTS)[number],
      number
    >;
    this.locals = {
      core: 0,
      shortcut: 1,
      gpr: Array.from({ length: 16 }, () => builder.local(I64)),
      xmm: Array.from({ length: 16 }, () => builder.local(V128)),
      flagsWord: builder.local(I32),
      pendingRule: builder.local(I32),
      pendingA: builder.local(I64),
      pendingB: builder.local(I64),
      pendingR: builder.local(I64),
      page: builder.local(I64),
      context: builder.local(I64),
      clock: builder.local(F64),
      horizon: builder.local(F64),
      counts: builder.local(I64),
      rip: builder.local(I64),
      updateAddress: builder.local(I32),
      mulHighUnsigned: numbers.mulHighUnsigned,
      mulHighSigned: numbers.mulHighSigned,
    };
    this.next = 2;
    this.reason = builder.local(I32);
    this.emitter = new InstructionEmitter(builder, this.locals, numbers, { leaveFaulted: (uncounted) => this.leaveFaulted(uncounted) });
  }

  /** The region holds SSE instructions: it is for cores that may execute them. */
  get needsSse(): boolean {
    return this.emitter.ops.needsSse;
  }

  /** The module's bytes. */
  compile(memoryPages: number): Uint8Array {
    const { builder, plan } = this;
    this.exit = builder.open(op.block);
    this.exitNormal = builder.open(op.block);
    this.dispatch = builder.open(op.loop);
    this.labels = plan.blocks.map(() => builder.open(op.block)).reverse();
    builder.get(this.next);
    builder.branchTable(this.labels, this.labels[0]!);
    plan.blocks.forEach((block, index) => {
      builder.close();
      this.emitBlock(block, index);
    });
    builder.close();
    builder.close();
    // A normal exit has counted the fetch of a block that did not follow.
    this.addCounts(-COUNT_LOOKUP);
    builder.i32(LEFT_NORMALLY);
    builder.set(this.reason);
    builder.close();
    this.emitEpilogue();
    const code = builder.code.bytes().slice();
    const prologue = this.prologue();
    const whole = new Uint8Array(prologue.length + code.length);
    whole.set(prologue);
    whole.set(code, prologue.length);
    const types = [...RUNTIME_TYPES, { parameters: [I32, I32, I32], results: [I32] }];
    const imports = RUNTIME_IMPORTS.map((name, index) => ({ module: 'runtime', name, type: RUNTIME_TYPE_OF[index]! }));
    return encodeModule(types, imports, memoryPages, [{ type: TYPE_REGION, name: 'run', locals: builder.locals, code: whole }]);
  }

  private emitBlock(block: Block, index: number): void {
    const { builder, emitter } = this;
    this.current = index;
    this.retired = 0;
    this.cycles = 0;
    this.lookups = 0;
    this.offset = block.instructions[0]!.offset;
    this.selfLoop = this.plan.selfLoops.has(index) ? builder.open(op.loop) : 0;
    emitter.ops.pending = 'unknown';
    let open = true;
    for (const insn of block.instructions) {
      this.offset = insn.offset;
      const { ops } = emitter;
      if (insn.mnemonic === 'Pause') {
        this.emitPause(index, insn);
        open = false;
        break;
      }
      if (insn.kind === 'system' || !this.record(block, this.retired)) {
        this.leaveToReference(index);
        open = false;
        break;
      }
      const last = this.retired === block.instructions.length - 1;
      const continuation = emitter.emit(ops.effects, this.cycles);
      this.retired++;
      this.cycles += insn.cycles;
      this.lookups += emitter.accesses;
      const after = insn.offset + insn.length;
      if (continuation.kind === 'next') {
        if (!last && ops.effects.some(({ kind }) => kind === 'store' || kind === 'store-update')) this.leaveIfCodeWritten(after);
        continue;
      }
      this.finishBlock();
      this.emitContinuation(continuation, after);
      open = false;
    }
    if (open) {
      this.finishBlock();
      const last = block.instructions[block.instructions.length - 1]!;
      this.emitEdge(last.offset + last.length);
    }
    if (this.selfLoop !== 0) builder.close();
  }

  /** PAUSE is a hint with a price, unless a VMM watches it: then it is the long operation's business. It ends its block either way. */
  private emitPause(index: number, insn: Instruction): void {
    const { builder, locals } = this;
    builder.get(locals.core);
    builder.memory(op.i32_load, I32_PAUSE_INTERCEPTED * 4);
    builder.open(op.if);
    this.leaveToReference(index);
    builder.close();
    this.retired++;
    this.cycles += insn.cycles;
    this.finishBlock();
    this.emitEdge(insn.offset + insn.length);
  }

  /** Runs the meaning of an instruction on the recorder; false when it cannot be compiled. */
  private record(block: Block, position: number): boolean {
    const insn = block.instructions[position]!;
    const { ops } = this.emitter;
    const pending = ops.pending;
    ops.effects = [];
    ops.nextOffset = insn.offset + insn.length;
    try {
      insn.meaning(ops as never, insn);
      return ops.effects.every(
        ({ kind }, at) => kind !== 'end-if' || ops.effects.slice(0, at).every((before) => before.kind === 'close-flags'),
      );
    } catch (error) {
      if (!(error instanceof NotCompilable)) throw error;
      ops.pending = pending;
      return false;
    }
  }

  private emitContinuation(continuation: ReturnType<InstructionEmitter['emit']>, after: number): void {
    const { builder } = this;
    if (continuation.kind === 'jump') {
      builder.branch(this.exitNormal);
      return;
    }
    if (continuation.kind !== 'branch') throw new Error('a continuation that is no jump');
    const { condition, delta, insideEndIf } = continuation;
    if (condition === undefined) {
      this.emitEdge(after + delta);
    } else {
      builder.get(condition);
      builder.open(op.if);
      this.emitEdge(after + delta);
      builder.close();
    }
    if (insideEndIf) {
      // The repetition is over in here; out there it never began.
      if (condition !== undefined) this.emitEdge(after);
      builder.close();
      this.lookups -= this.emitter.accesses;
      this.finishBlock();
      this.emitEdge(after);
    } else if (condition !== undefined) this.emitEdge(after);
  }

  /** What the block has cost is in the clock and the counts. */
  private finishBlock(): void {
    this.addClock(this.cycles);
    // One more translation: the fetch of the block that follows.
    this.addCounts(BigInt(this.retired) + BigInt(this.lookups + 1) * COUNT_LOOKUP);
  }

  /** Goes on at this offset of the page: in the region if it has a block there and time is left, else outside. */
  private emitEdge(offset: number): void {
    const { builder, locals } = this;
    this.setRip(offset);
    const target = this.plan.indexOf(offset);
    if (target < 0) {
      builder.branch(this.exitNormal);
      return;
    }
    builder.get(locals.clock);
    builder.get(locals.horizon);
    builder.op(op.f64_ge);
    builder.branch(this.exitNormal, op.br_if);
    if (target === this.current && this.selfLoop !== 0) builder.branch(this.selfLoop);
    else if (target > this.current) builder.branch(this.labels[target]!);
    else {
      builder.i32(target);
      builder.set(this.next);
      builder.branch(this.dispatch);
    }
  }

  /** A store hit this block's own page: leave now, so that the new bytes are fetched. */
  private leaveIfCodeWritten(after: number): void {
    const { builder, locals } = this;
    builder.get(locals.horizon);
    builder.f64(LEAVE_AT_ONCE);
    builder.op(F64_LT);
    builder.open(op.if);
    this.addClock(this.cycles);
    this.addCounts(BigInt(this.retired) + BigInt(this.lookups + 1) * COUNT_LOOKUP);
    this.setRip(after);
    builder.branch(this.exitNormal);
    builder.close();
  }

  private leaveToReference(index: number): void {
    const { builder, locals } = this;
    this.addClock(this.cycles);
    this.addCounts(BigInt(this.retired) + BigInt(this.lookups) * COUNT_LOOKUP);
    this.setRip(this.offset);
    for (const [field, value] of [
      [I32_LEFT_BLOCK, index],
      [I32_LEFT_INSTRUCTION, this.retired],
    ] as const) {
      builder.get(locals.core);
      builder.i32(value);
      builder.memory(op.i32_store, field * 4);
    }
    builder.i32(LEFT_TO_REFERENCE);
    builder.set(this.reason);
    builder.branch(this.exit);
  }

  /** Memory has the clock of the faulting instruction's start, walks included. */
  private leaveFaulted(uncounted: number): void {
    const { builder, locals } = this;
    builder.get(locals.core);
    builder.memory(op.f64_load, CLOCK_BYTE);
    builder.set(locals.clock);
    this.addCounts(BigInt(this.retired) + BigInt(this.lookups + this.emitter.accesses - uncounted) * COUNT_LOOKUP);
    this.setRip(this.offset);
    builder.i32(LEFT_FAULTED);
    builder.set(this.reason);
    builder.branch(this.exit);
  }

  private addClock(cycles: number): void {
    const { builder, locals } = this;
    if (cycles === 0) return;
    builder.get(locals.clock);
    builder.f64(cycles);
    builder.op(op.f64_add);
    builder.set(locals.clock);
  }

  private addCounts(counts: bigint): void {
    const { builder, locals } = this;
    if (counts === 0n) return;
    builder.get(locals.counts);
    builder.i64(counts);
    builder.op(op.i64_add);
    builder.set(locals.counts);
  }

  private setRip(offset: number): void {
    const { builder, locals } = this;
    builder.get(locals.page);
    builder.i64(BigInt(offset));
    builder.op(op.i64_add);
    builder.set(locals.rip);
  }

  private prologue(): Uint8Array {
    const { locals } = this;
    const builder = new CodeBuilder(3);
    const load = (opcode: number, offset: number, local: number): void => {
      builder.get(locals.core);
      builder.memory(opcode, offset);
      builder.set(local);
    };
    for (const register of this.emitter.ops.touched) load(op.i64_load, register * 8, locals.gpr[register]!);
    for (const register of this.emitter.ops.touchedXmm) load(simdOp.v128_load, xmmByte(register), locals.xmm[register]!);
    this.emitter.floats.emitFloors(builder);
    load(op.i32_load, RFLAGS_BYTE, locals.flagsWord);
    load(op.i32_load, PENDING_RULE_BYTE, locals.pendingRule);
    load(op.i64_load, PENDING_A_BYTE, locals.pendingA);
    load(op.i64_load, PENDING_B_BYTE, locals.pendingB);
    load(op.i64_load, PENDING_R_BYTE, locals.pendingR);
    load(op.f64_load, CLOCK_BYTE, locals.clock);
    load(op.f64_load, HORIZON_BYTE, locals.horizon);
    load(op.i64_load32_u, SHORTCUT_CONTEXT_BYTE, locals.context);
    builder.get(locals.core);
    builder.memory(op.i64_load, RIP_BYTE);
    builder.i64(~0xfffn);
    builder.op(op.i64_and);
    builder.set(locals.page);
    return builder.code.bytes().slice();
  }

  private emitEpilogue(): void {
    const { builder, locals } = this;
    const store = (opcode: number, offset: number, local: number): void => {
      builder.get(locals.core);
      builder.get(local);
      builder.memory(opcode, offset);
    };
    for (const register of this.emitter.ops.written) store(op.i64_store, register * 8, locals.gpr[register]!);
    for (const register of this.emitter.ops.writtenXmm) store(simdOp.v128_store, xmmByte(register), locals.xmm[register]!);
    store(op.i32_store, RFLAGS_BYTE, locals.flagsWord);
    store(op.i32_store, PENDING_RULE_BYTE, locals.pendingRule);
    store(op.i64_store, PENDING_A_BYTE, locals.pendingA);
    store(op.i64_store, PENDING_B_BYTE, locals.pendingB);
    store(op.i64_store, PENDING_R_BYTE, locals.pendingR);
    store(op.f64_store, CLOCK_BYTE, locals.clock);
    store(op.i64_store, RIP_BYTE, locals.rip);
    const count = (offset: number, high: boolean): void => {
      builder.get(locals.core);
      builder.get(locals.core);
      builder.memory(op.f64_load, offset);
      builder.get(locals.counts);
      if (high) {
        builder.i64(32n);
        builder.op(op.i64_shr_u);
      }
      builder.op(op.i32_wrap_i64);
      builder.op(F64_CONVERT_I32_U);
      builder.op(op.f64_add);
      builder.memory(op.f64_store, offset);
    };
    count(INSTRUCTIONS_BYTE, false);
    count(LOOKUPS_BYTE, true);
    builder.get(this.reason);
  }
}
