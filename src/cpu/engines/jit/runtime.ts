/**
 * What all compiled regions share, itself generated: working out pending flags (from the rules, by the same emitter), wide multiplication,
 * translation, INVLPG, repeated string instructions.
 */
import { RFLAGS_STATUS } from '../../../arch/rflags.ts';
import type { Width } from '../../decode/instruction.ts';
import { FLAG_RULES } from '../../semantics/flags.ts';
import type { Ops, Value } from '../../semantics/ops.ts';
import { defineAccess } from './accessEmitter.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import { EmitterOps } from './emitterOps.ts';
import { defineInvlpg } from './invalidateEmitter.ts';
import { PENDING_A_BYTE, PENDING_B_BYTE, PENDING_MASK_SHIFT, PENDING_R_BYTE, PENDING_RULE_BYTE, RFLAGS_BYTE } from './jitLayout.ts';
import { defineMoveLine } from './lineEmitter.ts';
import { ModuleWriter } from './moduleWriter.ts';
import { localNode, type Node, NodeEmitter } from './node.ts';
import { ordinaryFunction } from './ordinaryFloats.ts';
import { defineRepeat, REPEAT_PARAMETERS } from './repeatEmitter.ts';
import { defineFirstLevel, defineTlbFunctions, defineTranslate, type TranslationHardware } from './translateEmitter.ts';
import { F32, F64, I32, I64, op, V128 } from './wasmModule.ts';

/** What the runtime calls when it cannot go on by itself. */
export interface HostCalls {
  /** @param access see `accessWord`; a value to be stored, or that has been loaded, is in TRANSFER. @returns ACCESS_DONE or ACCESS_FAULTED. */
  access(laLow: number, laHigh: number, access: number): number;
  raise(vector: number, errorCode: number): void;
  /**
   * A floating-point operation that generated code does not do itself: operands and result in the state block (FLOAT_OPERANDS_OFFSET).
   * @param step its number. @returns ACCESS_DONE or ACCESS_FAULTED.
   */
  floating(step: number): number;
  /** @param number MARK_…. */
  mark(number: number): void;
}

/** Functions that regions import from the runtime, in this order, with their types. */
export const RUNTIME_IMPORTS = [
  ...(['close', 'access', 'raise', 'mulHighUnsigned', 'mulHighSigned'] as const),
  ...(['invlpg', 'repeat', 'floating', 'ordinaryF64', 'ordinaryF32', 'mark'] as const),
] as const;
export const RUNTIME_TYPES = [
  // close(rule, a, b, r, flags) -> flags
  { parameters: [I32, I64, I64, I64, I32], results: [I32] },
  // access(core, clock, la, value, access) -> status
  { parameters: [I32, F64, I64, I64, I32], results: [I32] },
  // raise(vector, errorCode)
  { parameters: [I32, I32], results: [] },
  // mulHigh(a, b)
  { parameters: [I64, I64], results: [I64] },
  // invlpg(core, la) -> INVLPG_…
  { parameters: [I32, I64], results: [I32] },
  // repeat(core, what, count, source, destination, value, most) -> elements done
  { parameters: REPEAT_PARAMETERS, results: [I32] },
  // floating(step) -> status
  { parameters: [I32], results: [I32] },
  // ordinary(a, b, r, floor, sum) -> lanes
  { parameters: [V128, V128, V128, F64, I32], results: [I32] },
  { parameters: [V128, V128, V128, F32, I32], results: [I32] },
  // mark(number)
  { parameters: [I32], results: [] },
] as const;
export const RUNTIME_TYPE_OF = [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9] as const;

export interface Runtime {
  readonly functions: Record<string, unknown>;
  /** RFLAGS of the core's state block is exact; nothing is pending. */
  closeInState(core: number): void;
}

/** Compiles the runtime for a machine's memory. */
export function createRuntime(memory: WebAssembly.Memory, memoryPages: number, hardware: TranslationHardware, host: HostCalls): Runtime {
  const module = new ModuleWriter();
  // host access(la low, la high, access) -> status
  const hostAccess = module.import('host', 'access', [I32, I32, I32], [I32]);
  const hostRaise = module.import('host', 'raise', [I32, I32], []);
  const mulHighUnsigned = module.define('mulHighUnsigned', [I64, I64], [I64], ({ builder }) => emitMulHighUnsigned(builder, 0, 1));
  const mulHighSigned = module.define('mulHighSigned', [I64, I64], [I64], ({ builder }) => emitMulHighSigned(builder));
  const close = module.define('close', [I32, I64, I64, I64, I32], [I32], ({ builder }) =>
    emitClose(builder, mulHighUnsigned, mulHighSigned),
  );
  module.define('closeInState', [I32], [], ({ builder }) => emitCloseInState(builder, close));
  module.define('raise', [I32, I32], [], (f, vector, errorCode) => f.push(f.call(hostRaise, vector, errorCode)));
  const functions = defineTlbFunctions(module, hardware.tlb);
  const firstLevel = defineFirstLevel(module, hardware);
  const { lines, ramBase } = hardware;
  const moveLine = lines === null ? undefined : defineMoveLine(module, lines, ramBase);
  defineAccess(module, defineTranslate(module, hardware, functions), hostAccess, moveLine);
  defineInvlpg(module, hardware.tlb, functions.drops);
  defineRepeat(module, hardware, firstLevel);
  module.add(ordinaryFunction('f64', module.type([V128, V128, V128, F64, I32], [I32])));
  module.add(ordinaryFunction('f32', module.type([V128, V128, V128, F32, I32], [I32])));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes(memoryPages)), {
    env: { memory },
    host: { access: host.access.bind(host), raise: host.raise.bind(host) },
  });
  const exports = instance.exports as Record<string, unknown>;
  return {
    functions: { ...exports, floating: host.floating.bind(host), mark: host.mark.bind(host) },
    closeInState: exports['closeInState'] as (core: number) => void,
  };
}

