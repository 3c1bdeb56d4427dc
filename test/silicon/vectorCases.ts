/** Random SSE instructions with operands in reach: seeded, so that a failure can be repeated. */
import { CpuidTable } from '../../src/cpu/cpuid.ts';
import { CODE_64 } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import { formCatalogue } from '../../src/cpu/decode/formCatalogue.ts';
import { type Instruction, OPERAND_MEMORY } from '../../src/cpu/decode/instruction.ts';
import { isAdvertised } from '../../src/cpu/features.ts';
import { Effects } from '../../src/cpu/semantics/effects.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { randomBits, randomFloat } from '../arbitraries/floats.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';
import { RandomSource } from './random.ts';
import { DATA, DATA_SIZE, type VectorCase } from './vectorSilicon.ts';

/** What an SSE instruction begins with: mandatory prefix, map, opcode. */
type Opening = readonly number[];

/** How registers and memory are filled: with numbers of one format, or bits. */
type Filling = 'f64' | 'f32' | 'bits' | 'bytes' | 'integers';
const FILLINGS: readonly Filling[] = ['f64', 'f64', 'f32', 'f32', 'bits', 'bytes', 'integers'];

/** On XMM registers alone: those that use MMX registers as well have a runner of their own (x87Cases). */
const isVector = (insn: Instruction | undefined): insn is Instruction => {
  if (insn === undefined || insn.kind !== 'plain') return false;
  const { sse, x87Unit } = Effects.of(insn);
  return sse && !x87Unit;
};

const decoder = new Decoder({}, FLAT_COSTS);

/** Forms in 64-bit code that the generator makes, and the feature that each belongs to. */
export function vectorForms(): Map<string, string> {
  const cpuid = new CpuidTable(ivybridge.identity, 1e9, 1);
  const legacy = formCatalogue().filter(
    ({ class: kind, encoding, sizes, mnemonic, features, operands, user }) =>
      kind === 'vector' &&
      encoding === 'legacy' &&
      user &&
      sizes.includes(64) &&
      isAdvertised(mnemonic, features, cpuid) &&
      !operands.some((operand) => /^mm/.test(operand)) &&
      !/^(?:Fx|X)(?:save|rstor)|^X[gs]etbv|^E?mms/i.test(mnemonic),
  );
  return new Map(legacy.map(({ form, features }) => [form, features.join('+')]));
}

/** Operands in memory lie in this part of the data; what is around them is read by nobody, and must stay as it is. */
const OPERANDS_AT = 176;
const OPERANDS_END = 288;
const UNREAD = Uint8Array.from({ length: DATA_SIZE }, (_, i) => 13 * i + 5);

/** Openings do not depend on the seed. */
let knownOpenings: readonly Opening[] | undefined;
let knownByForm: ReadonlyMap<string, readonly Opening[]> | undefined;

export class VectorCaseGenerator {
  private readonly random: () => number;
  private readonly openings: readonly Opening[];

  constructor(seed: number) {
    const source = new RandomSource(seed);
    this.random = () => source.fraction();
    knownOpenings ??= findOpenings();
    this.openings = knownOpenings;
  }

  /** `count` states for one instruction of a form (of `vectorForms`). */
  groupOf(form: string, count: number): { test: VectorCase; insn: Instruction }[] {
    knownByForm ??= openingsByForm(this.openings);
    return this.group(count, (insn) => insn.form === form, knownByForm.get(form));
  }

  /** `count` states for one instruction that is wanted. */
  group(count: number, wanted: (insn: Instruction) => boolean, openings = this.openings): { test: VectorCase; insn: Instruction }[] {
    for (;;) {
      const bytes = this.encoding(this.pick(openings));
      const insn = decoder.decode(bytes, 0, CODE_64);
      if (!isVector(insn) || !wanted(insn)) continue;
      const code = bytes.slice(0, insn.length);
      const tests = Array.from({ length: count }, () => this.place(insn, code));
      const placed = tests.flatMap((test) => (test === undefined ? [] : [{ test, insn }]));
      if (placed.length > 0) return placed;
    }
  }

