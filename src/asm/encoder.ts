/**
 * One instruction to bytes: chooses the shortest form that fits mnemonic and operands, and says where symbol values go.
 *
 * This and `forms.ts`, `matching.ts`, `branch.ts`, `clobbers.ts` and `formatter.ts` are the only users of the encoder library. Its objects live outside the
 * collected heap, so each is freed here.
 */

import { formsOf, type InstructionForm } from './forms.ts';
import { Encoder, Register as IcedRegister, Instruction, OpCodeOperandKind, OpKind, RepPrefixKind } from './iced.ts';
import { fitImmediate, fits, immediateBits } from './matching.ts';
import { formatOperand, type Immediate, type Memory, type Operand } from './operand.ts';
import type { SymbolValue } from './symbolValue.ts';

/** Code size in bits. */
export type Bits = 16 | 32 | 64;

/** Bytes to be filled in when labels have addresses. */
export interface Fixup {
  readonly offset: number;
  readonly size: 1 | 2 | 4 | 8;
  readonly value: SymbolValue;
  /** The distance from the end of the instruction, instead of the value itself. */
  readonly relative: boolean;
}

export interface EncodedInstruction {
  readonly bytes: Uint8Array;
  readonly fixups: readonly Fixup[];
  /** iced's code of the form. */
  readonly code: number;
}

const encoders = new Map<Bits, Encoder>();

/** The encoder for a code size; there is one of each for the life of the process. */
export function encoderFor(bits: Bits): Encoder {
  let encoder = encoders.get(bits);
  if (encoder === undefined) {
    encoder = new Encoder(bits);
    encoders.set(bits, encoder);
  }
  return encoder;
}

/**
 * Encodes `mnemonic operands` for a code size.
 *
 * Raises: Error when there is no such mnemonic in that code size, or no form with these operands; the message lists the forms there are.
 */
export function encodeInstruction(bits: Bits, mnemonic: string, operands: readonly Operand[], lock = false): EncodedInstruction {
  const all = formsOf(mnemonic).filter((form) => (bits === 64 ? form.mode64 : bits === 32 ? form.mode32 : form.mode16));
  const target = operands[0];
  if (lock && (typeof target !== 'object' || target.kind !== 'memory'))
    throw new Error(`lock ${mnemonic}: the destination is not in memory`);
  let best: EncodedInstruction | undefined;
  let refusal = '';
  if (lock && all.every((form) => !form.lockable)) throw new Error(`lock ${mnemonic}: takes no LOCK prefix`);
  for (const form of all) {
    if (form.operands.length !== operands.length) continue;
    if (!operands.every((operand, place) => fits(operand, form.operands[place]!))) continue;
    // PUSH of an immediate or a segment has no operand that says how much is pushed: it is the stack's own width.
    if (mnemonic === 'push' && form.operandSize !== bits && operandWidth(operands[0]!) === 0) continue;
    try {
      const encoded = encodeForm(bits, form, operands, lock);
      if (best === undefined || encoded.bytes.length < best.bytes.length) best = encoded;
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
    }
  }
  if (best !== undefined) return best;
  const written = `${mnemonic} ${operands.map(formatOperand).join(', ')}`.trim();
  if (all.length === 0) throw new Error(`${written}: no instruction ${mnemonic} in ${bits}-bit code`);
  if (refusal !== '') throw new Error(`${written}: ${refusal}`);
  throw new Error(`${written}: no such form; there is ${[...new Set(all.map((form) => form.text))].join('; ')}`);
}

/** Encodes a string instruction with implied operands, with a REP prefix when `rep` is set. */
export function encodeString(bits: Bits, mnemonic: string, rep: boolean): EncodedInstruction {
  const prefix = rep ? RepPrefixKind.Repe : RepPrefixKind.None;
  const size = mnemonic.at(-1)!;
  const instruction = mnemonic.startsWith('movs')
    ? {
        b: Instruction.createMovsb,
        w: Instruction.createMovsw,
        d: Instruction.createMovsd,
        q: Instruction.createMovsq,
      }[size]!(bits, IcedRegister.None, prefix)
    : {
        b: Instruction.createStosb,
        w: Instruction.createStosw,
        d: Instruction.createStosd,
        q: Instruction.createStosq,
      }[size]!(bits, prefix);
  try {
    return { bytes: encodeBytes(bits, instruction), fixups: [], code: instruction.code };
  } finally {
    instruction.free();
  }
}

const operandWidth = (operand: Operand): number =>
  typeof operand === 'object' && (operand.kind === 'register' || operand.kind === 'memory') ? operand.width : 0;

function encodeBytes(bits: Bits, instruction: Instruction): Uint8Array {
  const encoder = encoderFor(bits);
  let bytes: Uint8Array | undefined;
  try {
    encoder.encode(instruction, 0n);
  } finally {
    // Taken in any case: a refused instruction must leave nothing for the next one.
    bytes = encoder.takeBuffer();
  }
  return bytes;
}

