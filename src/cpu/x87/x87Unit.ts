/**
 * The x87 unit of a core: its register stack, and what its control word makes of exceptions.
 * SDM: Vol. 1, "x87 FPU Data Registers"; "x87 FPU Floating-Point Exception Handling".
 */
import {
  TAG_EMPTY,
  TAG_SPECIAL,
  TAG_VALID,
  TAG_ZERO,
  X87_BUSY,
  X87_C1,
  X87_CONTROL_DEFINED,
  X87_CONTROL_FIXED,
  X87_CONTROL_INITIAL,
  X87_DE,
  X87_ES,
  X87_EXCEPTIONS,
  X87_IE,
  X87_OE,
  X87_SF,
  X87_TOP,
  X87_TOP_SHIFT,
  X87_UE,
  X87_ZE,
} from '../../arch/x87.ts';
import {
  type CoreState,
  I32_X87_CONTROL,
  I32_X87_IN_USE,
  I32_X87_OPCODE,
  I32_X87_STATUS,
  U64_X87_DATA,
  U64_X87_INSTRUCTION,
} from '../state.ts';
import { INDEFINITE, unpackExtended } from './extended.ts';
import { Transcendentals } from './transcendentals.ts';

/** Exceptions of operands; the others are of results, and wait until no unmasked one of these is pending. */
const BEFORE_COMPUTATION = X87_IE | X87_DE | X87_ZE;

export class X87Unit {
  readonly float = new Transcendentals();
  private i32!: Int32Array;
  private u64!: BigUint64Array;
  private registers!: BigUint64Array;

  /** Works on this core's state from now on. */
  attach(state: CoreState): void {
    this.i32 = state.i32;
    this.u64 = state.u64;
    this.registers = state.x87;
  }

  get control(): number {
    return this.i32[I32_X87_CONTROL]!;
  }

  set control(value: number) {
    this.i32[I32_X87_CONTROL] = value;
    this.summarize();
  }

  get status(): number {
    return this.i32[I32_X87_STATUS]!;
  }

  set status(value: number) {
    this.i32[I32_X87_STATUS] = value;
    this.summarize();
  }

  /** The flags are cleared or set under a mask. */
  change(mask: number, value: number): void {
    this.status = (this.status & ~mask) | value;
  }

  /** ES and B follow from flags and masks. */
  private summarize(): void {
    const status = this.i32[I32_X87_STATUS]! & ~(X87_ES | X87_BUSY);
    const unmasked = (status & ~this.i32[I32_X87_CONTROL]! & X87_EXCEPTIONS) !== 0;
    this.i32[I32_X87_STATUS] = unmasked ? status | X87_ES | X87_BUSY : status;
  }

  /** As FNINIT leaves it: registers keep their contents, and are empty. SDM: Vol. 2, "FINIT/FNINIT—Initialize Floating-Point Unit". */
  initialize(): void {
    this.i32[I32_X87_CONTROL] = X87_CONTROL_INITIAL;
    this.i32[I32_X87_STATUS] = 0;
    this.i32[I32_X87_OPCODE] = 0;
    this.u64[U64_X87_INSTRUCTION] = 0n;
    this.u64[U64_X87_DATA] = 0n;
    this.emptyAll();
  }

  emptyAll(): void {
    this.i32[I32_X87_IN_USE] = 0;
  }

  /** Number of the register that is ST(i). */
  private numberOf(i: number): number {
    return ((this.i32[I32_X87_STATUS]! >> X87_TOP_SHIFT) + i) & 7;
  }

  isEmpty(i: number): boolean {
    return ((this.i32[I32_X87_IN_USE]! >> this.numberOf(i)) & 1) === 0;
  }

  read(i: number): bigint {
    const at = 2 * this.numberOf(i);
    return (this.registers[at + 1]! << 64n) | this.registers[at]!;
  }

  /** ST(i) is in use and holds these 80 bits. */
  write(i: number, bits: bigint): void {
    this.setContents(i, bits);
    this.i32[I32_X87_IN_USE]! |= 1 << this.numberOf(i);
  }

  /** ST(i) holds these 80 bits, in use or not. */
  setContents(i: number, bits: bigint): void {
    const number = this.numberOf(i);
    this.registers[2 * number] = bits;
    this.registers[2 * number + 1] = bits >> 64n;
  }

