import { RFLAGS_STATUS } from '../../../arch/rflags.ts';
import type { Block } from '../../decode/block.ts';
import type { Instruction } from '../../decode/instruction.ts';
import { I32_LEFT_BLOCK, I32_LEFT_INSTRUCTION } from '../../state.ts';
import { MARK_REGISTERS, mark, markNumber } from '../../system/mark.ts';
import type { Effect } from './effect.ts';
import type { EmitterOps } from './emitterOps.ts';
import { flagsSeenAfter } from './flagLiveness.ts';
import type { RuleAtWidth } from './flagState.ts';
import { type Continuation, InstructionEmitter } from './instructionEmitter.ts';
import { INVLPG_HOST } from './invalidateEmitter.ts';
import { CLOCK_BYTE, LEFT_FAULTED, LEFT_TO_REFERENCE } from './jitLayout.ts';
import { notCompilable } from './notCompilable.ts';
import { emitPauseWatch } from './pauseEmitter.ts';
import { type RegionFrame, RUNTIME_NUMBERS } from './regionFrame.ts';
import { emitRepeatInBulk } from './repeatEmitter.ts';
import { I32, op } from './wasmModule.ts';

/** A horizon below this asks for an exit right after the current instruction (its own code was written). */
export const LEAVE_AT_ONCE = -1.5;
export const COUNT_LOOKUP = 1n << 32n;

/** What code depends on besides the instructions; the same for a whole run. */
export interface RegionFacts {
  /** Price of INVLPG. */
  readonly invlpgCycles: number;
  readonly marksAreHeard: boolean;
  /** Where the words of cache lines are (lineEmitter.ts); undefined: moving them costs nothing. */
  readonly lines: number | undefined;
}

/** What a block asks of the region around it. All of them emit code that does not fall through. */
export interface BlockSurroundings {
  /** Goes on at this offset of the page. */
  edge(offset: number): void;
  /** Goes on at the RIP in the `rip` local. */
  dynamicEdge(): void;
  /** Leaves the region; RIP is in its local. */
  exitNormally(): void;
  /** Leaves the region; reason and RIP are in their locals. */
  exit(): void;
}

/** Writes the instructions of one block, and keeps the books of what they have cost so far. */
export class BlockEmitter {
  readonly instructions: InstructionEmitter;
  private readonly frame: RegionFrame;
  private readonly facts: RegionFacts;
  private readonly surroundings: BlockSurroundings;
  /** The block being written: its number, and what its instructions so far have cost. */
  private current = 0;
  private retired = 0;
  private cycles = 0;
  private lookups = 0;
  private offset = 0;
  private readonly compilable = new Map<Instruction, boolean>();

  constructor(frame: RegionFrame, facts: RegionFacts, surroundings: BlockSurroundings) {
    this.frame = frame;
    this.facts = facts;
    this.surroundings = surroundings;
    const region = { leaveFaulted: (uncounted: number) => this.leaveFaulted(uncounted) };
    this.instructions = new InstructionEmitter(frame.builder, frame.locals, RUNTIME_NUMBERS, region, facts.lines);
  }

  /** Generated code does the instruction, which is no long operation. Its registers count as touched then. */
  isCompilable(insn: Instruction): boolean {
    let known = this.compilable.get(insn);
    if (known === undefined) {
      known = record(this.instructions.ops, insn);
      this.compilable.set(insn, known);
    }
    return known;
  }

  /** The block is left to the reference engine where it begins. */
  leave(block: Block, index: number): void {
    this.begin(index, undefined);
    this.offset = block.instructions[0]!.offset;
    this.leaveToReference();
  }

  private begin(index: number, expected: RuleAtWidth | undefined): void {
    this.current = index;
    this.retired = 0;
    this.cycles = 0;
    this.lookups = 0;
    this.instructions.flags.forget(expected);
  }

