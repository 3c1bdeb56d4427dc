/**
 * `Ops` whose values are nodes: running a meaning records what the instruction computes and does, in order. No semantics of its own: a flag is
 * what its rule says, a meaning is what it says.
 */
import type { Width } from '../../decode/instruction.ts';
import type { FlagBit, FlagRule, Ops } from '../../semantics/ops.ts';
import { I32_SEGMENT_SELECTOR, U64_SEGMENT_BASE } from '../../state.ts';
import { constantNode, localNode, NODE_CALL, NODE_CONDITION, NODE_FLAG, NODE_SELECT, Node, stateNode } from './node.ts';
import { notCompilable } from './notCompilable.ts';
import { settledNode, VectorEmitterOps } from './vectorEmitterOps.ts';
import { I32, I64, op } from './wasmModule.ts';

/** Where the emitter finds things in the function it writes into. */
export interface EmitterLocals {
  /** By register number. */
  readonly gpr: readonly number[];
  readonly xmm: readonly number[];
  readonly flagsWord: number;
  /** i64: linear address of the page. */
  readonly page: number;
  /** Function numbers of the runtime's wide multiplications. */
  readonly mulHighUnsigned: number;
  readonly mulHighSigned: number;
}

const maskOf = (width: number): bigint => (1n << BigInt(width)) - 1n;

export class EmitterOps extends VectorEmitterOps implements Ops<Node> {
  /** Registers that code written so far reads or writes, and writes. */
  readonly touched = new Set<number>();
  readonly written = new Set<number>();
  /** Offset of the next instruction from the page's start. */
  nextOffset = 0;
  private readonly locals: EmitterLocals;

  constructor(locals: EmitterLocals) {
    super(locals.xmm);
    this.locals = locals;
  }

  /** What the meanings run so far have touched does not count. */
  forgetRegisters(): void {
    for (const registers of [this.touched, this.written, this.touchedXmm, this.writtenXmm]) registers.clear();
  }

  private binary(opcode: number, bits: number, a: Node, b: Node): Node {
    return new Node(opcode, I64, bits, a, b);
  }

  private truth(opcode: number, a: Node, b?: Node): Node {
    return new Node(opcode, I32, 1, a, b);
  }

  /** The low `width` bits of a node. */
  private mask(width: number, node: Node): Node {
    if (node.bits <= width) return node;
    if (node.isConstant) return constantNode(node.value & maskOf(width));
    if (width === 32) return new Node(op.i32_wrap_i64, I64, 32, node);
    return this.binary(op.i64_and, width, node, constantNode(maskOf(width)));
  }

  /** The value sign-extended to 64 bits. */
  private signed(width: number, node: Node): Node {
    if (width === 64 || node.bits < width) return node;
    const opcode = width === 32 ? op.i64_extend32_s : width === 16 ? op.i64_extend16_s : op.i64_extend8_s;
    return new Node(opcode, I64, 64, node);
  }

  constant(width: Width, value: bigint): Node {
    return constantNode(value & maskOf(width));
  }

  /** The other truth value. */
  not1(a: Node): Node {
    return a.type === I32 ? this.truth(op.i32_eqz, a) : this.truth(op.i64_eqz, a);
  }

  add(width: Width, a: Node, b: Node): Node {
    if (a.isConstant && b.isConstant) return constantNode((a.value + b.value) & maskOf(width));
    if (b.isConstant && b.value === 0n) return a;
    return this.mask(width, this.binary(op.i64_add, 64, a, b));
  }

  sub(width: Width, a: Node, b: Node): Node {
    if (a.isConstant && b.isConstant) return constantNode((a.value - b.value) & maskOf(width));
    if (b.isConstant && b.value === 0n) return a;
    return this.mask(width, this.binary(op.i64_sub, 64, a, b));
  }

  mul(width: Width, a: Node, b: Node): Node {
    return this.mask(width, this.binary(op.i64_mul, 64, a, b));
  }

  mulHighUnsigned(width: Width, a: Node, b: Node): Node {
    if (width === 64) return new Node(NODE_CALL, I64, 64, a, b, undefined, 0n, this.locals.mulHighUnsigned);
    return this.binary(op.i64_shr_u, width, this.binary(op.i64_mul, 64, a, b), constantNode(BigInt(width)));
  }

