/** Text of encoded instructions, for listings. */

import type { Bits } from './encoder.ts';
import { Decoder, DecoderOptions, Formatter, FormatterSyntax, Instruction } from './iced.ts';

let formatter: Formatter | undefined;

/** The instruction as text, operands in Intel order. */
export function formatInstruction(bits: Bits, bytes: Uint8Array, address: number): string {
  if (formatter === undefined) {
    formatter = new Formatter(FormatterSyntax.Nasm);
    formatter.hexPrefix = '0x';
    formatter.hexSuffix = '';
    formatter.uppercaseHex = false;
    formatter.branchLeadingZeros = false;
    formatter.spaceAfterOperandSeparator = true;
  }
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    decoder.ip = BigInt.asUintN(64, BigInt(address));
    decoder.decodeOut(instruction);
    return formatter.format(instruction);
  } finally {
    instruction.free();
    decoder.free();
  }
}
