import type { Instruction } from '../decode/instruction.ts';
import type { X87Unit } from '../x87/x87Unit.ts';

/**
 * What an x87 instruction does to the unit: the same for every engine, which carries it out as a whole. `operand` is what the instruction loaded, or
 * a truth value; the result is what it stores (`X87_NOTHING`: it does not), or flags.
 */
export type X87Step = (unit: X87Unit, insn: Instruction, operand: bigint) => bigint;

/** Bit 96 of a step's result: the instruction ends without a store or flags. */
export const X87_NOTHING = 1n << 96n;

/** What a meaning may do with the x87 unit and its registers, beside `Ops`. */
export interface X87Ops<V> {
  /**
   * Nothing happens when x87 instructions may be executed.
   * @param waits for exceptions that are pending, as all do but the FN… control instructions.
   * Raises: #NM when CR0.EM or CR0.TS = 1; #MF when it waits and an unmasked exception is pending.
   */
  requireX87(waits: boolean): void;
  /** WAIT. Raises: #NM when CR0.MP and CR0.TS = 1; #MF when an unmasked exception is pending. */
  waitForX87(): void;
  /** The instruction counts as the last one for handlers; with the offset (64 bits) of its memory operand, if it has one. */
  noteX87(insn: Instruction, data: V | undefined): void;
  /** Carries out a step at once: nothing that a meaning does later may fault. Operand and result have 128 bits. */
  x87(step: X87Step, insn: Instruction, operand: V): V;

  /**
   * Nothing happens when MMX instructions may be executed.
   * @param enters at the instruction's end TOP is 0 and all registers are in use: for all but EMMS.
   * Raises: #UD when CR0.EM = 1; #NM when CR0.TS = 1; #MF when an unmasked exception is pending.
   */
  requireMmx(enters: boolean): void;
  /** MM0–MM7 (64 bits). */
  readMmx(register: number): V;
  writeMmx(register: number, value: V): void;
}
