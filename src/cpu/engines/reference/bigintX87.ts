/** The part of `Ops` on bigints that deals with the x87 unit and MMX registers. */
import { X87_TOP } from '../../../arch/x87.ts';
import type { Instruction } from '../../decode/instruction.ts';
import { guestFault } from '../../guestFault.ts';
import type { X87Step } from '../../semantics/x87Ops.ts';
import { type CoreState, I32_X87_IN_USE, I32_X87_STATUS, U64_X87_DATA, U64_X87_INSTRUCTION } from '../../state.ts';
import { X87Unit } from '../../x87/x87Unit.ts';
import { mmxFault, waitFault, x87Fault } from '../x87Access.ts';
import { BigintVectors } from './bigintVectors.ts';

const check = (vector: number): void => {
  if (vector >= 0) throw guestFault.set(vector, -1);
};

export abstract class BigintX87 extends BigintVectors {
  private readonly unit = new X87Unit();
  private state!: CoreState;
  /** An MMX instruction is on its way; the one register that it writes, or -1. */
  private mmx = false;
  private pendingMmx = -1;
  private pendingMmxValue = 0n;

  /** RIP of the next instruction (64 bits). */
  abstract readNextRip(): bigint;

  protected attachX87(state: CoreState): void {
    this.state = state;
    this.unit.attach(state);
  }

  protected commitMmx(): void {
    if (!this.mmx) return;
    const { i32, x87 } = this.state;
    i32[I32_X87_STATUS]! &= ~X87_TOP;
    i32[I32_X87_IN_USE] = 0xff;
    if (this.pendingMmx >= 0) {
      x87[2 * this.pendingMmx] = this.pendingMmxValue;
      // What an x87 instruction would find there is a NaN or infinity.
      x87[2 * this.pendingMmx + 1] = 0xffffn;
    }
    this.abandonMmx();
  }

  protected abandonMmx(): void {
    this.mmx = false;
    this.pendingMmx = -1;
  }

  requireX87(waits: boolean): void {
    check(x87Fault(this.state.i32, waits));
  }

  waitForX87(): void {
    check(waitFault(this.state.i32));
  }

  /** Deviation: the last opcode is not kept; it reads as FLDENV, FRSTOR or FXRSTOR left it. */
  noteX87(insn: Instruction, data: bigint | undefined): void {
    const { u64 } = this.state;
    u64[U64_X87_INSTRUCTION] = this.readNextRip() - BigInt(insn.length);
    if (data !== undefined) u64[U64_X87_DATA] = data;
  }

  x87(step: X87Step, insn: Instruction, operand: bigint): bigint {
    return step(this.unit, insn, operand);
  }

  requireMmx(enters: boolean): void {
    check(mmxFault(this.state.i32));
    this.mmx = enters;
  }

  readMmx(register: number): bigint {
    return this.state.x87[2 * register]!;
  }

  writeMmx(register: number, value: bigint): void {
    this.pendingMmx = register;
    this.pendingMmxValue = value;
  }
}
