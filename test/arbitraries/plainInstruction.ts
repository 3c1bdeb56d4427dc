/** Random instructions with a meaning, by their bytes: every opcode that has one, so new meanings join by themselves. */
import fc from 'fast-check';
import { CODE_64 } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import type { ProgramPiece } from '../engines/engineCase.ts';
import { pointer } from './rigPointer.ts';

const COSTS = { instruction: 1, locked: 0, divide: 0, fence: 0, pause: 0 };
const decoder = new Decoder({}, COSTS);
const NOP = '90';
const TAIL = [0x13, 0x22, 0x33, 0x04, 0x05, 0x06, 0x07, 0x08];

/** Mandatory or operand-size prefix, opcodeMap bytes, opcode. */
interface Opcode {
  readonly prefix: readonly number[];
  readonly opcodeMap: readonly number[];
  readonly opcode: number;
  readonly vex: boolean;
}

const isPlain = (insn: Instruction | undefined): insn is Instruction => insn !== undefined && insn.kind === 'plain' && insn.repeat === 0;
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

function usable({ prefix, opcodeMap, opcode }: Opcode, rex: readonly number[]): boolean {
  return range(0, 16).some((group) =>
    isPlain(
      decoder.decode(
        Uint8Array.from([...prefix, ...rex, ...opcodeMap, opcode, ((group & 7) << 3) | (group < 8 ? 0xc1 : 1), ...TAIL]),
        0,
        CODE_64,
      ),
    ),
  );
}

function findOpcodes(): Opcode[] {
  const legacy = [[], [0x66], [0xf3], [0xf2]].flatMap((prefix) =>
    [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]].flatMap((opcodeMap) =>
      range(0, 256).map((opcode): Opcode => ({ prefix, opcodeMap, opcode, vex: false })),
    ),
  );
  const vex = [0xe2, 0xe3].flatMap((map) =>
    range(0x78, 0x7c).flatMap((pp) =>
      range(0xf0, 0x100).map((opcode): Opcode => ({ prefix: [0xc4, map], opcodeMap: [pp], opcode, vex: true })),
    ),
  );
  return [...legacy, ...vex].filter((opcode) => usable(opcode, []));
}

let found: readonly Opcode[] | undefined;
/** Opcodes with a meaning in 64-bit code that neither branch nor repeat. */
const opcodes = (): readonly Opcode[] => {
  found ??= findOpcodes();
  return found;
};

const hex = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex');

/** MOV r64, imm64. */
export const loadRegister = (register: number, value: bigint): string => {
  const immediate = Buffer.alloc(8);
  immediate.writeBigUInt64LE(BigInt.asUintN(64, value));
  return hex([register < 8 ? 0x48 : 0x49, 0xb8 | (register & 7), ...immediate]);
};

interface Ingredients {
  readonly opcode: number;
  readonly rex: number;
  readonly modrm: number;
  readonly sib: number;
  readonly tail: readonly number[];
  readonly memory: boolean;
  readonly lock: boolean;
  readonly segment: number;
  readonly small: boolean;
  readonly place: bigint;
  readonly index: number;
  readonly aim: boolean;
}

function bytesOf(parts: Ingredients): number[] {
  const all = opcodes();
  const { prefix, opcodeMap, opcode, vex } = all[parts.opcode % all.length]!;
  // Registers, or a base register with an eight-bit displacement, or any form.
  const modrm = parts.memory ? (parts.small ? (parts.modrm & 0x3f) | 0x40 : parts.modrm & 0xbf) : parts.modrm | 0xc0;
  const tail = [modrm, parts.sib, ...parts.tail];
  if (vex) {
    const [lead, map] = prefix;
    return [lead!, (map! & 0x1f) | ((parts.rex << 5) & 0xe0), (opcodeMap[0]! & 7) | (((parts.sib & 0x1f) << 3) & 0xf8), opcode, ...tail];
  }
  const rex = parts.rex < 16 ? [0x40 | parts.rex] : [];
  return [
    ...(parts.lock ? [0xf0] : []),
    ...(parts.segment > 0 ? [0x63 + parts.segment] : []),
    ...prefix,
    ...rex,
    ...opcodeMap,
    opcode,
    ...tail,
  ];
}

/** The instruction, after loads of its base and index registers that make it meet `place`. */
function pieceOf(parts: Ingredients): ProgramPiece {
  const bytes = bytesOf(parts).slice(0, 15);
  const insn = decoder.decode(Uint8Array.from(bytes), 0, CODE_64);
  if (!isPlain(insn)) return { code: NOP };
  const code = hex(bytes.slice(0, insn.length));
  const { memory } = insn;
  if (memory === undefined || !parts.aim || memory.base < 0) return { code };
  const loads: string[] = [];
  let offset = memory.displacement;
  if (memory.index >= 0 && memory.index !== memory.base) {
    loads.push(loadRegister(memory.index, BigInt(parts.index)));
    offset += BigInt(parts.index * memory.scale);
  }
  loads.push(loadRegister(memory.base, parts.place - offset));
  return { code: loads.join('') + code };
}

/** One instruction of any family, with registers or aimed at an address that is interesting to a TLB. */
export const plainPiece: fc.Arbitrary<ProgramPiece> = fc
  .record({
    opcode: fc.nat(0xffff),
    rex: fc.nat(23),
    modrm: fc.nat(255),
    sib: fc.nat(255),
    tail: fc.array(fc.nat(255), { minLength: 8, maxLength: 8 }),
    memory: fc.boolean(),
    lock: fc.nat(9).map((n) => n === 0),
    segment: fc.nat(19).map((n) => (n < 18 ? 0 : n - 17)),
    small: fc.boolean(),
    place: pointer,
    index: fc.nat(32),
    aim: fc.nat(9).map((n) => n !== 0),
  })
  .map(pieceOf);