  /** The full tag word: two bits (TAG_…) for every register by its number. SDM: Vol. 1, "x87 FPU Tag Word". */
  get tags(): number {
    let tags = 0;
    for (let number = 0; number < 8; number++) tags |= this.tagOf(number) << (2 * number);
    return tags;
  }

  /** Whether a register is in use is all that is kept of its tag. */
  set tags(value: number) {
    let inUse = 0;
    for (let number = 0; number < 8; number++) if (((value >> (2 * number)) & 3) !== TAG_EMPTY) inUse |= 1 << number;
    this.inUse = inUse;
  }

  private tagOf(number: number): number {
    if (((this.inUse >> number) & 1) === 0) return TAG_EMPTY;
    const { kind, denormal } = unpackExtended((this.registers[2 * number + 1]! << 64n) | this.registers[2 * number]!);
    if (kind === 'zero') return TAG_ZERO;
    return kind === 'finite' && !denormal ? TAG_VALID : TAG_SPECIAL;
  }

  /** A bit for every register, by its number. */
  get inUse(): number {
    return this.i32[I32_X87_IN_USE]!;
  }

  set inUse(value: number) {
    this.i32[I32_X87_IN_USE] = value;
  }

  /** Control and status word as they were stored; bits that do not exist are left out. */
  restore(control: number, status: number): void {
    this.i32[I32_X87_CONTROL] = (control & X87_CONTROL_DEFINED) | X87_CONTROL_FIXED;
    this.status = status;
  }

  maskAll(): void {
    this.control |= X87_EXCEPTIONS;
  }

  /** ST(i) becomes empty. */
  free(i: number): void {
    this.i32[I32_X87_IN_USE]! &= ~(1 << this.numberOf(i));
  }

  /** TOP moves up or down. */
  turn(by: number): void {
    const status = this.i32[I32_X87_STATUS]!;
    this.i32[I32_X87_STATUS] = (status & ~X87_TOP) | ((status + (by << X87_TOP_SHIFT)) & X87_TOP);
  }

  pop(): void {
    this.free(0);
    this.turn(1);
  }

  push(bits: bigint): void {
    this.turn(-1);
    this.write(0, bits);
  }

  /** An instruction begins that clears C1 unless it rounds up. */
  begin(): void {
    this.change(X87_C1, 0);
    this.float.begin(this.control);
  }

  /**
   * A stack fault is signalled: C1 tells overflow from underflow.
   * @returns true when it is masked, so that the instruction goes on with the indefinite value.
   */
  stackFault(overflow: boolean): boolean {
    this.change(X87_C1, X87_IE | X87_SF | (overflow ? X87_C1 : 0));
    return (this.control & X87_IE) !== 0;
  }

  /** The exceptions of the computation are signalled. @returns true when its result counts. */
  accept(): boolean {
    const { flags, up } = this.float;
    if ((flags & BEFORE_COMPUTATION & ~this.control) !== 0) {
      this.change(0, flags & BEFORE_COMPUTATION);
      return false;
    }
    this.change(X87_C1, flags | (up ? X87_C1 : 0));
    return true;
  }

  /** As `accept`, for results that go to memory: unmasked overflow or underflow keep them out of it. */
  acceptStore(): boolean {
    const outOfRange = this.float.flags & ~this.control & (X87_OE | X87_UE);
    if (outOfRange !== 0) this.change(X87_C1, outOfRange);
    return outOfRange === 0 && this.accept();
  }

  /** The result of a computation on ST(i) and others replaces ST(destination), if it counts. @param pops the stack afterwards. */
  replace(destination: number, bits: bigint, pops = false): void {
    if (!this.accept()) return;
    this.write(destination, bits);
    if (pops) this.pop();
  }

  /** The masked answer to an empty register: ST(destination) is indefinite. */
  underflow(destination: number, pops = false): void {
    if (!this.stackFault(false)) return;
    this.write(destination, INDEFINITE);
    if (pops) this.pop();
  }

  /** A computed value is pushed, if it counts; or there is no room. */
  pushResult(compute: () => bigint): void {
    if (!this.isEmpty(7)) {
      if (this.stackFault(true)) this.push(INDEFINITE);
      return;
    }
    const bits = compute();
    // An unmasked denormal operand is told of, and loaded.
    const invalid = (this.float.flags & ~this.control & X87_IE) !== 0;
    if (this.accept() || !invalid) this.push(bits);
  }
}
