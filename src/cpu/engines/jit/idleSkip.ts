import type { CodeBuilder } from './codeBuilder.ts';
import type { RegionLocals } from './instructionEmitter.ts';
import { F64, I32, I64, op } from './wasmModule.ts';

/** Most rounds skipped at once: their counts must fit 32 bits. */
const ROUND_LIMIT = 1e6;

/**
 * Code that advances an idle loop (`isIdle`) arithmetically: when a round is over that found all its words by the shortcut, as many rounds as
 * stay below the horizon have cost the same. The last one, in the middle of which the horizon may lie, is executed.
 */
export class IdleSkip {
  private readonly builder: CodeBuilder;
  private readonly locals: RegionLocals;
  private readonly startClock: number;
  private readonly startCounts: number;
  private readonly startDisturbed: number;
  private readonly rounds: number;

  constructor(builder: CodeBuilder, locals: RegionLocals) {
    this.builder = builder;
    this.locals = locals;
    this.startClock = builder.local(F64);
    this.startCounts = builder.local(I64);
    this.startDisturbed = builder.local(I32);
    this.rounds = builder.local(F64);
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
    builder.tee(rounds);
    builder.f64(0);
    builder.op(op.f64_gt);
    builder.open(op.if);
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
    builder.close();
    builder.close();
  }

  private pushRoundCycles(): void {
    const { builder, locals } = this;
    builder.get(locals.clock);
    builder.get(this.startClock);
    builder.op(op.f64_sub);
  }
}
