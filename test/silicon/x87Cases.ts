/** Random x87 and MMX instructions with operands in reach: seeded, so that a failure can be repeated. */
import { CODE_64 } from '../../src/cpu/decode/codeMode.ts';
import type { Decoder } from '../../src/cpu/decode/decoder.ts';
import { type Instruction, OPERAND_VECTOR } from '../../src/cpu/decode/instruction.ts';
import { Effects } from '../../src/cpu/semantics/effects.ts';
import { randomExtended } from '../arbitraries/extendedFloats.ts';
import { randomBits, randomFloat } from '../arbitraries/floats.ts';
import { RandomSource } from './random.ts';
import { DATA, DATA_SIZE, type X87Case } from './x87Silicon.ts';

/** Long operations that save and restore the unit. */
const STATE = /^(?:F(?:nstenv|ldenv|nsave|rstor)$|Fxsave|Fxrstor)/;
const isCandidate = (insn: Instruction | undefined): insn is Instruction =>
  insn !== undefined && (insn.kind === 'system' ? STATE.test(insn.mnemonic) : Effects.of(insn).x87Unit);
/** Of MMX instructions those that name an MMX register, or EMMS. */
const isMmx = (insn: Instruction | undefined): insn is Instruction =>
  isCandidate(insn) &&
  (insn.mnemonic === 'Emms' || insn.kind === 'system' || insn.operands.some(({ kind, width }) => kind === OPERAND_VECTOR && width === 64));

export class X87CaseGenerator {
  private readonly decoder: Decoder;
  private readonly random: () => number;
  private readonly mmxOpenings: readonly (readonly number[])[];

  constructor(decoder: Decoder, seed: number) {
    this.decoder = decoder;
    const source = new RandomSource(seed);
    this.random = () => source.fraction();
    this.mmxOpenings = this.findMmxOpenings();
  }

  /** A case, and the instruction it holds. @param wanted of instructions. @param mmx rather than x87. */
  next(wanted: (insn: Instruction) => boolean, mmx: boolean): { test: X87Case; insn: Instruction } {
    for (;;) {
      const bytes = Uint8Array.from(mmx ? this.mmxEncoding() : this.encoding());
      const insn = this.decoder.decode(bytes, 0, CODE_64);
      if (!isCandidate(insn) || !wanted(insn)) continue;
      const test = this.place(insn, bytes.slice(0, insn.length));
      if (test !== undefined) return { test, insn };
    }
  }

  private findMmxOpenings(): number[][] {
    const found: number[][] = [];
    for (const prefix of [[], [0x66], [0xf3], [0xf2]]) {
      for (const map of [[0x0f], [0x0f, 0x38], [0x0f, 0x3a]]) {
        for (let opcode = 0; opcode < 256; opcode++) {
          const opening = [...prefix, ...map, opcode];
          const used = [0xc1, 0xd1, 0xe1, 0xf1, 0x01, 0x11].some((modrm) =>
            isMmx(this.decoder.decode(Uint8Array.from([...opening, modrm, 0, 0, 0, 0, 0]), 0, CODE_64)),
          );
          if (used) found.push(opening);
        }
      }
    }
    return found;
  }