function encodeForm(bits: Bits, form: InstructionForm, operands: readonly Operand[], lock: boolean): EncodedInstruction {
  const instruction = Instruction.create(form.code);
  try {
    instruction.hasLockPrefix = lock;
    let immediates = 0;
    operands.forEach((operand, place) => {
      const kind = form.operands[place]!;
      if (typeof operand !== 'object' || operand.kind === 'symbol') {
        // A second immediate does not occur in any form that can be written here.
        if (immediates++ > 0) throw new Error('two immediates');
        setImmediate(instruction, place, kind, operand);
      } else if (operand.kind === 'memory') {
        setMemory(bits, instruction, place, operand);
      } else {
        instruction.setOpKind(place, OpKind.Register);
        instruction.setOpRegister(place, icedRegister(operand.name));
      }
    });
    const bytes = encodeBytes(bits, instruction);
    return { bytes, fixups: fixupsOf(bits, operands), code: form.code };
  } finally {
    instruction.free();
  }
}

const registersByName = new Map<string, IcedRegister>();
function icedRegister(name: string): IcedRegister {
  if (registersByName.size === 0) {
    for (const [key, value] of Object.entries(IcedRegister)) if (typeof value === 'number') registersByName.set(key.toLowerCase(), value);
    for (let n = 8; n < 16; n++) registersByName.set(`r${n}b`, registersByName.get(`r${n}l`)!);
  }
  const found = registersByName.get(name);
  if (found === undefined) throw new Error(`no register ${name}`);
  return found;
}

const IMMEDIATE_OPERAND = new Map<number, OpKind>([
  [OpCodeOperandKind.imm8, OpKind.Immediate8],
  [OpCodeOperandKind.imm8_const_1, OpKind.Immediate8],
  [OpCodeOperandKind.imm8sex16, OpKind.Immediate8to16],
  [OpCodeOperandKind.imm8sex32, OpKind.Immediate8to32],
  [OpCodeOperandKind.imm8sex64, OpKind.Immediate8to64],
  [OpCodeOperandKind.imm16, OpKind.Immediate16],
  [OpCodeOperandKind.imm32, OpKind.Immediate32],
  [OpCodeOperandKind.imm32sex64, OpKind.Immediate32to64],
  [OpCodeOperandKind.imm64, OpKind.Immediate64],
]);

function setImmediate(instruction: Instruction, place: number, kind: number, operand: Immediate): void {
  // A symbol's value comes later; its place is wide enough whatever it is.
  const value = typeof operand === 'object' ? 0n : fitImmediate(operand, kind)!;
  instruction.setOpKind(place, IMMEDIATE_OPERAND.get(kind)!);
  if (immediateBits(kind) === 8) instruction.immediate8 = Number(BigInt.asUintN(8, value));
  else if (kind === OpCodeOperandKind.imm64) instruction.immediate64 = BigInt.asUintN(64, value);
  else if (kind === OpCodeOperandKind.imm16) instruction.immediate16 = Number(BigInt.asUintN(16, value));
  else instruction.immediate32 = Number(BigInt.asUintN(32, value));
}

/** RIP-relative: 64-bit code naming a symbol without registers. */
const isRipRelative = (bits: Bits, operand: Memory): boolean =>
  bits === 64 && operand.symbol !== undefined && operand.base === undefined && operand.index === undefined;

function setMemory(bits: Bits, instruction: Instruction, place: number, operand: Memory): void {
  const { base, index, displacement, symbol } = operand;
  const addressWidth = base?.width ?? index?.register.width ?? bits;
  if (index !== undefined && index.register.width !== addressWidth) throw new Error('base and index differ in width');
  instruction.setOpKind(place, OpKind.Memory);
  if (operand.segment !== undefined) instruction.segmentPrefix = icedRegister(operand.segment.name);
  if (isRipRelative(bits, operand)) instruction.memoryBase = IcedRegister.RIP;
  else if (base !== undefined) instruction.memoryBase = icedRegister(base.name);
  if (index !== undefined) {
    instruction.memoryIndex = icedRegister(index.register.name);
    instruction.memoryIndexScale = index.scale;
  }
  if (symbol === undefined) {
    instruction.memoryDisplacement = BigInt.asUintN(64, BigInt(displacement));
    // 1 lets the encoder choose between 8 bits and the full displacement; without registers there is only the full one.
    instruction.memoryDisplSize = base !== undefined || index !== undefined ? (displacement === 0 ? 0 : 1) : addressWidth / 8;
  } else {
    instruction.memoryDisplSize = addressWidth / 8;
  }
}

/** Where the encoder put the operands whose values are symbols. */
function fixupsOf(bits: Bits, operands: readonly Operand[]): Fixup[] {
  const fixups: Fixup[] = [];
  const constants = encoderFor(bits).getConstantOffsets();
  try {
    for (const operand of operands) {
      if (typeof operand !== 'object') continue;
      if (operand.kind === 'symbol') {
        fixups.push({
          offset: constants.immediateOffset,
          size: constants.immediateSize as Fixup['size'],
          value: operand,
          relative: false,
        });
      } else if (operand.kind === 'memory' && operand.symbol !== undefined) {
        fixups.push({
          offset: constants.displacementOffset,
          size: constants.displacementSize as Fixup['size'],
          value: { ...operand.symbol, addend: operand.symbol.addend + operand.displacement },
          relative: isRipRelative(bits, operand),
        });
      }
    }
  } finally {
    constants.free();
  }
  return fixups;
}