  /** @param expected what its pending flags follow when it begins, in all likelihood. */
  emit(block: Block, index: number, expected: RuleAtWidth | undefined): void {
    const { instructions } = this;
    this.begin(index, expected);
    const { ops } = instructions;
    const seen = flagsSeenAfter(block, (insn) => this.isCompilable(insn));
    for (const insn of block.instructions) {
      this.offset = insn.offset;
      if (insn.mnemonic === 'Pause') return this.emitPause(insn);
      if (insn.mnemonic === 'Invlpg') return this.emitInvlpg(insn);
      if (insn.operation === mark) return this.emitMark(insn);
      if (block.instructions.length === 1) emitRepeatInBulk(this.frame.builder, this.frame.locals, RUNTIME_NUMBERS.repeat, insn);
      if (insn.kind === 'system' || !this.isCompilable(insn)) return this.leaveToReference();
      record(ops, insn);
      const last = this.retired === block.instructions.length - 1;
      const continuation = instructions.emit(withoutFlags(ops.effects, ~seen[this.retired]!), this.cycles);
      this.retired++;
      this.cycles += insn.cycles;
      this.lookups += instructions.accesses;
      const after = insn.offset + insn.length;
      if (continuation.kind !== 'next') {
        this.finishBlock();
        return this.emitContinuation(continuation, after);
      }
      if (!last && ops.effects.some(({ kind }) => kind === 'store' || kind === 'store-update')) this.leaveIfCodeWritten(after);
    }
    this.finishBlock();
    const last = block.instructions[block.instructions.length - 1]!;
    this.surroundings.edge(last.offset + last.length);
  }

  /** PAUSE is a hint with a price, unless a VMM watches it. It ends its block either way. */
  private emitPause(insn: Instruction): void {
    const { builder, locals } = this.frame;
    emitPauseWatch(builder, locals, this.cycles, insn.cycles, () => this.leaveToReference());
    this.retired++;
    this.cycles += insn.cycles;
    this.finishBlock();
    this.surroundings.edge(insn.offset + insn.length);
  }

  /** A mark is a NOP for whom nobody listens to; a listener is told by the host, with the time and the registers in the state block. */
  private emitMark(insn: Instruction): void {
    const { builder, locals } = this.frame;
    const { ops } = this.instructions;
    this.addClock();
    this.cycles = 0;
    if (this.facts.marksAreHeard) {
      builder.get(locals.core);
      builder.get(locals.clock);
      builder.memory(op.f64_store, CLOCK_BYTE);
      for (const register of MARK_REGISTERS) {
        ops.touched.add(register);
        builder.get(locals.core);
        builder.get(locals.gpr[register]!);
        builder.memory(op.i64_store, register * 8);
      }
      builder.i32(markNumber(insn));
      builder.call(RUNTIME_NUMBERS.mark);
    }
    this.retired++;
    this.cycles = insn.cycles;
    this.finishBlock();
    this.surroundings.edge(insn.offset + insn.length);
  }

  /** INVLPG stays in the region unless a VMM or a listener wants to know, or it has removed the translation of a fetch. */
  private emitInvlpg(insn: Instruction): void {
    const { instructions, surroundings } = this;
    const { builder, locals } = this.frame;
    const answer = builder.local(I32);
    const after = insn.offset + insn.length;
    instructions.ops.nextOffset = after;
    const address = instructions.operandAddress(insn);
    builder.get(locals.core);
    builder.get(address);
    builder.call(RUNTIME_NUMBERS.invlpg);
    builder.tee(answer);
    builder.i32(INVLPG_HOST);
    builder.op(op.i32_eq);
    builder.openIf(0);
    this.leaveToReference();
    builder.close();
    this.retired++;
    this.cycles += insn.cycles + this.facts.invlpgCycles;
    this.finishBlock();
    builder.get(answer);
    builder.openIf(0);
    this.leaveAt(after);
    surroundings.exitNormally();
    builder.close();
    surroundings.edge(after);
  }

  private emitContinuation(continuation: Exclude<Continuation, { kind: 'next' }>, after: number): void {
    const { builder } = this.frame;
    const { flags } = this.instructions;
    if (continuation.kind === 'jump') return this.surroundings.dynamicEdge();
    const { condition, delta, outside } = continuation;
    if (condition !== undefined) {
      const before = flags.snapshot();
      builder.get(condition);
      builder.open(op.if);
      this.surroundings.edge(after + delta);
      builder.close();
      flags.restore(before);
      this.surroundings.edge(after);
    } else this.surroundings.edge(after + delta);
    if (!outside) return;
    // The repetition is over in here; out there it never began.
    builder.close();
    flags.forget();
    this.lookups -= this.instructions.accesses;
    this.finishBlock();
    this.surroundings.edge(after);
  }

