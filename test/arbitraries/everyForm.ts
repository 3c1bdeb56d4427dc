/** Encodings that reach every meaning: all opcodes of the maps that hold integer instructions, with prefixes, registers and memory. */
import { CODE_32_STACK_32, CODE_64, type CodeMode } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';

/** The first byte is also the count of shifts: not 0 modulo 9, 17 or 32. */
const TAIL = [0x13, 0x22, 0x33, 0x04, 0x05, 0x06, 0x07, 0x08];

/** One instruction with a meaning for every form, code mode and kind of operand. */
export function everyForm(): Instruction[] {
  const decoder = new Decoder({}, FLAT_COSTS);
  const found = new Map<string, Instruction>();
  const take = (mode: CodeMode, bytes: number[]) => {
    const insn = decoder.decode(Uint8Array.from([...bytes, ...TAIL]), 0, mode);
    if (insn === undefined || insn.kind === 'system') return;
    const key = `${insn.form} ${insn.mode} ${insn.memory === undefined} ${insn.repeat} ${insn.addressWidth}`;
    if (!found.has(key)) found.set(key, insn);
  };
  for (const mode of [CODE_64, CODE_32_STACK_32] as const) {
    for (const prefix of [[], [0x66], [0xf3], [0xf2], [0x67], [0x66, 0xf2]]) {
      for (const rex of mode === CODE_64 ? [[], [0x48]] : [[]]) {
        for (let opcode = 0; opcode < 256; opcode++) {
          // Every group member, with a register and with memory.
          for (let reg = 0; reg < 8; reg++) {
            for (const modrm of [0xc1 | (reg << 3), 0x01 | (reg << 3)]) {
              take(mode, [...prefix, ...rex, opcode, modrm]);
              take(mode, [...prefix, ...rex, 0x0f, opcode, modrm]);
              if (opcode >= 0xf0) take(mode, [...prefix, ...rex, 0x0f, 0x38, opcode, modrm]);
            }
          }
        }
      }
    }
    for (let opcode = 0xd8; opcode < 0xe0; opcode++) for (let modrm = 0xc0; modrm < 0x100; modrm++) take(mode, [opcode, modrm]);
    for (const fence of [0xe8, 0xf0, 0xf8]) take(mode, [0x0f, 0xae, fence]);
    for (const end of [0xfa, 0xfb]) take(mode, [0xf3, 0x0f, 0x1e, end]);
    for (let opcode = 0xf0; opcode < 0x100; opcode++) {
      for (const map of [0xe2, 0xe3]) {
        for (const wvp of [0x78, 0x79, 0x7a, 0x7b, 0xf8, 0xf9, 0xfa, 0xfb]) {
          for (let reg = 0; reg < 8; reg++) {
            take(mode, [0xc4, map, wvp, opcode, 0xc1 | (reg << 3)]);
            take(mode, [0xc4, map, wvp, opcode, 0x01 | (reg << 3)]);
          }
        }
      }
    }
  }
  return [...found.values()];
}
