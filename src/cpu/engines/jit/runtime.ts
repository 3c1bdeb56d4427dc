/**
 * What all compiled regions share, itself generated: working out pending flags (from the rules, by the same emitter), wide multiplication, and the way
 * from a shortcut miss to the host.
 */
import { RFLAGS_STATUS } from '../../../arch/rflags.ts';
import type { Width } from '../../decode/instruction.ts';
import { FLAG_RULES } from '../../semantics/flags.ts';
import type { Ops, Value } from '../../semantics/ops.ts';
import { CodeBuilder } from './codeBuilder.ts';
import { EmitterOps } from './emitterOps.ts';
import {
  CLOCK_BYTE,
  PENDING_A_BYTE,
  PENDING_B_BYTE,
  PENDING_MASK_SHIFT,
  PENDING_R_BYTE,
  PENDING_RULE_BYTE,
  RFLAGS_BYTE,
  TRANSFER_BYTE,
} from './jitLayout.ts';
import { localNode, type Node, NodeEmitter } from './node.ts';
import { encodeModule, F64, type FunctionBody, I32, I64, op } from './wasmModule.ts';

/** What a shortcut miss calls on the host. The linear address is in TRANSFER (its value for stores beside it). */
export interface HostCalls {
  /** @param access see `accessWord`. @returns ACCESS_DONE, ACCESS_FAULTED or ACCESS_WROTE_CODE. */
  access(la_low: number, la_high: number, access: number): number;
  raise(vector: number, errorCode: number): void;
}

export const ACCESS_DONE = 0;
export const ACCESS_FAULTED = 1;
export const ACCESS_WROTE_CODE = 2;

/** Kinds of slow access. */
export const SLOW_LOAD = 0;
export const SLOW_UPDATE = 1;
export const SLOW_STORE = 2;
export const SLOW_STORE_UPDATE = 3;
/** Width, segment and kind in one word. */
export const accessWord = (kind: number, width: number, segment: number): number => kind | (segment << 4) | (width << 8);

/** Functions that regions import from the runtime, in this order, with their types. */
export const RUNTIME_IMPORTS = ['close', 'access', 'raise', 'mulHighUnsigned', 'mulHighSigned'] as const;
export const RUNTIME_TYPES = [
  // close(rule, a, b, r, flags) -> flags
  { parameters: [I32, I64, I64, I64, I32], results: [I32] },
  // access(core, clock, la, value, access) -> status
  { parameters: [I32, F64, I64, I64, I32], results: [I32] },
  // raise(vector, errorCode)
  { parameters: [I32, I32], results: [] },
  // mulHigh(a, b)
  { parameters: [I64, I64], results: [I64] },
] as const;
export const RUNTIME_TYPE_OF = [0, 1, 2, 3, 3] as const;

export interface Runtime {
  readonly functions: Record<string, unknown>;
  /** RFLAGS of the core's state block is exact; nothing is pending. */
  closeInState(core: number): void;
}

const TYPES = [
  ...RUNTIME_TYPES,
  // host access(la low, la high, access) -> status
  { parameters: [I32, I32, I32], results: [I32] },
  // closeInState(core)
  { parameters: [I32], results: [] },
];
const TYPE_HOST_ACCESS = 4;
const TYPE_CLOSE_IN_STATE = 5;
const HOST_ACCESS = 0;
const HOST_RAISE = 1;
const CLOSE = 2;
const MUL_HIGH_UNSIGNED = 5;
const MUL_HIGH_SIGNED = 6;

/** Compiles the runtime for a machine's memory. */
export function createRuntime(memory: WebAssembly.Memory, memoryPages: number, host: HostCalls): Runtime {
  const functions: FunctionBody[] = [
    closeFunction(),
    accessFunction(),
    raiseFunction(),
    mulHighUnsigned(),
    mulHighSigned(),
    closeInStateFunction(),
  ];
  const imports = [
    { module: 'host', name: 'access', type: TYPE_HOST_ACCESS },
    { module: 'host', name: 'raise', type: 2 },
  ];
  const module = new WebAssembly.Module(encodeModule(TYPES, imports, memoryPages, functions));
  const instance = new WebAssembly.Instance(module, {
    env: { memory },
    host: { access: host.access.bind(host), raise: host.raise.bind(host) },
  });
  const exports = instance.exports as Record<string, unknown>;
  return { functions: exports, closeInState: exports['closeInState'] as (core: number) => void };
}

function body(builder: CodeBuilder, name: string, type: number): FunctionBody {
  return { type, name, locals: builder.locals, code: builder.code.bytes().slice() };
}

/** One case for each rule and width: the rule's flags, bit by bit, into the flags word. */
function closeFunction(): FunctionBody {
  const [RULE, A, B, R, FLAGS] = [0, 1, 2, 3, 4];
  const builder = new CodeBuilder(5);
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
      flagsWord: FLAGS,
      page: -1,
      mulHighUnsigned: MUL_HIGH_UNSIGNED,
      mulHighSigned: MUL_HIGH_SIGNED,
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
  return body(builder, 'close', 0);
}

/** Leaves address, value and clock where the host finds them, and calls it. */
function accessFunction(): FunctionBody {
  const [CORE, CLOCK, LA, VALUE, ACCESS] = [0, 1, 2, 3, 4];
  const builder = new CodeBuilder(5);
  builder.get(CORE);
  builder.get(CLOCK);
  builder.memory(op.f64_store, CLOCK_BYTE);
  builder.get(CORE);
  builder.get(VALUE);
  builder.memory(op.i64_store, TRANSFER_BYTE);
  builder.get(LA);
  builder.op(op.i32_wrap_i64);
  builder.get(LA);
  builder.i64(32n);
  builder.op(op.i64_shr_u);
  builder.op(op.i32_wrap_i64);
  builder.get(ACCESS);
  builder.call(HOST_ACCESS);
  return body(builder, 'access', 1);
}

function raiseFunction(): FunctionBody {
  const builder = new CodeBuilder(2);
  builder.get(0);
  builder.get(1);
  builder.call(HOST_RAISE);
  return body(builder, 'raise', 2);
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

function mulHighUnsigned(): FunctionBody {
  const builder = new CodeBuilder(2);
  emitMulHighUnsigned(builder, 0, 1);
  return body(builder, 'mulHighUnsigned', 3);
}

/** The unsigned product less b where a is negative, and a where b is. */
function mulHighSigned(): FunctionBody {
  const builder = new CodeBuilder(2);
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
  return body(builder, 'mulHighSigned', 3);
}

function closeInStateFunction(): FunctionBody {
  const CORE = 0;
  const builder = new CodeBuilder(1);
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
  builder.call(CLOSE);
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
  return body(builder, 'closeInState', TYPE_CLOSE_IN_STATE);
}