  mulHighSigned(width: Width, a: Node, b: Node): Node {
    if (width === 64) return new Node(NODE_CALL, I64, 64, a, b, undefined, 0n, this.locals.mulHighSigned);
    const product = this.binary(op.i64_mul, 64, this.signed(width, a), this.signed(width, b));
    return this.mask(width, this.binary(op.i64_shr_s, 64, product, constantNode(BigInt(width))));
  }

  /** high:low as one 64-bit value; only up to 32-bit divisions fit. */
  private dividend(width: Width, high: Node, low: Node): Node {
    if (width === 64) throw notCompilable;
    return this.binary(op.i64_or, 64, this.binary(op.i64_shl, 64, high, constantNode(BigInt(width))), low);
  }

  /** A divisor that cannot trap: the meaning has excluded the cases that this changes. */
  private safeDivisor(divisor: Node): Node {
    return new Node(NODE_SELECT, I64, 64, this.truth(op.i64_eqz, divisor), constantNode(1n), divisor);
  }

  divideUnsigned(width: Width, high: Node, low: Node, divisor: Node): Node {
    return this.mask(width, this.binary(op.i64_div_u, 64, this.dividend(width, high, low), this.safeDivisor(divisor)));
  }

  remainderUnsigned(width: Width, high: Node, low: Node, divisor: Node): Node {
    return this.mask(width, this.binary(op.i64_rem_u, 64, this.dividend(width, high, low), this.safeDivisor(divisor)));
  }

  divideSigned(width: Width, high: Node, low: Node, divisor: Node): Node {
    const [dividend, safe] = this.signedDivision(width, high, low, divisor);
    return this.mask(width, this.binary(op.i64_div_s, 64, dividend, safe));
  }

  remainderSigned(width: Width, high: Node, low: Node, divisor: Node): Node {
    const [dividend, safe] = this.signedDivision(width, high, low, divisor);
    return this.mask(width, this.binary(op.i64_rem_s, 64, dividend, safe));
  }

  /** The operands of a signed division, with the divisors that would trap (0; and -1 for the least dividend) replaced. */
  private signedDivision(width: Width, high: Node, low: Node, divisor: Node): [Node, Node] {
    const wide = this.dividend(width, high, low);
    const dividend = width === 32 ? wide : this.signed(2 * width, wide);
    const signedDivisor = this.signed(width, divisor);
    const least = this.truth(op.i64_eq, dividend, constantNode(1n << 63n));
    const minusOne = this.truth(op.i64_eq, signedDivisor, constantNode(maskOf(64)));
    const bad = this.truth(op.i32_or, this.truth(op.i64_eqz, divisor), this.truth(op.i32_and, least, minusOne));
    return [dividend, new Node(NODE_SELECT, I64, 64, bad, constantNode(1n), signedDivisor)];
  }

  signedDivideOverflows(width: Width, high: Node, low: Node, divisor: Node): Node {
    const [dividend, safe] = this.signedDivision(width, high, low, divisor);
    const quotient = this.binary(op.i64_div_s, 64, dividend, safe);
    const unfit = this.truth(op.i64_ne, this.signed(width, this.mask(width, quotient)), quotient);
    const least = this.truth(op.i64_eq, dividend, constantNode(1n << 63n));
    const minusOne = this.truth(op.i64_eq, this.signed(width, divisor), constantNode(maskOf(64)));
    const zero = this.truth(op.i64_eqz, divisor);
    return this.truth(op.i32_or, zero, this.truth(op.i32_or, unfit, this.truth(op.i32_and, least, minusOne)));
  }

  and(_width: Width, a: Node, b: Node): Node {
    if (a.isConstant && b.isConstant) return constantNode(a.value & b.value);
    if (a.type === I32 && b.type === I32) return this.truth(op.i32_and, a, b);
    if (b.isConstant && b.value === 1n && a.bits <= 1) return a;
    return this.binary(op.i64_and, Math.min(a.bits, b.bits), a, b);
  }

  or(_width: Width, a: Node, b: Node): Node {
    if (a.isConstant && b.isConstant) return constantNode(a.value | b.value);
    if (a.type === I32 && b.type === I32) return this.truth(op.i32_or, a, b);
    return this.binary(op.i64_or, Math.max(a.bits, b.bits), a, b);
  }

  xor(_width: Width, a: Node, b: Node): Node {
    if (a.isConstant && b.isConstant) return constantNode(a.value ^ b.value);
    if (a.bits <= 1 && b.isConstant && b.value === 1n) return this.not1(a);
    if (a.type === I32 && b.type === I32) return this.truth(op.i32_ne, a, b);
    return this.binary(op.i64_xor, Math.max(a.bits, b.bits), a, b);
  }

