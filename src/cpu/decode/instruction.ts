import type { Operation } from '../operation.ts';
import type { Meaning } from '../semantics/meaning.ts';

/** Width of an operand or operation in bits. */
export type Width = 8 | 16 | 32 | 64;

export const OPERAND_REGISTER = 0;
export const OPERAND_MEMORY = 1;
export const OPERAND_IMMEDIATE = 2;
export const OPERAND_RELATIVE = 3;
export const OPERAND_SEGMENT = 4;
export const OPERAND_CONTROL = 5;
export const OPERAND_DEBUG = 6;
export const OPERAND_FAR = 7;
/** MMX, x87, XMM, … : `register` is the number, `width` the width in bits. */
export const OPERAND_VECTOR = 8;

/** One operand. All operands have one shape, so that reading them stays monomorphic. */
export interface Operand {
  readonly kind: number;
  /** Register number (general-purpose: 0–15, high bytes 16–19). */
  readonly register: number;
  /** Width in bits. */
  readonly width: number;
  /** Immediate, sign- or zero-extended as the instruction says, modulo 2^width. */
  readonly immediate: bigint;
}

/** The memory operand of an instruction. */
export interface MemoryOperand {
  /** Base and index register numbers, or -1. */
  readonly base: number;
  readonly index: number;
  /** 1, 2, 4 or 8. */
  readonly scale: number;
  /** Displacement, sign-extended, modulo 2^addressWidth. For RIP-relative operands: relative to the next instruction. */
  readonly displacement: bigint;
  readonly ripRelative: boolean;
  /** Effective segment, overrides applied. */
  readonly segment: number;
  /** Width of the effective-address computation. */
  readonly addressWidth: 16 | 32 | 64;
}

/** Where a block may continue: in the next instruction, elsewhere, or in a long operation. */
export type InstructionKind = 'plain' | 'branch' | 'system';

export const REPEAT_NONE = 0;
export const REPEAT_E = 1;
export const REPEAT_NE = 2;

/**
 * A decoded instruction: decode-time facts only, independent of the linear address it runs at, so it can be cached by physical page.
 */
export interface Instruction {
  /** iced's name of the form, for example `Add_rm64_r64`: the key of the coverage table. */
  readonly form: string;
  readonly mnemonic: string;
  /** Offset in its page, and length in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Code size it was decoded for. */
  readonly mode: 16 | 32 | 64;
  /** Operation width: that of the first operand, or the effective operand size when operands are implied. */
  readonly width: Width;
  /** Effective address size (also of implied string operands). */
  readonly addressWidth: 16 | 32 | 64;
  /** Width of the stack pointer: 64 in 64-bit mode, else as SS.B says. */
  readonly stackWidth: 16 | 32 | 64;
  readonly operands: readonly Operand[];
  readonly memory: MemoryOperand | undefined;
  /** Effective segment of an implied or explicit data operand (string sources honour overrides). */
  readonly segment: number;
  readonly lock: boolean;
  readonly repeat: number;
  /** Condition code 0–15 of Jcc, SETcc, CMOVcc; -1 otherwise. */
  readonly condition: number;
  /** Branch displacement from the next instruction (relative branches). */
  readonly delta: number;
  /** RFLAGS mask of the flags it reads, from the decoder. */
  readonly flagsRead: number;
  /** RFLAGS mask of the flags it may change: writes, clears, sets or leaves undefined. */
  readonly flagsWritten: number;
  /** Those of `flagsWritten` that the SDM calls undefined. */
  readonly flagsUndefined: number;
  readonly kind: InstructionKind;
  /** What it does, for kinds `plain` and `branch`. */
  readonly meaning: Meaning;
  /** What it does, for kind `system`. */
  readonly operation: Operation;
  /** Cycles charged when it retires, memory and long operations apart. */
  readonly cycles: number;
}
