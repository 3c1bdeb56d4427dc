import { SIMD_PREFIX, simdOp } from './simd.ts';
import { type BranchHint, ByteWriter, I64, op, VOID_BLOCK } from './wasmModule.ts';

const SIMD_BYTE = 0xfd;

/** The body of one WebAssembly function under construction: instructions, block depth, and locals handed out by type. */
export class CodeBuilder {
  readonly code = new ByteWriter();
  /** Blocks open now: what a branch label counts from. */
  depth = 0;
  /** What is expected of branches, for the optimizing compiler. */
  readonly hints: BranchHint[] = [];
  private readonly parameters: number;
  private readonly localTypes: number[] = [];

  constructor(parameters: number) {
    this.parameters = parameters;
  }

  /** A new local of this type: its index. */
  local(type: number): number {
    return this.parameters + this.localTypes.push(type) - 1;
  }

  /** Locals as runs, for the module. */
  get locals(): readonly (readonly [number, number])[] {
    return this.localTypes.map((type) => [1, type] as const);
  }

  op(opcode: number): void {
    if (opcode < SIMD_PREFIX) this.code.byte(opcode);
    else {
      this.code.byte(SIMD_BYTE);
      this.code.unsigned(opcode - SIMD_PREFIX);
    }
  }

  get(local: number): void {
    this.code.byte(op.local_get);
    this.code.unsigned(local);
  }

  set(local: number): void {
    this.code.byte(op.local_set);
    this.code.unsigned(local);
  }

  tee(local: number): void {
    this.code.byte(op.local_tee);
    this.code.unsigned(local);
  }

  i32(value: number): void {
    this.code.byte(op.i32_const);
    this.code.signed(value);
  }

  i64(value: bigint): void {
    this.code.byte(op.i64_const);
    this.code.signed64(value);
  }

  f64(value: number): void {
    this.code.byte(op.f64_const);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.code.append(bytes);
  }

  f32(value: number): void {
    this.code.byte(op.f32_const);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.code.append(bytes);
  }

  vector(value: bigint): void {
    this.op(simdOp.v128_const);
    for (let i = 0n; i < 128n; i += 8n) this.code.byte(Number((value >> i) & 0xffn));
  }

  /** A load or store at [address on the stack + offset]. */
  memory(opcode: number, offset: number): void {
    this.op(opcode);
    this.code.byte(0);
    this.code.unsigned(offset);
  }

  /** Opens a block, loop or if; returns its level, for `branch`. */
  open(opcode: number, type: number = VOID_BLOCK): number {
    this.code.byte(opcode);
    this.code.byte(type);
    return ++this.depth;
  }

  /** Opens an `if` whose condition is expected to be true (1) or false (0). */
  openIf(likely: 0 | 1, type: number = VOID_BLOCK): number {
    this.hints.push({ offset: this.code.length, likely });
    return this.open(op.if, type);
  }

  openI64(opcode: number): number {
    return this.open(opcode, I64);
  }

  close(): void {
    this.code.byte(op.end);
    this.depth--;
  }

  /** Branches to the block of this level: its end, or a loop's start. */
  branch(level: number, opcode: number = op.br): void {
    this.code.byte(opcode);
    this.code.unsigned(this.depth - level);
  }

  /** br_table over levels, the last one the default. */
  branchTable(levels: readonly number[], fallback: number): void {
    this.code.byte(op.br_table);
    this.code.unsigned(levels.length);
    for (const level of levels) this.code.unsigned(this.depth - level);
    this.code.unsigned(this.depth - fallback);
  }

  /** Calls the function of the table whose number is on the stack. */
  callIndirect(type: number): void {
    this.code.byte(op.call_indirect);
    this.code.unsigned(type);
    this.code.unsigned(0);
  }

  call(index: number): void {
    this.code.byte(op.call);
    this.code.unsigned(index);
  }

  /** A bulk memory operation with `memories` memory indices, all of them 0. */
  bulk(opcode: number, memories: number): void {
    this.code.byte(op.prefix_bulk);
    this.code.unsigned(opcode);
    for (let i = 0; i < memories; i++) this.code.byte(0);
  }
}