  not(width: Width, a: Node): Node {
    if (a.isConstant) return constantNode(a.value ^ maskOf(width));
    return this.binary(op.i64_xor, width, a, constantNode(maskOf(width)));
  }

  negate(width: Width, a: Node): Node {
    return this.mask(width, this.binary(op.i64_sub, 64, constantNode(0n), a));
  }

  shiftLeft(width: Width, a: Node, count: Node): Node {
    if (count.isConstant) {
      if (count.value >= width) return constantNode(0n);
      if (count.value === 0n) return a;
      return this.mask(width, this.binary(op.i64_shl, Math.min(64, a.bits + Number(count.value)), a, count));
    }
    return this.unlessTooFar(width, count, this.mask(width, this.binary(op.i64_shl, 64, a, count)), constantNode(0n));
  }

  shiftRight(width: Width, a: Node, count: Node): Node {
    if (count.isConstant) {
      if (count.value >= width) return constantNode(0n);
      if (count.value === 0n) return a;
      if (a.isConstant) return constantNode(a.value >> count.value);
      return this.binary(op.i64_shr_u, Math.max(0, a.bits - Number(count.value)), a, count);
    }
    return this.unlessTooFar(width, count, this.binary(op.i64_shr_u, a.bits, a, count), constantNode(0n));
  }

  shiftRightSigned(width: Width, a: Node, count: Node): Node {
    const value = this.signed(width, a);
    const last = constantNode(BigInt(width - 1));
    if (count.isConstant) return this.mask(width, this.binary(op.i64_shr_s, 64, value, count.value >= width ? last : count));
    const held = count.bits <= Math.log2(width) ? count : new Node(NODE_SELECT, I64, 7, this.tooFar(width, count), last, count);
    return this.mask(width, this.binary(op.i64_shr_s, 64, value, held));
  }

  private tooFar(width: Width, count: Node): Node {
    return this.truth(op.i64_gt_u, count, constantNode(BigInt(width - 1)));
  }

  /** WebAssembly takes shift counts modulo 64, `Ops` takes them as they are. */
  private unlessTooFar(width: Width, count: Node, shifted: Node, otherwise: Node): Node {
    if (count.bits <= Math.log2(width)) return shifted;
    return new Node(NODE_SELECT, I64, shifted.bits, this.tooFar(width, count), otherwise, shifted);
  }

  popCount(_width: Width, a: Node): Node {
    return new Node(op.i64_popcnt, I64, 7, a);
  }

  countTrailingZeros(width: Width, a: Node): Node {
    if (width === 64) return new Node(op.i64_ctz, I64, 7, a);
    return new Node(op.i64_ctz, I64, 7, this.binary(op.i64_or, 64, a, constantNode(1n << BigInt(width))));
  }

  countLeadingZeros(width: Width, a: Node): Node {
    const zeros = new Node(op.i64_clz, I64, 7, a);
    return width === 64 ? zeros : this.binary(op.i64_sub, 7, zeros, constantNode(BigInt(64 - width)));
  }

  byteSwap(width: 32 | 64, a: Node): Node {
    let result = constantNode(0n);
    for (let byte = 0; byte < width; byte += 8) {
      const moved = this.and(64, this.shiftRight(64, a, constantNode(BigInt(byte))), constantNode(0xffn));
      result = this.or(64, result, this.shiftLeft(64, moved, constantNode(BigInt(width - 8 - byte))));
    }
    return this.mask(width, result);
  }

  equal(_width: Width, a: Node, b: Node): Node {
    if (b.isConstant && b.value === 0n) return this.truth(op.i64_eqz, a);
    return this.truth(op.i64_eq, a, b);
  }

  lessUnsigned(_width: Width, a: Node, b: Node): Node {
    return this.truth(op.i64_lt_u, a, b);
  }

  lessSigned(width: Width, a: Node, b: Node): Node {
    return this.truth(op.i64_lt_s, this.signed(width, a), this.signed(width, b));
  }

  select(_width: Width, condition: Node, a: Node, b: Node): Node {
    return new Node(NODE_SELECT, I64, Math.max(a.bits, b.bits), condition, a, b);
  }

  zeroExtend(_from: Width, _to: Width, a: Node): Node {
    return a;
  }

  signExtend(from: Width, to: Width, a: Node): Node {
    return this.mask(to, this.signed(from, a));
  }

