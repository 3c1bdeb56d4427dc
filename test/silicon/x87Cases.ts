/** Random x87 and MMX instructions with operands in reach: seeded, so that a failure can be repeated. */
import { CpuidTable } from '../../src/cpu/cpuid.ts';
import { CODE_64 } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import { type Form, formCatalogue } from '../../src/cpu/decode/formCatalogue.ts';
import { type Instruction, OPERAND_VECTOR } from '../../src/cpu/decode/instruction.ts';
import { isAdvertised } from '../../src/cpu/features.ts';
import { Effects } from '../../src/cpu/semantics/effects.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { randomExtended } from '../arbitraries/extendedFloats.ts';
import { randomBits, randomFloat } from '../arbitraries/floats.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';
import { RandomSource } from './random.ts';
import { DATA, DATA_SIZE, type X87Case } from './x87Silicon.ts';

/** Instructions of the unit itself; those on MMX registers; those that save and restore it, with the XMM registers or without. */
export const X87_SETS = ['x87', 'mmx', 'state'] as const;
export type X87Set = (typeof X87_SETS)[number];

/** Long operations that save and restore the unit. */
const STATE = /^(?:F(?:nstenv|ldenv|nsave|rstor)$|Fx(?:save|rstor)|X(?:save|saveopt|rstor)(?:64)?$)/;
/** Their opcodes, and the reg fields of their ModRM bytes. */
const STATE_BEGINNINGS: readonly Beginning[] = [
  ...[4, 6].flatMap((reg) => [
    [0xd9, reg << 3],
    [0xdd, reg << 3],
  ]),
  ...[0, 1, 4, 5, 6].map((reg) => [0x0f, 0xae, reg << 3]),
];
/** Opcodes of the unit with their ModRM bytes, and WAIT. */
const X87_BEGINNINGS: readonly Beginning[] = [[0x9b], ...Array.from({ length: 8 * 256 }, (_, i) => [0xd8 + (i >> 8), i & 0xff])];
const isCandidate = (insn: Instruction | undefined): insn is Instruction =>
  insn !== undefined && (insn.kind === 'system' ? STATE.test(insn.mnemonic) : Effects.of(insn).x87Unit);
/** Of MMX instructions those that name an MMX register, or EMMS. */
const isMmx = (insn: Instruction | undefined): insn is Instruction =>
  isCandidate(insn) &&
  insn.kind !== 'system' &&
  (insn.mnemonic === 'Emms' || insn.operands.some(({ kind, width }) => kind === OPERAND_VECTOR && width === 64));

/** Forms of 64-bit code that the generator makes, and the feature that each belongs to. */
export function x87Forms(set: X87Set): Map<string, string> {
  const cpuid = new CpuidTable(ivybridge.identity, 1e9, 1);
  const isIn = ({ class: kind, mnemonic, operands }: Form): boolean => {
    if (STATE.test(mnemonic)) return set === 'state';
    if (kind === 'x87') return set === 'x87';
    return set === 'mmx' && (mnemonic === 'Emms' || operands.some((operand) => /^mm/.test(operand)));
  };
  const forms = formCatalogue().filter(
    (form) =>
      form.encoding === 'legacy' && form.user && form.sizes.includes(64) && isAdvertised(form.mnemonic, form.features, cpuid) && isIn(form),
  );
  return new Map(forms.map(({ form, features }) => [form, features.join('+')]));
}

/** Operands in memory lie in this part of the data, unless the instruction saves or restores a whole area. What nobody reads must stay as it is. */
const OPERANDS_AT = 176;
const OPERANDS_END = 288;
const UNREAD = Uint8Array.from({ length: DATA_SIZE }, (_, i) => 13 * i + 5);
const UNREAD_XMM = Array.from({ length: 32 }, (_, i) => 0x0123_4567_89ab_cdefn * BigInt(i + 1));

const decoder = new Decoder({}, FLAT_COSTS);
/** Openings do not depend on the seed. */
let knownMmxOpenings: readonly (readonly number[])[] | undefined;
const knownByForm = new Map<X87Set, ReadonlyMap<string, readonly Beginning[]>>();

/** What encodings of a set begin with: its own part of `X87CaseGenerator.encodingOf`. */
type Beginning = readonly number[];

