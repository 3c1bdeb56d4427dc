/**
 * A toy WebAssembly emitter: the smallest engine that turns meanings into code, to prove that `Ops` is an interface a compiler can
 * stand behind. Its run-time values are local variables, bound where they are read, so reads are snapshots by construction.
 *
 * One exported function executes one straight run of instructions on one memory: registers at 0, RFLAGS at 128, flat guest memory at
 * GUEST. No faults, no branches, no segments.
 */
import type { Instruction, Width } from '../../src/cpu/decode/instruction.ts';
import { conditionOfFlags } from '../../src/cpu/semantics/conditions.ts';
import type { FlagBit, FlagRule, Ops, Value } from '../../src/cpu/semantics/ops.ts';

const FLAGS = 128;
/** Linear address 0 of the guest lies here. */
export const GUEST = 4096;

/** A run-time value: the number of a local variable of type i64. */
type Local = number;

const I64 = 0x7e;
const op = {
  end: 0x0b,
  localGet: 0x20,
  localSet: 0x21,
  i64Load: 0x29,
  i64Store: 0x37,
  i64Const: 0x42,
  i64Eq: 0x51,
  i64LtS: 0x53,
  i64LtU: 0x54,
  i64Popcnt: 0x7b,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64And: 0x83,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64Shl: 0x86,
  i64ShrS: 0x87,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  i64ExtendI32U: 0xad,
  select: 0x1b,
  i32Const: 0x41,
} as const;

/** Loads and stores by width: opcode of the zero-extending load, opcode of the truncating store. */
const MEMORY_OPCODES: Readonly<Record<Width, readonly [load: number, store: number]>> = {
  8: [0x31, 0x3c],
  16: [0x33, 0x3d],
  32: [0x35, 0x3e],
  64: [0x29, 0x37],
};

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

const maskOf = (width: Width): bigint => (1n << BigInt(width)) - 1n;

export class ToyEmitter implements Partial<Ops<Local>> {
  private readonly code: number[] = [];
  private locals = 0;
  private readonly pendingGpr: { width: Width; register: number; value: Local }[] = [];
  private readonly pendingFlags = new Map<FlagBit, Local>();
  private updateAddress: Local = -1;

  /** Compiles a straight run of instructions; the function runs it on the memory. */
  static compile(instructions: readonly Instruction[], memory: WebAssembly.Memory): () => void {
    const emitter = new ToyEmitter();
    // What the toy leaves out is absent: a meaning that asks for it fails at compile time of the block.
    const ops = emitter as unknown as Ops<Value>;
    for (const insn of instructions) {
      insn.meaning(ops, insn);
      emitter.commit();
    }
    const module = new WebAssembly.Module(Uint8Array.from(emitter.module()));
    const instance = new WebAssembly.Instance(module, { host: { memory } });
    return instance.exports['run'] as () => void;
  }