  truncate(_from: Width, to: Width, a: Node): Node {
    return this.mask(to, a);
  }

  readGpr(width: Width, register: number): Node {
    this.touched.add(register & 15);
    if (register >= 16) return this.mask(8, this.binary(op.i64_shr_u, 56, localNode(this.locals.gpr[register - 16]!), constantNode(8n)));
    return this.mask(width, localNode(this.locals.gpr[register]!));
  }

  writeGpr(width: Width, register: number, value: Node): void {
    this.touched.add(register & 15);
    this.written.add(register & 15);
    value.uses++;
    this.effects.push({ kind: 'gpr', width, register, value });
  }

  readSegmentBase(segment: number): Node {
    return stateNode((U64_SEGMENT_BASE + segment) * 8, 64);
  }

  readSegmentSelector(segment: number): Node {
    return stateNode((I32_SEGMENT_SELECTOR + segment) * 4, 32);
  }

  readNextRip(): Node {
    return this.binary(op.i64_add, 64, localNode(this.locals.page), constantNode(BigInt.asUintN(64, BigInt(this.nextOffset))));
  }

  readFlag(bit: FlagBit): Node {
    return new Node(NODE_FLAG, I32, 1, undefined, undefined, undefined, 0n, bit);
  }

  readCondition(condition: number): Node {
    return new Node(NODE_CONDITION, I32, 1, undefined, undefined, undefined, 0n, condition);
  }

  /** A bit of a value, as 0 or 1. */
  bitOf(a: Node, bit: number): Node {
    return this.binary(op.i64_and, 1, this.binary(op.i64_shr_u, 64, a, constantNode(BigInt(bit))), constantNode(1n));
  }

  writeFlag(bit: FlagBit, value: Node): void {
    value.uses++;
    this.effects.push({ kind: 'flag', bit, value });
  }

  setFlags(rule: FlagRule, width: Width, a: Node, b: Node, r: Node): void {
    for (const node of [a, b, r]) node.uses++;
    this.effects.push({ kind: 'flags', condition: undefined, rule, width, a, b, r });
  }

  setFlagsIf(condition: Node, rule: FlagRule, width: Width, a: Node, b: Node, r: Node): void {
    if (condition.isConstant) {
      if (condition.value !== 0n) this.setFlags(rule, width, a, b, r);
      return;
    }
    for (const node of [condition, a, b, r]) node.uses += 2;
    this.effects.push({ kind: 'flags', condition, rule, width, a, b, r });
  }

  readFlags(): Node {
    this.effects.push({ kind: 'settle-flags' });
    return localNode(this.locals.flagsWord, 32, I32);
  }

  load(width: Width, segment: number, la: Node): Node {
    return this.recordLoad(width, segment, la, false);
  }

  loadForUpdate(width: Width, segment: number, la: Node): Node {
    return this.recordLoad(width, segment, la, true);
  }

  private recordLoad(width: Width, segment: number, la: Node, update: boolean): Node {
    la.uses += 2;
    const result = settledNode(I64, width);
    this.effects.push({ kind: 'load', width, segment, la, result, update });
    return result;
  }

  store(width: Width, segment: number, la: Node, value: Node): void {
    la.uses += 2;
    value.uses += 2;
    this.effects.push({ kind: 'store', width, segment, la, value });
  }

  storeUpdate(width: Width, value: Node): void {
    value.uses += 2;
    this.effects.push({ kind: 'store-update', width, value });
  }

  probeStore(): void {
    throw notCompilable;
  }

  checkSegment(): void {
    throw notCompilable;
  }

  jump(target: Node): void {
    target.uses += 2;
    this.effects.push({ kind: 'jump', target });
  }

  jumpRelative(delta: number): void {
    this.effects.push({ kind: 'branch', condition: undefined, delta });
  }

  branchRelative(condition: Node, delta: number): void {
    condition.uses += 2;
    this.effects.push({ kind: 'branch', condition, delta });
  }

  endIf(condition: Node): void {
    condition.uses++;
    this.effects.push({ kind: 'end-if', condition });
  }

  raise(vector: number, errorCode: number): void {
    this.effects.push({ kind: 'raise', condition: undefined, vector, errorCode });
  }

  raiseIf(condition: Node, vector: number, errorCode: number): void {
    condition.uses++;
    this.effects.push({ kind: 'raise', condition, vector, errorCode });
  }
}
