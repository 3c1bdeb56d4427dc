/** Relative branches in their short and near forms. */

import { type Bits, encoderFor } from './encoder.ts';
import { Code, Instruction } from './iced.ts';

/** JMP, CALL or Jcc to a label; `short` branches reach -128…127 bytes from their end. */
export interface BranchForms {
  readonly bits: Bits;
  /** Undefined for CALL. */
  readonly short: Code | undefined;
  readonly near: Code;
  readonly shortLength: number;
  readonly nearLength: number;
}

const codeNamed = (name: string): Code => {
  const code = (Code as unknown as Record<string, Code | undefined>)[name];
  if (code === undefined) throw new Error(`the encoder has no form ${name}`);
  return code;
};

/** @param mnemonic `jmp`, `call` or `j` with a canonical condition. */
export function branchForms(bits: Bits, mnemonic: string): BranchForms {
  const name = mnemonic[0]!.toUpperCase() + mnemonic.slice(1);
  const near = codeNamed(bits === 16 ? `${name}_rel16` : `${name}_rel32_${bits}`);
  const operandBytes = bits === 16 ? 2 : 4;
  const opcodeBytes = mnemonic === 'jmp' || mnemonic === 'call' ? 1 : 2;
  return {
    bits,
    short: mnemonic === 'call' ? undefined : codeNamed(`${name}_rel8_${bits}`),
    near,
    shortLength: 2,
    nearLength: opcodeBytes + operandBytes,
  };
}

/** The branch at `address` to `target`. */
export function encodeBranch(forms: BranchForms, near: boolean, address: number, target: number): Uint8Array {
  const instruction = Instruction.createBranch(near ? forms.near : forms.short!, BigInt(target));
  const encoder = encoderFor(forms.bits);
  try {
    encoder.encode(instruction, BigInt(address));
  } finally {
    instruction.free();
  }
  return encoder.takeBuffer();
}

/** A far jump through an immediate pointer, offset still zero, with the place of the offset. For 16- and 32-bit code. */
export function encodeFarJump(bits: Bits, selector: number, offsetBits: 16 | 32): { bytes: Uint8Array; offset: number } {
  const instruction = Instruction.createFarBranch(offsetBits === 16 ? Code.Jmp_ptr1616 : Code.Jmp_ptr1632, selector, 0);
  const encoder = encoderFor(bits);
  try {
    encoder.encode(instruction, 0n);
  } finally {
    instruction.free();
  }
  const bytes = encoder.takeBuffer();
  return { bytes, offset: bytes.length - 2 - offsetBits / 8 };
}