export class X87CaseGenerator {
  private readonly random: () => number;
  private readonly mmxOpenings: readonly (readonly number[])[];

  constructor(seed: number) {
    const source = new RandomSource(seed);
    this.random = () => source.fraction();
    knownMmxOpenings ??= findMmxOpenings();
    this.mmxOpenings = knownMmxOpenings;
  }

  /** A case, and the instruction it holds. @param wanted of instructions. @param beginnings of encodings. */
  next(set: X87Set, wanted: (insn: Instruction) => boolean, beginnings?: readonly Beginning[]): { test: X87Case; insn: Instruction } {
    for (;;) {
      const bytes = Uint8Array.from(this.encodingOf(set, this.pick(beginnings ?? this.beginnings(set))));
      const insn = decoder.decode(bytes, 0, CODE_64);
      if (!isCandidate(insn) || !wanted(insn)) continue;
      const test = this.place(insn, bytes.slice(0, insn.length));
      if (test !== undefined) return { test, insn };
    }
  }

  /** `count` cases of one instruction of a form (of `x87Forms`, or WAIT). */
  groupOf(set: X87Set, form: string, count: number): { test: X87Case; insn: Instruction }[] {
    let byForm = knownByForm.get(set);
    if (byForm === undefined) {
      byForm = beginningsByForm(set, this.beginnings(set));
      knownByForm.set(set, byForm);
    }
    const first = this.next(set, (insn) => insn.form === form, byForm.get(form));
    const others = Array.from({ length: count - 1 }, () => this.place(first.insn, first.test.code));
    return [first, ...others.flatMap((test) => (test === undefined ? [] : [{ test, insn: first.insn }]))];
  }

  private beginnings(set: X87Set): readonly Beginning[] {
    return set === 'mmx' ? this.mmxOpenings : set === 'x87' ? X87_BEGINNINGS : STATE_BEGINNINGS;
  }

