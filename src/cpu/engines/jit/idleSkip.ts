import { F64_PLE_FIRST, F64_PLE_LAST, F64_PLE_WINDOW } from '../../state.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import type { RegionLocals } from './instructionEmitter.ts';
import { F64, I32, I64, op } from './wasmModule.ts';

/** Most rounds skipped at once: their counts must fit 32 bits. */
const ROUND_LIMIT = 1e6;

/**
 * Code that advances an idle loop (`isIdle`) arithmetically: when a round is over that found all its words by the shortcut, as many rounds as
 * stay below the horizon have cost the same. The last one, in the middle of which the horizon may lie, is executed.
 *
 * Under PAUSE-loop exiting a round also moves the times of the loop's first and last PAUSE. When the last one moves as the clock does, rounds are alike
 * for the gap; then either the first moves likewise, or it stays, and no round may be skipped that would end outside the window. Otherwise
 * the next round is not like this one, and is executed.
 */
export class IdleSkip {
  private readonly builder: CodeBuilder;
  private readonly locals: RegionLocals;
  private readonly startClock: number;
  private readonly startCounts: number;
  private readonly startDisturbed: number;
  private readonly startFirstPause: number;
  private readonly startLastPause: number;
  private readonly rounds: number;
  private readonly firstPauseMoves: number;
  private readonly lastPauseMoves: number;

  constructor(builder: CodeBuilder, locals: RegionLocals) {
    this.builder = builder;
    this.locals = locals;
    this.startClock = builder.local(F64);
    this.startCounts = builder.local(I64);
    this.startDisturbed = builder.local(I32);
    this.startFirstPause = builder.local(F64);
    this.startLastPause = builder.local(F64);
    this.rounds = builder.local(F64);
    this.firstPauseMoves = builder.local(F64);
    this.lastPauseMoves = builder.local(F64);
  }

  /** At the loop's header. */
  begin(): void {
    const { builder, locals } = this;
    builder.get(locals.clock);
    builder.set(this.startClock);
    builder.get(locals.counts);
    builder.set(this.startCounts);
    builder.get(locals.disturbed);
    builder.set(this.startDisturbed);
    this.pushField(F64_PLE_FIRST);
    builder.set(this.startFirstPause);
    this.pushField(F64_PLE_LAST);
    builder.set(this.startLastPause);
  }

  /** Before the branch back, when the clock is below the horizon. */
  goAround(): void {
    const { builder, locals, rounds } = this;
    builder.get(locals.disturbed);
    builder.get(this.startDisturbed);
    builder.op(op.i32_eq);
    builder.open(op.if);
    builder.get(locals.horizon);
    builder.get(locals.clock);
    builder.op(op.f64_sub);
    this.pushRoundCycles();
    builder.op(op.f64_div);
    builder.op(op.f64_ceil);
    builder.f64(1);
    builder.op(op.f64_sub);
    builder.f64(ROUND_LIMIT);
    builder.op(op.f64_min);
    builder.set(rounds);
    this.heedPauseLoop();
    builder.get(rounds);
    builder.f64(0);
    builder.op(op.f64_gt);
    builder.open(op.if);
    this.skip();
    builder.close();
    builder.close();
  }

  /** No more rounds than PAUSE-loop exiting allows; without PAUSEs that it watches, nothing has moved. */
  private heedPauseLoop(): void {
    const { builder, locals, rounds } = this;
    this.pushField(F64_PLE_LAST);
    builder.get(this.startLastPause);
    builder.op(op.f64_ne);
    builder.open(op.if);
    this.pushField(F64_PLE_FIRST);
    builder.get(this.startFirstPause);
    builder.op(op.f64_sub);
    builder.set(this.firstPauseMoves);
    this.pushField(F64_PLE_LAST);
    builder.get(this.startLastPause);
    builder.op(op.f64_sub);
    builder.tee(this.lastPauseMoves);
    this.pushRoundCycles();
    builder.op(op.f64_eq);
    builder.open(op.if);
    builder.get(this.firstPauseMoves);
    this.pushRoundCycles();
    builder.op(op.f64_ne);
    builder.open(op.if);
    builder.get(this.firstPauseMoves);
    builder.f64(0);
    builder.op(op.f64_eq);
    builder.open(op.if);
    this.pushField(F64_PLE_FIRST);
    this.pushField(F64_PLE_WINDOW);
    builder.op(op.f64_add);
    builder.get(locals.clock);
    builder.op(op.f64_sub);
    this.pushRoundCycles();
    builder.op(op.f64_div);
    builder.op(op.f64_floor);
    builder.get(rounds);
    builder.op(op.f64_min);
    builder.set(rounds);
    builder.op(op.else);
    this.skipNone();
    builder.close();
    builder.close();
    builder.op(op.else);
    this.skipNone();
    builder.close();
    builder.op(op.else);
    builder.f64(0);
    builder.tee(this.firstPauseMoves);
    builder.set(this.lastPauseMoves);
    builder.close();
  }

  private skipNone(): void {
    this.builder.f64(0);
    this.builder.set(this.rounds);
  }

  /** The rounds have passed: counts, clock and times of PAUSEs are those after them. */
  private skip(): void {
    const { builder, locals, rounds } = this;
    builder.get(locals.counts);
    builder.get(locals.counts);
    builder.get(this.startCounts);
    builder.op(op.i64_sub);
    builder.get(rounds);
    builder.op(op.i64_trunc_f64_u);
    builder.op(op.i64_mul);
    builder.op(op.i64_add);
    builder.set(locals.counts);
    builder.get(locals.clock);
    this.pushRoundCycles();
    builder.get(rounds);
    builder.op(op.f64_mul);
    builder.op(op.f64_add);
    builder.set(locals.clock);
    this.movePause(F64_PLE_FIRST, this.firstPauseMoves);
    this.movePause(F64_PLE_LAST, this.lastPauseMoves);
  }

  private movePause(field: number, moves: number): void {
    const { builder, locals, rounds } = this;
    builder.get(locals.core);
    this.pushField(field);
    builder.get(moves);
    builder.get(rounds);
    builder.op(op.f64_mul);
    builder.op(op.f64_add);
    builder.memory(op.f64_store, field * 8);
  }

  private pushField(field: number): void {
    this.builder.get(this.locals.core);
    this.builder.memory(op.f64_load, field * 8);
  }

  private pushRoundCycles(): void {
    const { builder, locals } = this;
    builder.get(locals.clock);
    builder.get(this.startClock);
    builder.op(op.f64_sub);
  }
}
