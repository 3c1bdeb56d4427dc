import { CodeBuilder } from './codeBuilder.ts';
import { F64, type FunctionBody, I32, I64, op } from './wasmModule.ts';

/** A parameter or local of the function being written. */
export class Variable {
  readonly index: number;
  readonly type: number;

  constructor(index: number, type: number) {
    this.index = index;
    this.type = type;
  }
}

/** What leaves one value on the stack: a variable, an i32 (number) or i64 (bigint) constant, or code. */
export type Operand = Variable | number | bigint | (() => void);

/** Bytes of memory at an i32 address, by width. */
const LOADS = { 8: op.i32_load8_u, 32: op.i32_load } as const;

/**
 * Writes a WebAssembly function as expressions and statements instead of stack operations. An expression is code that has not been
 * emitted yet: each use of it emits it again, so what is needed twice goes into a variable.
 */
export class FunctionWriter {
  readonly builder: CodeBuilder;
  readonly parameters: readonly Variable[];

  constructor(types: readonly number[]) {
    this.builder = new CodeBuilder(types.length);
    this.parameters = types.map((type, index) => new Variable(index, type));
  }

  /** The function as a module wants it. */
  finish(name: string | undefined, type: number): FunctionBody {
    return { type, name, locals: this.builder.locals, code: this.builder.code.bytes().slice() };
  }

  push(operand: Operand): void {
    if (operand instanceof Variable) this.builder.get(operand.index);
    else if (typeof operand === 'number') this.builder.i32(operand);
    else if (typeof operand === 'bigint') this.builder.i64(operand);
    else operand();
  }

  /** A new variable with this value. */
  let(type: number, value: Operand): Variable {
    const variable = new Variable(this.builder.local(type), type);
    this.set(variable, value);
    return variable;
  }

  i32(value: Operand): Variable {
    return this.let(I32, value);
  }

  i64(value: Operand): Variable {
    return this.let(I64, value);
  }

  f64(value: Operand): Variable {
    return this.let(F64, value);
  }

  set(variable: Variable, value: Operand): void {
    this.push(value);
    this.builder.set(variable.index);
  }

  /** An operation by its WebAssembly opcode. */
  op(opcode: number, ...operands: readonly Operand[]): () => void {
    return () => {
      for (const operand of operands) this.push(operand);
      this.builder.op(opcode);
    };
  }

  add = (a: Operand, b: Operand): Operand => (b === 0 ? a : this.op(op.i32_add, a, b));
  subtract = (a: Operand, b: Operand): Operand => this.op(op.i32_sub, a, b);
  multiply = (a: Operand, b: Operand): Operand => this.op(op.i32_mul, a, b);
  and = (a: Operand, b: Operand): Operand => this.op(op.i32_and, a, b);
  or = (a: Operand, b: Operand): Operand => this.op(op.i32_or, a, b);
  xor = (a: Operand, b: Operand): Operand => this.op(op.i32_xor, a, b);
  shiftLeft = (a: Operand, count: number): Operand => this.op(op.i32_shl, a, count);
  shiftRight = (a: Operand, count: number): Operand => (count === 0 ? a : this.op(op.i32_shr_u, a, count));
  isZero = (a: Operand): Operand => this.op(op.i32_eqz, a);
  equal = (a: Operand, b: Operand): Operand => this.op(op.i32_eq, a, b);
  differ = (a: Operand, b: Operand): Operand => this.op(op.i32_ne, a, b);
  /** Unsigned a < b. */
  less = (a: Operand, b: Operand): Operand => this.op(op.i32_lt_u, a, b);
  /** All bits of `mask` are set in `a`. */
  hasAll = (a: Operand, mask: Operand): Operand => this.equal(this.and(a, mask), mask);
  double =
    (value: number): Operand =>
    () =>
      this.builder.f64(value);

  /** Both hold; `b` is evaluated only when `a` does. */
  both(a: Operand, b: Operand): Operand {
    return () => {
      this.push(a);
      this.builder.open(op.if, I32);
      this.push(b);
      this.builder.op(op.else);
      this.builder.i32(0);
      this.builder.close();
    };
  }

  load(address: Operand, offset = 0, width: keyof typeof LOADS = 32): Operand {
    return this.loadWith(LOADS[width], address, offset);
  }

  /** A load by its opcode, of whatever type that gives. */
  loadWith(opcode: number, address: Operand, offset = 0): Operand {
    return () => {
      this.push(address);
      this.builder.memory(opcode, offset);
    };
  }

  store(address: Operand, offset: number, value: Operand): void {
    this.storeWith(op.i32_store, address, offset, value);
  }

  storeWith(opcode: number, address: Operand, offset: number, value: Operand): void {
    this.push(address);
    this.push(value);
    this.builder.memory(opcode, offset);
  }

  /** The float64 at [address + offset] grows. */
  increase(address: Operand, offset: number, amount: Operand): void {
    this.storeWith(op.f64_store, address, offset, this.op(op.f64_add, this.loadWith(op.f64_load, address, offset), amount));
  }

  if(condition: Operand, then: () => void, otherwise?: () => void): void {
    this.push(condition);
    this.builder.open(op.if);
    then();
    if (otherwise !== undefined) {
      this.builder.op(op.else);
      otherwise();
    }
    this.builder.close();
  }

  /** Runs the body, and again as long as the condition holds after it. */
  repeatWhile(body: () => void, condition: Operand): void {
    const level = this.builder.open(op.loop);
    body();
    this.push(condition);
    this.builder.branch(level, op.br_if);
    this.builder.close();
  }

  /** A block that `leave(level)` in its body jumps to the end of. */
  block(body: (level: number) => void): void {
    const level = this.builder.open(op.block);
    body(level);
    this.builder.close();
  }

  leave(level: number): void {
    this.builder.branch(level);
  }

  return(value: Operand): void {
    this.push(value);
    this.builder.op(op.return);
  }

  call(index: number, ...operands: readonly Operand[]): () => void {
    return () => {
      for (const operand of operands) this.push(operand);
      this.builder.call(index);
    };
  }

  /** A call of a function of the table. @param type number of the function's type. */
  callIndirect(type: number, element: Operand, ...operands: readonly Operand[]): () => void {
    return () => {
      for (const operand of [...operands, element]) this.push(operand);
      this.builder.callIndirect(type);
    };
  }

  /** Copies `bytes` bytes; the ranges may overlap. */
  copyMemory(to: Operand, from: Operand, bytes: Operand): void {
    for (const operand of [to, from, bytes]) this.push(operand);
    this.builder.bulk(op.bulk_memory_copy, 2);
  }

  /** Fills `bytes` bytes with the low byte of `value`. */
  fillMemory(to: Operand, value: Operand, bytes: Operand): void {
    for (const operand of [to, value, bytes]) this.push(operand);
    this.builder.bulk(op.bulk_memory_fill, 1);
  }
}
