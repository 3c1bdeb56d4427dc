/** Which general-purpose registers an encoded instruction writes. */

import type { Bits } from './encoder.ts';
import { Decoder, DecoderOptions, Instruction, InstructionInfoFactory, OpAccess, RegisterExt } from './iced.ts';

const WRITES: ReadonlySet<OpAccess> = new Set([OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);
let factory: InstructionInfoFactory | undefined;

/** Numbers of the general-purpose registers that the instruction may write, RSP apart. */
export function writtenRegisters(bits: Bits, bytes: Uint8Array): number[] {
  factory ??= new InstructionInfoFactory();
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    decoder.decodeOut(instruction);
    const info = factory.info(instruction);
    const written: number[] = [];
    for (const used of info.usedRegisters()) {
      if (WRITES.has(used.access) && RegisterExt.isGPR(used.register))
        written.push(RegisterExt.number(RegisterExt.fullRegister(used.register)));
      used.free();
    }
    info.free();
    return written.filter((number) => number !== 4);
  } finally {
    instruction.free();
    decoder.free();
  }
}
