import { CR0_EM, CR0_TS, CR4_OSFXSR } from '../../../arch/controlRegisters.ts';
import { I32_LEFT_BLOCK, I32_LEFT_INSTRUCTION, U64_CR0, U64_CR4 } from '../../state.ts';
import { CodeBuilder } from './codeBuilder.ts';
import type { RegionLocals, RuntimeNumbers } from './instructionEmitter.ts';
import {
  CLOCK_BYTE,
  HORIZON_BYTE,
  INSTRUCTIONS_BYTE,
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
import { CORE_STATE_SHIFT } from './lineEmitter.ts';
import { RUNTIME_IMPORTS } from './runtime.ts';
import { simdOp } from './simd.ts';
import { F64, I32, I64, op, V128 } from './wasmModule.ts';

/** Parameters of a region's function: the core's state block, its shortcut, the number of the block to begin with. */
const PARAMETERS = 3;
const NEXT_BLOCK = 2;

/** Numbers of the runtime's functions in a region's module. */
export const RUNTIME_NUMBERS = Object.fromEntries(RUNTIME_IMPORTS.map((name, index) => [name, index])) as unknown as RuntimeNumbers &
  Record<(typeof RUNTIME_IMPORTS)[number], number>;

/** Numbers of the registers that a region reads or writes, and writes. */
export interface RegistersUsed {
  readonly touched: Iterable<number>;
  readonly written: Iterable<number>;
  readonly touchedXmm: Iterable<number>;
  readonly writtenXmm: Iterable<number>;
  /** There are SSE instructions in it. */
  readonly needsSse: boolean;
}

/**
 * Leaves the block to the reference engine, which raises what there is to raise, unless the core may execute SSE instructions (sseAccess). Whatever
 * changes CR0 or CR4 leaves the region, so that looking at its entry is enough.
 */
function leaveUnlessSse(builder: CodeBuilder, core: number): void {
  builder.get(core);
  builder.memory(op.i32_load, U64_CR0 * 8);
  builder.i32(CR0_EM | CR0_TS);
  builder.op(op.i32_and);
  builder.get(core);
  builder.memory(op.i32_load, U64_CR4 * 8);
  builder.i32(CR4_OSFXSR);
  builder.op(op.i32_and);
  builder.op(op.i32_eqz);
  builder.op(op.i32_or);
  builder.openIf(0);
  builder.get(core);
  builder.get(NEXT_BLOCK);
  builder.memory(op.i32_store, I32_LEFT_BLOCK * 4);
  builder.get(core);
  builder.i32(0);
  builder.memory(op.i32_store, I32_LEFT_INSTRUCTION * 4);
  builder.i32(LEFT_TO_REFERENCE);
  builder.op(op.return);
  builder.close();
}

/** The function of a region around its blocks: the locals, and their way from and to the core's state block. */
export class RegionFrame {
  readonly builder = new CodeBuilder(PARAMETERS);
  readonly locals: RegionLocals;
  /** i32: number of the block to go on with, where only the dispatcher at the top can do it. */
  readonly next = NEXT_BLOCK;
  /** i32: what the function answers, LEFT_…. */
  readonly reason: number;

  constructor() {
    const { builder } = this;
    const operation = (): RegionLocals['top'] => ({ a: builder.local(I64), b: builder.local(I64), r: builder.local(I64) });
    this.locals = {
      core: 0,
      shortcut: 1,
      gpr: Array.from({ length: 16 }, () => builder.local(I64)),
      xmm: Array.from({ length: 16 }, () => builder.local(V128)),
      flagsWord: builder.local(I32),
      pendingRule: builder.local(I32),
      pending: operation(),
      top: operation(),
      page: builder.local(I64),
      context: builder.local(I64),
      clock: builder.local(F64),
      horizon: builder.local(F64),
      counts: builder.local(I64),
      rip: builder.local(I64),
      updateAddress: builder.local(I32),
      lineBit: builder.local(I32),
      disturbed: builder.local(I32),
      mulHighUnsigned: RUNTIME_NUMBERS.mulHighUnsigned,
      mulHighSigned: RUNTIME_NUMBERS.mulHighSigned,
    };
    this.reason = builder.local(I32);
  }

  /** Emits: `lineBit` is there. */
  loadLineBit(builder: CodeBuilder): void {
    builder.i32(1);
    builder.get(this.locals.core);
    builder.i32(CORE_STATE_SHIFT);
    builder.op(op.i32_shr_u);
    builder.op(op.i32_shl);
    builder.set(this.locals.lineBit);
  }

  /**
   * Code that fills the locals; comes before what `builder` has.
   * @param more emits what else belongs there.
   */
  prologue({ touched, touchedXmm, needsSse }: RegistersUsed, more: (builder: CodeBuilder) => void): Uint8Array {
    const { locals } = this;
    const builder = new CodeBuilder(PARAMETERS);
    if (needsSse) leaveUnlessSse(builder, locals.core);
    const load = (opcode: number, offset: number, local: number): void => {
      builder.get(locals.core);
      builder.memory(opcode, offset);
      builder.set(local);
    };
    for (const register of touched) load(op.i64_load, register * 8, locals.gpr[register]!);
    for (const register of touchedXmm) load(simdOp.v128_load, xmmByte(register), locals.xmm[register]!);
    more(builder);
    load(op.i32_load, RFLAGS_BYTE, locals.flagsWord);
    load(op.i32_load, PENDING_RULE_BYTE, locals.pendingRule);
    load(op.i64_load, PENDING_A_BYTE, locals.pending.a);
    load(op.i64_load, PENDING_B_BYTE, locals.pending.b);
    load(op.i64_load, PENDING_R_BYTE, locals.pending.r);
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

  /** Emits the end: the locals are in the state block. */
  epilogue({ written, writtenXmm }: RegistersUsed): void {
    const { builder, locals } = this;
    const store = (opcode: number, offset: number, local: number): void => {
      builder.get(locals.core);
      builder.get(local);
      builder.memory(opcode, offset);
    };
    for (const register of written) store(op.i64_store, register * 8, locals.gpr[register]!);
    for (const register of writtenXmm) store(simdOp.v128_store, xmmByte(register), locals.xmm[register]!);
    store(op.i32_store, RFLAGS_BYTE, locals.flagsWord);
    store(op.i32_store, PENDING_RULE_BYTE, locals.pendingRule);
    store(op.i64_store, PENDING_A_BYTE, locals.pending.a);
    store(op.i64_store, PENDING_B_BYTE, locals.pending.b);
    store(op.i64_store, PENDING_R_BYTE, locals.pending.r);
    store(op.f64_store, CLOCK_BYTE, locals.clock);
    store(op.i64_store, RIP_BYTE, locals.rip);
    this.addCount(INSTRUCTIONS_BYTE, false);
    this.addCount(LOOKUPS_BYTE, true);
    builder.get(this.reason);
  }

  /** A counter in the state block grows by the low or high half of the counts. */
  private addCount(offset: number, high: boolean): void {
    const { builder, locals } = this;
    builder.get(locals.core);
    builder.get(locals.core);
    builder.memory(op.f64_load, offset);
    builder.get(locals.counts);
    if (high) {
      builder.i64(32n);
      builder.op(op.i64_shr_u);
    }
    builder.op(op.i32_wrap_i64);
    builder.op(op.f64_convert_i32_u);
    builder.op(op.f64_add);
    builder.memory(op.f64_store, offset);
  }
}