  private byte(): number {
    return Math.floor(this.random() * 256);
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  private tail(): number[] {
    const modrm = this.random() < 0.6 ? this.byte() | 0xc0 : this.byte();
    return [modrm, ...Array.from({ length: 6 }, () => this.byte())];
  }

  private rex(): number[] {
    return this.random() < 0.2 ? [0x40 | (this.byte() & 15)] : [];
  }

  private encoding(): number[] {
    if (this.random() < 0.01) return [0x9b];
    return [...this.rex(), 0xd8 + (this.byte() & 7), ...this.tail()];
  }

  private mmxEncoding(): number[] {
    const opening = this.pick(this.mmxOpenings);
    const at = opening.indexOf(0x0f);
    return [...opening.slice(0, at), ...this.rex(), ...opening.slice(at), ...this.tail()];
  }

  /** Registers, flags and memory with which the instruction stays inside its data. */
  private place(insn: Instruction, code: Uint8Array): X87Case | undefined {
    const gpr = Array.from({ length: 16 }, () => randomBits(this.random, 64));
    const memory = new Uint8Array(DATA_SIZE);
    const view = new DataView(memory.buffer);
    for (let at = 0; at < DATA_SIZE; at += 8) view.setBigUint64(at, randomBits(this.random, 64), true);
    if (insn.mnemonic === 'Maskmovq') gpr[7] = BigInt(DATA + 200 + (this.byte() & 63));
    if (insn.memory !== undefined) {
      if (!this.placeMemory(insn, gpr)) return undefined;
      const at = Number(BigInt.asUintN(64, gpr[insn.memory.base]! + insn.memory.displacement)) - DATA;
      if (insn.memory.index < 0) this.fill(insn, view, at);
    }
    const status = this.status();
    const control = this.control();
    const unmasked = (status & ~control & 0x3f) !== 0;
    const stack: bigint[] = [];
    for (let i = 0; i < 8; i++) stack.push(this.register(stack));
    return {
      ...{ code, gpr, control, memory, stack },
      status: unmasked ? status | 0x8080 : status,
      flags: 0x202 | (this.byte() & 0xd5) | ((this.byte() & 8) << 8),
      inUse: this.random() < 0.75 ? 0xff >> this.pick([0, 0, 1, 2]) : this.byte(),
      // The processor at hand knows them while an exception is pending only.
      instruction: unmasked ? 0x1234n : 0n,
      data: unmasked ? 0x5678n : 0n,
      mxcsr: 0x1f80 | ((this.byte() & 3) << 13),
      xmm: Array.from({ length: 32 }, () => randomFloat(this.random, 64)),
    };
  }

  /** Sometimes an earlier one again, or almost. */
  private register(earlier: readonly bigint[]): bigint {
    if (earlier.length === 0 || this.random() > 0.15) return randomExtended(this.random);
    return this.pick(earlier) ^ this.pick([0n, 0n, 1n, 1n << 79n, 1n << 62n]);
  }

  /** Exception flags are set now and then only: unmasked ones keep the instruction from being executed. */
  private status(): number {
    const flags = this.random() < 0.8 ? 0 : this.byte() & 0x7f;
    return flags | ((this.byte() & 7) << 8) | ((this.byte() & 7) << 11) | ((this.byte() & 1) << 14);
  }

  private control(): number {
    const kind = this.random();
    if (kind < 0.2) return 0x37f;
    const modes = ((this.byte() & 3) << 10) | (this.pick([0, 2, 3, 3]) << 8);
    return 0x40 | modes | (kind < 0.65 ? 0x3f : this.byte() & 0x3f);
  }

  /** Memory operands that mean something to the instruction. */
  private fill(insn: Instruction, view: DataView, at: number): void {
    const { width } = insn.operands.find(({ kind }) => kind === 1)!;
    if (STATE.test(insn.mnemonic)) {
      view.setUint32(at + 24, 0x1f80, true);
      // Addresses below 2^32: processors keep 48 bits or more.
      if (insn.mnemonic === 'Fxrstor64') for (const field of [8, 16]) view.setUint32(at + field + 4, 0, true);
    } else if (insn.mnemonic === 'Fbld') {
      for (let i = 0; i < 9; i++) view.setUint8(at + i, Math.floor(this.random() * 10) * 16 + Math.floor(this.random() * 10));
      view.setUint8(at + 9, this.pick([0, 0x80]));
    } else if (width === 80) {
      const bits = randomExtended(this.random);
      view.setBigUint64(at, BigInt.asUintN(64, bits), true);
      view.setUint16(at + 8, Number(bits >> 64n), true);
    } else if (insn.mnemonic === 'Fldcw') {
      view.setUint16(at, this.random() < 0.7 ? this.control() : randomInteger(this.random), true);
    } else if (/^Fi/.test(insn.mnemonic)) {
      if (this.random() < 0.5) view.setBigInt64(at, BigInt(Math.floor(this.random() * 40) - 20), true);
    } else if (width === 32) {
      view.setUint32(at, Number(randomFloat(this.random, 32)), true);
    } else if (width === 64) {
      view.setBigUint64(at, randomFloat(this.random, 64), true);
    }
  }

  /** Chooses the base register so that the operand lies in the data; false when it cannot. */
  private placeMemory(insn: Instruction, gpr: bigint[]): boolean {
    const memory = insn.memory!;
    if (memory.ripRelative || memory.segment >= 4 || memory.addressWidth !== 64) return false;
    const { base, index, scale } = memory;
    if (base < 0 || base === index || base === 4 || index === 4) return false;
    if (index >= 0) gpr[index] = BigInt(Math.floor(this.random() * 16));
    const scaled = index >= 0 ? gpr[index]! * BigInt(scale) : 0n;
    const wanted = BigInt(DATA + 192 + 16 * (this.byte() & 3) + (this.random() < 0.8 ? 0 : this.byte() & 15));
    const aligned = insn.kind === 'system' || insn.operands.some(({ width }) => width === 128);
    const place = aligned ? wanted & ~15n : wanted;
    gpr[base] = BigInt.asUintN(64, place - scaled - memory.displacement);
    return true;
  }
}

const randomInteger = (random: () => number): number => Math.floor(random() * 0x1_0000);