/** One case for each rule and width: the rule's flags, bit by bit, into the flags word. */
function emitClose(builder: CodeBuilder, mulHighUnsigned: number, mulHighSigned: number): void {
  const [RULE, A, B, R, FLAGS] = [0, 1, 2, 3, 4];
  const cases = FLAG_RULES.flatMap((rule) => ([8, 16, 32, 64] as const).map((width) => ({ rule, width })));
  const done = builder.open(op.block);
  const levels = cases.map(() => builder.open(op.block)).reverse();
  builder.get(RULE);
  builder.i32((1 << PENDING_MASK_SHIFT) - 1);
  builder.op(op.i32_and);
  builder.branchTable(levels, done);
  for (const { rule, width } of cases) {
    builder.close();
    const locals = {
      gpr: [],
      xmm: [],
      flagsWord: FLAGS,
      page: -1,
      mulHighUnsigned,
      mulHighSigned,
    };
    const emitter = new NodeEmitter(builder, -1);
    const ops = new EmitterOps(locals);
    builder.get(FLAGS);
    builder.i32(~(rule.mask & RFLAGS_STATUS));
    builder.op(op.i32_and);
    for (let bit = 0; bit < 16; bit++) {
      if (!(rule.mask & (1 << bit))) continue;
      const of = (local: number): Value => localNode(local, width) as unknown as Value;
      const flag = rule.flag(ops as unknown as Ops<Value>, bit, width as Width, of(A), of(B), of(R));
      emitter.condition(flag as unknown as Node);
      builder.i32(bit);
      builder.op(op.i32_shl);
      builder.op(op.i32_or);
      emitter.temporaries.releaseAll();
    }
    builder.set(FLAGS);
    builder.branch(done);
  }
  builder.close();
  builder.get(FLAGS);
}

/** High 64 bits of an unsigned product, from four 32-bit products. */
function emitMulHighUnsigned(builder: CodeBuilder, a: number, b: number): void {
  const middle = builder.local(I64);
  const low = (local: number): void => {
    builder.get(local);
    builder.i64(0xffff_ffffn);
    builder.op(op.i64_and);
  };
  const high = (local: number): void => {
    builder.get(local);
    builder.i64(32n);
    builder.op(op.i64_shr_u);
  };
  const cross = builder.local(I64);
  // middle = (al * bl >> 32) + ah * bl; cross = low(middle) + al * bh
  low(a);
  low(b);
  builder.op(op.i64_mul);
  builder.i64(32n);
  builder.op(op.i64_shr_u);
  high(a);
  low(b);
  builder.op(op.i64_mul);
  builder.op(op.i64_add);
  builder.set(middle);
  low(middle);
  low(a);
  high(b);
  builder.op(op.i64_mul);
  builder.op(op.i64_add);
  builder.set(cross);
  high(a);
  high(b);
  builder.op(op.i64_mul);
  high(middle);
  builder.op(op.i64_add);
  high(cross);
  builder.op(op.i64_add);
}

/** The unsigned product less b where a is negative, and a where b is. */
function emitMulHighSigned(builder: CodeBuilder): void {
  emitMulHighUnsigned(builder, 0, 1);
  for (const [sign, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    builder.get(sign);
    builder.i64(63n);
    builder.op(op.i64_shr_s);
    builder.get(other);
    builder.op(op.i64_and);
    builder.op(op.i64_sub);
  }
}

function emitCloseInState(builder: CodeBuilder, close: number): void {
  const CORE = 0;
  builder.get(CORE);
  builder.memory(op.i32_load, PENDING_RULE_BYTE);
  builder.open(op.if);
  builder.get(CORE);
  builder.get(CORE);
  builder.memory(op.i32_load, PENDING_RULE_BYTE);
  for (const offset of [PENDING_A_BYTE, PENDING_B_BYTE, PENDING_R_BYTE]) {
    builder.get(CORE);
    builder.memory(op.i64_load, offset);
  }
  builder.get(CORE);
  builder.memory(op.i32_load, RFLAGS_BYTE);
  builder.call(close);
  builder.memory(op.i32_store, RFLAGS_BYTE);
  builder.get(CORE);
  builder.i32(0);
  builder.memory(op.i32_store, PENDING_RULE_BYTE);
  for (const offset of [PENDING_A_BYTE, PENDING_B_BYTE, PENDING_R_BYTE]) {
    builder.get(CORE);
    builder.i64(0n);
    builder.memory(op.i64_store, offset);
  }
  builder.close();
}
