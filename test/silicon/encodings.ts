/** Random encodings of an instruction form: prefixes, registers, memory operands, immediates. */
import { codeModeOf } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Form } from '../../src/cpu/decode/formCatalogue.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';
import type { RandomSource } from './random.ts';
import type { CodeSize } from './siliconCase.ts';
import { DATA_BASES, ORIGIN } from './surroundings.ts';

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly insn: Instruction;
}

const decoder = new Decoder({}, FLAT_COSTS);
const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x64, 0x65];
const TRIES = 60;

/** An encoding of the form in code of this size; undefined when none was found. */
export function encodeForm(form: Form, size: CodeSize, random: RandomSource, address: () => number): Encoded | undefined {
  // XOP, EVEX and their like are not made here.
  if (form.encoding === 'other') return undefined;
  for (let i = 0; i < TRIES; i++) {
    const bytes = Uint8Array.from(guess(form, size, random, address)).slice(0, 15);
    const insn = decoder.decode(bytes, 0, codeModeOf(size, size === 32));
    if (insn !== undefined && insn.form === form.form && insn.length <= bytes.length) return { bytes: bytes.slice(0, insn.length), insn };
  }
  return undefined;
}

function guess(form: Form, size: CodeSize, random: RandomSource, address: () => number): number[] {
  const bytes: number[] = [];
  if (random.chance(form.lockable ? 0.15 : 0.01)) bytes.push(0xf0);
  if (random.chance(0.15)) bytes.push(random.pick(SEGMENT_PREFIXES));
  const repeat = /^(?:Movs|Stos|Lods|Cmps|Scas|Ins|Outs)[bwdq]$/.test(form.mnemonic) ? 0.6 : 0.02;
  if (form.mandatoryPrefix !== 0xf2 && form.mandatoryPrefix !== 0xf3 && random.chance(repeat)) bytes.push(random.chance(0.5) ? 0xf3 : 0xf2);
  const other = form.addressSize !== 0 ? form.addressSize !== size : random.chance(form.modrm ? 0.12 : 0.08);
  if (other) bytes.push(0x67);
  if (form.encoding === 'vex') return [...bytes, ...vex(form, size, random), ...tail(form, size, random, address, other)];
  const { operandSize } = form;
  const prefix66 =
    form.mandatoryPrefix === 0x66 ||
    (operandSize === 16 && size !== 16) ||
    (operandSize === 32 && size === 16) ||
    (operandSize === 0 && random.chance(0.03));
  if (prefix66) bytes.push(0x66);
  if (form.mandatoryPrefix > 0x66) bytes.push(form.mandatoryPrefix);
  if (size === 64) {
    const wide = operandSize === 64 && !form.defaultSize64;
    const w = wide || (operandSize === 0 && random.chance(0.2)) || (operandSize === 64 && random.chance(0.2));
    if (w || random.chance(0.5)) bytes.push(0x40 | (w ? 8 : 0) | (random.byte() & 7));
  }
  bytes.push(...[[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]][form.map]!);
  let { opcode } = form;
  if (form.operands.some((operand) => operand.endsWith('_opcode'))) opcode |= random.byte() & 7;
  if (form.opcodeLength === 2) bytes.push(opcode >> 8);
  bytes.push(opcode & 0xff);
  return [...bytes, ...tail(form, size, random, address, other)];
}

function vex(form: Form, size: CodeSize, random: RandomSource): number[] {
  const pp = { 0: 0, 102: 1, 243: 2, 242: 3 }[form.mandatoryPrefix]!;
  const rxb = size === 64 ? random.byte() & 0xe0 : 0xe0;
  const v = form.operands.some((operand) => operand.endsWith('_vvvv')) ? random.byte() & 0x78 : 0x78;
  const w = form.vexW || (form.encodingText.includes('WIG') && random.chance(0.3)) ? 0x80 : 0;
  return [0xc4, rxb | form.map, w | v | (form.vexL << 2) | pp, form.opcode];
}

/** ModRM, SIB, displacement and immediate: what is not needed is cut off later. */
function tail(form: Form, size: CodeSize, random: RandomSource, address: () => number, other: boolean): number[] {
  const bytes: number[] = [];
  if (form.modrm) {
    const memory = random.chance(form.operands.some((operand) => /^(?:mem|.*_mem)$/.test(operand)) ? 0.5 : 0.1);
    const mod = memory ? random.pick([0, 1, 1, 2]) : 3;
    const reg = form.group >= 0 ? form.group : random.byte() & 7;
    const rm = random.byte() & 7;
    bytes.push((mod << 6) | (reg << 3) | rm);
    const short = size === 16 ? !other : size === 32 && other;
    // A displacement without a base is an address of its own.
    if (mod === 0 && rm === (short ? 6 : 5))
      return [...bytes, ...word(address() - (size === 64 ? ORIGIN + 6 : DATA_BASES[size]), short ? 2 : 4), ...immediate(form, random)];
    const displacement = short || rm !== 4 ? [] : [random.byte()];
    bytes.push(...displacement);
    if (mod === 1) bytes.push(random.byte());
    if (mod === 2) bytes.push(...word(random.chance(0.7) ? random.below(0x2000) - 0x1000 : random.below(0x1_0000_0000), short ? 2 : 4));
    return [...bytes, ...immediate(form, random)];
  }
  if (form.operands.includes('mem_offs')) {
    const width = size === 64 ? (other ? 4 : 8) : (size === 16) !== other ? 2 : 4;
    return [...word(address() - DATA_BASES[size], width), ...immediate(form, random)];
  }
  return immediate(form, random);
}

function immediate(form: Form, random: RandomSource): number[] {
  const branch = form.operands.some((operand) => /^br(?:16|32|64)_[24]$/.test(operand));
  if (branch && random.chance(0.9)) return word(random.below(0x400) - 0x200, 4);
  if (form.mnemonic === 'Enter')
    return [random.byte(), random.pick([0, 0, 0, 1, 0x10]), random.chance(0.8) ? random.below(8) : random.byte()];
  const small = random.chance(0.3);
  return Array.from({ length: 10 }, () => (small ? random.pick([0, 0xff, 0x80, 0x7f, 1]) : random.byte()));
}

const word = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * i)) & 0xffn));