  private encodingOf(set: X87Set, beginning: Beginning): number[] {
    const rest = Array.from({ length: 6 }, () => this.byte());
    if (set === 'x87') return [...this.rex(), ...beginning, ...rest];
    if (set === 'mmx') {
      const at = beginning.indexOf(0x0f);
      return [...beginning.slice(0, at), ...this.rex(), ...beginning.slice(at), ...this.tail()];
    }
    const narrow = beginning[0] !== 0x0f && this.random() < 0.3 ? [0x66] : [];
    const rex = this.random() < 0.5 ? [0x40 | (this.byte() & 15)] : [];
    return [...narrow, ...rex, ...beginning.slice(0, -1), beginning.at(-1)! | (this.byte() & 0xc7), ...rest];
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

  /** Registers, flags and memory with which the instruction stays inside its data. */
  private place(insn: Instruction, code: Uint8Array): X87Case | undefined {
    const gpr = Array.from({ length: 16 }, () => randomBits(this.random, 64));
    const memory = UNREAD.slice();
    const view = new DataView(memory.buffer);
    const whole = insn.kind === 'system';
    if (insn.memory !== undefined || insn.mnemonic === 'Maskmovq') {
      const end = whole ? DATA_SIZE : OPERANDS_END;
      for (let at = whole ? 0 : OPERANDS_AT; at < end; at += 4) view.setUint32(at, Math.floor(this.random() * 0x1_0000_0000), true);
    }
    const readsXmm = whole || insn.operands.some(({ kind, width }) => kind === OPERAND_VECTOR && width === 128);
    if (insn.mnemonic === 'Maskmovq') gpr[7] = BigInt(DATA + 200 + (this.byte() & 63));
    if (/^X/.test(insn.mnemonic)) {
      // Components that both have, and bits that neither has.
      gpr[0] = BigInt((this.byte() & 3) + (this.byte() & 1 ? 0x4000_0000 : 0));
      gpr[2] = BigInt(this.byte() & 1 ? 0x8000_0000 : 0);
      if (insn.memory!.base === 0 || insn.memory!.base === 2 || insn.memory!.index === 0 || insn.memory!.index === 2) return undefined;
    }
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
      xmm: readsXmm ? Array.from({ length: 32 }, () => randomFloat(this.random, 64)) : UNREAD_XMM,
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
      if (/^(?:Fx|X)rstor64$/.test(insn.mnemonic)) for (const field of [8, 16]) view.setUint32(at + field + 4, 0, true);
      if (/^X/.test(insn.mnemonic)) this.fillHeader(view, at + 512);
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

  /** The header of an XSAVE area; now and then with bits that must be 0. Not the compacted form, which the model does not have. */
  private fillHeader(view: DataView, at: number): void {
    for (let byte = 0; byte < 64; byte++) view.setUint8(at + byte, 0);
    view.setUint8(at, this.byte() & 3);
    const kind = this.random();
    if (kind < 0.04) view.setUint8(at + 5, 1);
    else if (kind < 0.07) view.setUint8(at + 8, 1 + (this.byte() & 3));
    else if (kind < 0.1) view.setUint8(at + 16 + (this.byte() & 7), 1);
  }

  /** Chooses the base register so that the operand lies in the data; false when it cannot. */
  private placeMemory(insn: Instruction, gpr: bigint[]): boolean {
    const memory = insn.memory!;
    if (memory.ripRelative || memory.segment >= 4 || memory.addressWidth !== 64) return false;
    const { base, index, scale } = memory;
    if (base < 0 || base === index || base === 4 || index === 4) return false;
    if (index >= 0) gpr[index] = BigInt(Math.floor(this.random() * 16));
    const scaled = index >= 0 ? gpr[index]! * BigInt(scale) : 0n;
    if (/^X/.test(insn.mnemonic)) {
      const area = BigInt(DATA + 64 * (this.byte() % 7) + (this.random() < 0.95 ? 0 : 16));
      gpr[base] = BigInt.asUintN(64, area - scaled - memory.displacement);
      return true;
    }
    const wanted = BigInt(DATA + 192 + 16 * (this.byte() & 3) + (this.random() < 0.8 ? 0 : this.byte() & 15));
    const aligned = insn.kind === 'system' || insn.operands.some(({ width }) => width === 128);
    const place = aligned ? wanted & ~15n : wanted;
    gpr[base] = BigInt.asUintN(64, place - scaled - memory.displacement);
    return true;
  }
}

const randomInteger = (random: () => number): number => Math.floor(random() * 0x1_0000);

/** The beginnings of a form's encodings. */
function beginningsByForm(set: X87Set, beginnings: readonly Beginning[]): Map<string, Beginning[]> {
  const found = new Map<string, Beginning[]>();
  for (const beginning of beginnings) {
    const forms = variants(set, beginning).flatMap((bytes) => {
      const insn = decoder.decode(Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0]), 0, CODE_64);
      return isCandidate(insn) ? [insn.form] : [];
    });
    for (const form of new Set(forms)) found.set(form, [...(found.get(form) ?? []), beginning]);
  }
  return found;
}

/** With every prefix and ModRM byte by which the form can differ. */
function variants(set: X87Set, beginning: Beginning): Beginning[] {
  if (set === 'x87') return [beginning];
  if (set === 'state') return [[], [0x66], [0x48]].map((prefixes) => [...prefixes, ...beginning]);
  const at = beginning.indexOf(0x0f);
  const modrms = Array.from({ length: 16 }, (_, i) => ((i & 7) << 3) | (i < 8 ? 0xc1 : 0x01));
  return modrms.flatMap((modrm) => [[], [0x48]].map((rex) => [...beginning.slice(0, at), ...rex, ...beginning.slice(at), modrm]));
}

function findMmxOpenings(): number[][] {
  const found: number[][] = [];
  for (const prefix of [[], [0x66], [0xf3], [0xf2]]) {
    for (const map of [[0x0f], [0x0f, 0x38], [0x0f, 0x3a]]) {
      for (let opcode = 0; opcode < 256; opcode++) {
        const opening = [...prefix, ...map, opcode];
        const used = [0xc1, 0xd1, 0xe1, 0xf1, 0x01, 0x11].some((modrm) =>
          isMmx(decoder.decode(Uint8Array.from([...opening, modrm, 0, 0, 0, 0, 0]), 0, CODE_64)),
        );
        if (used) found.push(opening);
      }
    }
  }
  return found;
}