  private module(): number[] {
    const section = (id: number, content: number[]) => [id, ...unsigned(content.length), ...content];
    const name = (text: string) => [text.length, ...Buffer.from(text)];
    const body = [1, ...unsigned(this.locals), I64, ...this.code, op.end];
    return [
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [1, 0x60, 0, 0]),
      ...section(2, [1, ...name('host'), ...name('memory'), 2, 0, 1]),
      ...section(3, [1, 0]),
      ...section(7, [1, ...name('run'), 0, 0]),
      ...section(10, [1, ...unsigned(body.length), ...body]),
    ];
  }

  /** Register and flag writes take effect, in order, when the instruction is complete. */
  private commit(): void {
    for (const { width, register, value } of this.pendingGpr) {
      const high = register >= 16;
      const address = high ? (register - 16) * 8 + 1 : register * 8;
      this.code.push(op.i32Const, 0, op.localGet, ...unsigned(value));
      // A 32-bit write clears the upper half: the value is zero-extended already.
      this.code.push(MEMORY_OPCODES[width === 32 ? 64 : width][1], 0, ...unsigned(address));
    }
    this.pendingGpr.length = 0;
    for (const [bit, value] of this.pendingFlags) {
      const kept = this.binary(op.i64And, this.word(FLAGS), this.constant(64, ~(1n << BigInt(bit))));
      const moved = this.binary(op.i64Shl, value, this.constant(64, BigInt(bit)));
      const word = this.binary(op.i64Or, kept, moved);
      this.code.push(op.i32Const, 0, op.localGet, ...unsigned(word), op.i64Store, 0, ...unsigned(FLAGS));
    }
    this.pendingFlags.clear();
  }

  /** A new local that takes what is on the stack. */
  private bind(): Local {
    this.code.push(op.localSet, ...unsigned(this.locals));
    return this.locals++;
  }

  private word(address: number): Local {
    this.code.push(op.i32Const, 0, op.i64Load, 0, ...unsigned(address));
    return this.bind();
  }

  private unary(opcode: number, a: Local): Local {
    this.code.push(op.localGet, ...unsigned(a), opcode);
    return this.bind();
  }

  private binary(opcode: number, a: Local, b: Local): Local {
    this.code.push(op.localGet, ...unsigned(a), op.localGet, ...unsigned(b), opcode);
    return this.bind();
  }

  private compare(opcode: number, a: Local, b: Local): Local {
    this.code.push(op.localGet, ...unsigned(a), op.localGet, ...unsigned(b), opcode, op.i64ExtendI32U);
    return this.bind();
  }

  private narrow(width: Width, a: Local): Local {
    return width === 64 ? a : this.binary(op.i64And, a, this.constant(64, maskOf(width)));
  }

  /** The value sign-extended to 64 bits. */
  private widen(width: Width, a: Local): Local {
    if (width === 64) return a;
    const up = this.constant(64, BigInt(64 - width));
    return this.binary(op.i64ShrS, this.binary(op.i64Shl, a, up), up);
  }

  private pushAddress(la: Local): void {
    this.code.push(op.localGet, ...unsigned(la), op.i32WrapI64);
  }

  constant(_width: Width, value: bigint): Local {
    this.code.push(op.i64Const, ...signed(value));
    return this.bind();
  }

  add(width: Width, a: Local, b: Local): Local {
    return this.narrow(width, this.binary(op.i64Add, a, b));
  }

  sub(width: Width, a: Local, b: Local): Local {
    return this.narrow(width, this.binary(op.i64Sub, a, b));
  }

  mul(width: Width, a: Local, b: Local): Local {
    return this.narrow(width, this.binary(op.i64Mul, a, b));
  }

  and(_width: Width, a: Local, b: Local): Local {
    return this.binary(op.i64And, a, b);
  }

  or(_width: Width, a: Local, b: Local): Local {
    return this.binary(op.i64Or, a, b);
  }

  xor(_width: Width, a: Local, b: Local): Local {
    return this.binary(op.i64Xor, a, b);
  }

  not(width: Width, a: Local): Local {
    return this.binary(op.i64Xor, a, this.constant(64, maskOf(width)));
  }

  negate(width: Width, a: Local): Local {
    return this.sub(width, this.constant(64, 0n), a);
  }

  /** WebAssembly shifts modulo 64: counts beyond the width are caught. */
  private shift(opcode: number, width: Width, a: Local, count: Local): Local {
    const shifted = this.narrow(width, this.binary(opcode, a, count));
    const inside = this.lessUnsigned(64, count, this.constant(64, BigInt(width)));
    return this.select(width, inside, shifted, this.constant(64, 0n));
  }

  shiftLeft(width: Width, a: Local, count: Local): Local {
    return this.shift(op.i64Shl, width, a, count);
  }

  shiftRight(width: Width, a: Local, count: Local): Local {
    return this.shift(op.i64ShrU, width, a, count);
  }

  shiftRightSigned(width: Width, a: Local, count: Local): Local {
    const inside = this.lessUnsigned(64, count, this.constant(64, 63n));
    const clamped = this.select(64, inside, count, this.constant(64, 63n));
    return this.narrow(width, this.binary(op.i64ShrS, this.widen(width, a), clamped));
  }

  popCount(_width: Width, a: Local): Local {
    return this.unary(op.i64Popcnt, a);
  }

  equal(_width: Width, a: Local, b: Local): Local {
    return this.compare(op.i64Eq, a, b);
  }

  lessUnsigned(_width: Width, a: Local, b: Local): Local {
    return this.compare(op.i64LtU, a, b);
  }

  lessSigned(width: Width, a: Local, b: Local): Local {
    return this.compare(op.i64LtS, this.widen(width, a), this.widen(width, b));
  }

  select(_width: Width, condition: Local, a: Local, b: Local): Local {
    this.code.push(op.localGet, ...unsigned(a), op.localGet, ...unsigned(b));
    this.code.push(op.localGet, ...unsigned(condition), op.i32WrapI64, op.select);
    return this.bind();
  }

  zeroExtend(_from: Width, _to: Width, a: Local): Local {
    return a;
  }

  signExtend(from: Width, to: Width, a: Local): Local {
    return this.narrow(to, this.widen(from, a));
  }

  truncate(_from: Width, to: Width, a: Local): Local {
    return this.narrow(to, a);
  }

  readGpr(width: Width, register: number): Local {
    const address = register >= 16 ? (register - 16) * 8 + 1 : register * 8;
    this.code.push(op.i32Const, 0, MEMORY_OPCODES[width][0], 0, ...unsigned(address));
    return this.bind();
  }

  writeGpr(width: Width, register: number, value: Local): void {
    this.pendingGpr.push({ width, register, value });
  }

  readCondition(condition: number): Local {
    const flag = (bit: FlagBit): Value => this.readFlag(bit) as unknown as Value;
    return conditionOfFlags(this as unknown as Ops<Value>, condition, flag) as unknown as Local;
  }

  readFlag(bit: FlagBit): Local {
    const moved = this.binary(op.i64ShrU, this.word(FLAGS), this.constant(64, BigInt(bit)));
    return this.binary(op.i64And, moved, this.constant(64, 1n));
  }

  writeFlag(bit: FlagBit, value: Local): void {
    this.pendingFlags.set(bit, value);
  }

  /** Worked out at once, by the rule's own definition; a real engine leaves out what nobody reads. */
  setFlags(rule: FlagRule, width: Width, a: Local, b: Local, r: Local): void {
    const ops = this as unknown as Ops<Value>;
    const opaque = (local: Local): Value => local as unknown as Value;
    for (let bit = 0; bit < 12; bit++) {
      if ((rule.mask & (1 << bit)) === 0) continue;
      this.writeFlag(bit, rule.flag(ops, bit, width, opaque(a), opaque(b), opaque(r)) as unknown as Local);
    }
  }

  load(width: Width, _segment: number, la: Local): Local {
    this.pushAddress(la);
    this.code.push(MEMORY_OPCODES[width][0], 0, ...unsigned(GUEST));
    return this.bind();
  }

  store(width: Width, _segment: number, la: Local, value: Local): void {
    this.pushAddress(la);
    this.code.push(op.localGet, ...unsigned(value), MEMORY_OPCODES[width][1], 0, ...unsigned(GUEST));
  }

  loadForUpdate(width: Width, segment: number, la: Local): Local {
    this.updateAddress = la;
    return this.load(width, segment, la);
  }

  storeUpdate(width: Width, value: Local): void {
    this.store(width, 0, this.updateAddress, value);
  }
}