  /** What the block has cost is in the clock and the counts. */
  private finishBlock(): void {
    this.addClock();
    // One more translation: the fetch of the block that follows.
    this.addCounts(this.lookups + 1);
  }

  /** A store hit this block's own page: leave now, so that the new bytes are fetched. */
  private leaveIfCodeWritten(after: number): void {
    const { builder, locals } = this.frame;
    builder.get(locals.horizon);
    builder.f64(LEAVE_AT_ONCE);
    builder.op(op.f64_lt);
    builder.openIf(0);
    this.finishBlock();
    this.leaveAt(after);
    this.surroundings.exitNormally();
    builder.close();
  }

  private leaveToReference(): void {
    const { builder, locals, reason } = this.frame;
    this.addClock();
    this.addCounts(this.lookups);
    this.leaveAt(this.offset);
    for (const [field, value] of [
      [I32_LEFT_BLOCK, this.current],
      [I32_LEFT_INSTRUCTION, this.retired],
    ] as const) {
      builder.get(locals.core);
      builder.i32(value);
      builder.memory(op.i32_store, field * 4);
    }
    builder.i32(LEFT_TO_REFERENCE);
    builder.set(reason);
    this.surroundings.exit();
  }

  /** Memory has the clock of the faulting instruction's start, walks included. */
  private leaveFaulted(uncounted: number): void {
    const { builder, locals, reason } = this.frame;
    builder.get(locals.core);
    builder.memory(op.f64_load, CLOCK_BYTE);
    builder.set(locals.clock);
    this.addCounts(this.lookups + this.instructions.accesses - uncounted);
    this.leaveAt(this.offset);
    builder.i32(LEFT_FAULTED);
    builder.set(reason);
    this.surroundings.exit();
  }

  /** RIP and pending flags are where an exit expects them; what the code after this knows of the flags stays as it is. */
  leaveAt(offset: number): void {
    const { builder, locals } = this.frame;
    builder.get(locals.page);
    builder.i64(BigInt(offset));
    builder.op(op.i64_add);
    builder.set(locals.rip);
    this.settleForExit();
  }

  /** As `leaveAt`, with RIP in its local. */
  settleForExit(): void {
    const { flags } = this.instructions;
    const before = flags.snapshot();
    flags.settleTop();
    flags.restore(before);
  }

  private addClock(): void {
    const { builder, locals } = this.frame;
    if (this.cycles === 0) return;
    builder.get(locals.clock);
    builder.f64(this.cycles);
    builder.op(op.f64_add);
    builder.set(locals.clock);
  }

  private addCounts(lookups: number): void {
    const { builder, locals } = this.frame;
    builder.get(locals.counts);
    builder.i64(BigInt(this.retired) + BigInt(lookups) * COUNT_LOOKUP);
    builder.op(op.i64_add);
    builder.set(locals.counts);
  }
}

/** The effects without status flags that nobody sees. */
const withoutFlags = (effects: readonly Effect[], unseen: number): readonly Effect[] =>
  effects.filter(
    (effect) =>
      !(effect.kind === 'flags' && (effect.rule.mask & ~unseen) === 0) &&
      !(effect.kind === 'flag' && RFLAGS_STATUS & unseen & (1 << effect.bit)),
  );

/** Runs the meaning of an instruction on the recorder; false when it cannot be compiled. */
function record(ops: EmitterOps, insn: Instruction): boolean {
  ops.effects = [];
  ops.nextOffset = insn.offset + insn.length;
  try {
    insn.meaning(ops as never, insn);
    return ops.effects.every(
      ({ kind }, at) => kind !== 'end-if' || ops.effects.slice(0, at).every((before) => before.kind === 'settle-flags'),
    );
  } catch (error) {
    if (error !== notCompilable) throw error;
    return false;
  }
}