  private byte(): number {
    return Math.floor(this.random() * 256);
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  private encoding(opening: Opening): Uint8Array {
    const at = opening.indexOf(0x0f);
    const rex = this.random() < 0.5 ? [0x40 | (this.byte() & 15)] : [];
    const modrm = this.random() < 0.6 ? this.byte() | 0xc0 : this.byte();
    const tail = Array.from({ length: 6 }, () => this.byte());
    return Uint8Array.from([...opening.slice(0, at), ...rex, ...opening.slice(at), modrm, ...tail].slice(0, 15));
  }

  /** Registers, flags and memory with which the instruction stays inside its data. */
  private place(insn: Instruction, code: Uint8Array): VectorCase | undefined {
    const filling = this.pick(FILLINGS);
    const gpr = Array.from({ length: 16 }, () => this.integer());
    const xmm: bigint[] = [];
    for (let i = 0; i < 16; i++) xmm.push(...this.vector(filling, xmm));
    const data = UNREAD.slice();
    const view = new DataView(data.buffer);
    const reads = insn.memory !== undefined || insn.mnemonic === 'Maskmovdqu';
    for (let at = OPERANDS_AT; at < OPERANDS_END && reads; at += 16) {
      const [low, high] = this.vector(filling, xmm);
      view.setBigUint64(at, low, true);
      view.setBigUint64(at + 8, high, true);
    }
    if (insn.mnemonic === 'Maskmovdqu') gpr[7] = BigInt(DATA + OPERANDS_AT + 24 + Math.floor(this.random() * 64));
    if (insn.memory !== undefined && !this.placeMemory(insn, gpr)) return undefined;
    if (insn.mnemonic === 'Ldmxcsr') {
      const { base, index, scale, displacement } = insn.memory!;
      const scaled = index >= 0 ? gpr[index]! * BigInt(scale) : 0n;
      const address = Number(BigInt.asUintN(64, gpr[base]! + scaled + displacement)) - DATA;
      view.setUint32(address, this.random() < 0.9 ? this.mxcsr() : this.mxcsr() | this.reservedBit(), true);
    }
    return { code, gpr, flags: 0x202 | (this.byte() & 0xd5) | ((this.byte() & 8) << 8), mxcsr: this.mxcsr(), xmm, data };
  }

  /** A bit of MXCSR that neither vendor has: bit 17 is AMD's (misaligned exception mask). */
  private reservedBit(): number {
    return 1 << this.pick([16, 18, 19, 20, 23, 27, 30]);
  }

  private integer(): bigint {
    const kind = this.random();
    if (kind < 0.2) return BigInt.asUintN(64, BigInt(Math.floor(this.random() * 40) - 20));
    if (kind < 0.4) return BigInt.asUintN(64, (1n << BigInt(Math.floor(this.random() * 64))) + BigInt(Math.floor(this.random() * 3) - 1));
    return randomBits(this.random, 64);
  }

  /** Two halves; sometimes those of an earlier register, the same or almost. */
  private vector(filling: Filling, earlier: readonly bigint[]): [bigint, bigint] {
    const [low, high] = [this.half(filling), this.half(filling)];
    if (earlier.length === 0 || this.random() > 0.2) return [low, high];
    const at = Math.floor(this.random() * (earlier.length / 2)) * 2;
    const change = this.pick([0n, 0n, 1n, -1n, 1n << 63n, (1n << 63n) | (1n << 31n)]);
    return [BigInt.asUintN(64, earlier[at]! ^ BigInt.asUintN(64, change)), earlier[at + 1]!];
  }

  private half(filling: Filling): bigint {
    switch (filling) {
      case 'f64':
        return randomFloat(this.random, 64);
      case 'f32':
        return (randomFloat(this.random, 32) << 32n) | randomFloat(this.random, 32);
      case 'bits':
        return randomBits(this.random, 64);
      case 'integers':
        return this.integer();
      case 'bytes': {
        let value = 0n;
        for (let i = 0; i < 8; i++)
          value = (value << 8n) | BigInt(this.pick([0, 1, 2, 0x7f, 0x80, 0x81, 0xff, 0x61, 0x62, 0x0f, 0x10, this.byte()]));
        return value;
      }
    }
  }

  /** Usually everything masked; else any masks, rounding and modes. Flags of any kind. */
  private mxcsr(): number {
    const flags = this.byte() & 0x3f;
    const kind = this.random();
    if (kind < 0.25) return 0x1f80 | flags;
    if (kind < 0.65) return 0x1f80 | flags | ((this.byte() & 3) << 13) | (this.byte() & 1 ? 0x40 : 0) | (this.byte() & 1 ? 0x8000 : 0);
    return (
      flags |
      ((this.byte() & 0x3f) << 7) |
      ((this.byte() & 3) << 13) |
      (this.random() < 0.3 ? 0x40 : 0) |
      (this.random() < 0.3 ? 0x8000 : 0)
    );
  }

  /** Chooses the base register so that the operand lies in the data; false when it cannot. */
  private placeMemory(insn: Instruction, gpr: bigint[]): boolean {
    const memory = insn.memory!;
    if (memory.ripRelative || memory.segment >= 4) return false;
    const { base, index, scale } = memory;
    if (base < 0 || base === index || base === 4 || index === 4) return false;
    if (index >= 0) gpr[index] = BigInt(Math.floor(this.random() * 16));
    const scaled = index >= 0 ? gpr[index]! * BigInt(scale) : 0n;
    const wide = insn.operands.some(({ kind, width }) => kind === OPERAND_MEMORY && width === 128);
    const wanted = BigInt(DATA + OPERANDS_AT + 16 + Math.floor(this.random() * 64));
    const place = wide && this.random() < 0.93 ? wanted & ~15n : wanted & ~3n;
    gpr[base] = BigInt.asUintN(64, place - scaled - BigInt.asIntN(memory.addressWidth, memory.displacement));
    return memory.addressWidth === 64;
  }
}

/** ModRM bytes with every reg field, of a register and of memory. */
const MODRMS = Array.from({ length: 16 }, (_, i) => ((i & 7) << 3) | (i < 8 ? 0xc1 : 0x01));

/** The openings that encodings of a form begin with. */
function openingsByForm(openings: readonly Opening[]): Map<string, Opening[]> {
  const found = new Map<string, Opening[]>();
  for (const opening of openings) {
    const at = opening.indexOf(0x0f);
    const forms = MODRMS.flatMap((modrm) =>
      [[], [0x48]].flatMap((rex) => {
        const bytes = [...opening.slice(0, at), ...rex, ...opening.slice(at), modrm, 0, 0, 0, 0, 0];
        const insn = decoder.decode(Uint8Array.from(bytes), 0, CODE_64);
        return isVector(insn) ? [insn.form] : [];
      }),
    );
    for (const form of new Set(forms)) found.set(form, [...(found.get(form) ?? []), opening]);
  }
  return found;
}

function findOpenings(): Opening[] {
  const found: Opening[] = [];
  for (const prefix of [[], [0x66], [0xf3], [0xf2]]) {
    for (const map of [[0x0f], [0x0f, 0x38], [0x0f, 0x3a]]) {
      for (let opcode = 0; opcode < 256; opcode++) {
        const opening = [...prefix, ...map, opcode];
        const used = [0xc1, 0xd1, 0xe1, 0xf1, 0x01, 0x11, 0x19, 0x31].some((modrm) =>
          isVector(decoder.decode(Uint8Array.from([...opening, modrm, 0, 0, 0, 0, 0]), 0, CODE_64)),
        );
        if (used) found.push(opening);
      }
    }
  }
  return found;
}
