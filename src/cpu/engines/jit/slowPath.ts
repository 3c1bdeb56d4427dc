/** What generated code cannot do by itself: the reference engine's own operations do it, so that there is one meaning of it. */
import { COUNTER_TLB_LOOKUPS } from '../../../trace/counters.ts';
import type { Core } from '../../core.ts';
import type { Width } from '../../decode/instruction.ts';
import { guestFault } from '../../guestFault.ts';
import { stepOf } from '../../semantics/floatStep.ts';
import { F64_HORIZON, I32_REGION, U64_TRANSFER, U64_TRANSFER_HIGH } from '../../state.ts';
import { emitMark } from '../../system/mark.ts';
import { ReferenceOps } from '../reference/referenceOps.ts';
import { ACCESS_DONE, ACCESS_FAULTED, SLOW_LOAD, SLOW_STORE, SLOW_STORE_UPDATE, SLOW_UPDATE } from './accessEmitter.ts';
import type { HostCalls } from './runtime.ts';

export class SlowPath implements HostCalls {
  /** Code page of each region, by its number: a store to it ends the region. */
  readonly pages: number[] = [];
  /** Figures for the benchmarks. */
  accesses = 0;
  floats = 0;
  private readonly ops = new ReferenceOps();
  private core!: Core;
  /** The operations work on this turn's core: most turns are over without them. */
  private attached = false;

  /** A turn of this core begins. */
  begin(core: Core): void {
    this.core = core;
    this.attached = false;
  }

  /** Generated code is entered: nothing of its own code has been written yet. */
  enter(): void {
    this.ops.blockWritten = false;
  }

  private attach(): void {
    if (this.attached) return;
    this.attached = true;
    this.ops.attach(this.core);
  }

  /** An access that the shortcut does not serve, carried out by the reference engine's own operations. */
  access(laLow: number, laHigh: number, word: number): number {
    const { core, ops } = this;
    const { state } = core;
    const kind = word & 15;
    const bits = word >>> 8;
    const width = bits as Width;
    const segment = (word >>> 4) & 15;
    ops.blockPage = this.pages[state.i32[I32_REGION]!]!;
    ops.blockSecondPage = -1;
    const la = BigInt.asUintN(64, (BigInt(laHigh) << 32n) | BigInt(laLow >>> 0));
    this.accesses++;
    this.attach();
    try {
      switch (kind) {
        case SLOW_LOAD:
          if (bits === 128) this.keepTransfer(ops.loadVector(segment, la));
          else state.u64[U64_TRANSFER] = ops.load(width, segment, la);
          break;
        case SLOW_UPDATE:
          state.u64[U64_TRANSFER] = ops.loadForUpdate(width, segment, la);
          break;
        case SLOW_STORE:
          if (bits === 128) ops.storeVector(segment, la, (state.u64[U64_TRANSFER_HIGH]! << 64n) | state.u64[U64_TRANSFER]!);
          else ops.store(width, segment, la, BigInt.asUintN(width, state.u64[U64_TRANSFER]!));
          break;
        case SLOW_STORE_UPDATE:
          ops.storeUpdate(width, BigInt.asUintN(width, state.u64[U64_TRANSFER]!));
          break;
      }
    } catch (thrown) {
      if (thrown !== guestFault) throw thrown;
      return ACCESS_FAULTED;
    }
    // Generated code counts one translation for each access by itself.
    if (kind !== SLOW_STORE_UPDATE) state.counters[COUNTER_TLB_LOOKUPS]! -= 1;
    if (ops.blockWritten) state.f64[F64_HORIZON] = -2;
    else if (core.attention) state.f64[F64_HORIZON] = Math.min(-1, state.f64[F64_HORIZON]!);
    // A store to a monitored line has shortened the turn.
    else if (core.horizon < state.f64[F64_HORIZON]!) state.f64[F64_HORIZON] = core.horizon;
    return ACCESS_DONE;
  }

  private keepTransfer(value: bigint): void {
    const { u64 } = this.core.state;
    u64[U64_TRANSFER] = value;
    u64[U64_TRANSFER_HIGH] = value >> 64n;
  }

  /** Observers are told of a mark. */
  mark(number: number): void {
    emitMark(this.core, number);
  }

  /** A floating-point operation that is not ordinary, carried out by the reference engine's unit. */
  floating(number: number): number {
    const { floatOperands } = this.core.state;
    const [aLow, aHigh, bLow, bHigh] = floatOperands as unknown as readonly [bigint, bigint, bigint, bigint];
    const step = stepOf(number);
    this.floats++;
    this.attach();
    try {
      const result = this.ops.floating(step, (aHigh << 64n) | aLow, step.integerSource ? bLow : (bHigh << 64n) | bLow);
      floatOperands[0] = result;
      floatOperands[1] = result >> 64n;
    } catch (thrown) {
      if (thrown !== guestFault) throw thrown;
      return ACCESS_FAULTED;
    }
    return ACCESS_DONE;
  }

  /** An exception that a meaning raises. */
  raise(vector: number, errorCode: number): void {
    guestFault.set(vector, errorCode);
  }
}
