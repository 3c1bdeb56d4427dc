/** The decoder: bytes to `Instruction` records. iced-x86 does the decoding; nothing outside this room knows it. */

import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import { guestFault } from '../guestFault.ts';
import type { Operation } from '../operation.ts';
import { nop } from '../semantics/misc.ts';
import { INVALID_OPCODE, type Semantics, semanticsOf } from '../semantics/table.ts';
import { CODE_MODES, CODE_SIZES, type CodeMode, STACK_WIDTHS } from './codeMode.ts';
import { DecoderError, DecoderOptions, Decoder as IcedDecoder, Instruction as IcedInstruction } from './iced.ts';
import {
  type Instruction,
  OPERAND_MEMORY,
  OPERAND_RELATIVE,
  OPERAND_SEGMENT,
  type Operand,
  REPEAT_E,
  REPEAT_NE,
  REPEAT_NONE,
  type Width,
} from './instruction.ts';
import type { InstructionCosts } from './instructionCosts.ts';
import { type OpCodeFacts, opCodeFacts, rflagsMask } from './opCodeFacts.ts';
import { memoryOf, operandOf, segmentOf, stringAddressWidth } from './operandsOf.ts';

/** Longest instruction. SDM: Vol. 2, "Instruction Format". */
export const MAX_INSTRUCTION_LENGTH = 15;

/** Raises #UD: what an invalid encoding does. */
const raiseInvalidOpcode: Operation = () => {
  throw guestFault.set(VECTOR_UD, -1);
};
/** Raises #GP(0): what an instruction longer than 15 bytes does. */
const raiseTooLong: Operation = () => {
  throw guestFault.set(VECTOR_GP, 0);
};
/** The operation of an instruction that has a meaning instead; nobody runs it. */
const noOperation: Operation = (_core, insn) => {
  throw new Error(`${insn.form} is no system operation`);
};

/** Decodes the instructions of one machine. */
export class Decoder {
  private readonly systemOperations: Readonly<Record<string, Operation>>;
  private readonly costs: InstructionCosts;
  private readonly exists: (mnemonic: string, features: readonly string[]) => boolean;
  /** Answers of `exists`, by form. */
  private readonly known = new Map<string, boolean>();
  /** iced's result record, reused: it lives in iced's memory and has no finalizer. */
  private readonly iced = new IcedInstruction();

  /**
   * @param systemOperations long operations by key (semantics/table, SYSTEM_OPERATIONS); a missing one stops the machine as not implemented.
   * @param exists whether this processor has an instruction that needs these features; where not, it raises #UD. By default all exist.
   */
  constructor(
    systemOperations: Readonly<Record<string, Operation>>,
    costs: InstructionCosts,
    exists: (mnemonic: string, features: readonly string[]) => boolean = () => true,
  ) {
    this.systemOperations = systemOperations;
    this.costs = costs;
    this.exists = exists;
  }

  /**
   * Hands the instructions at `bytes[0..]`, in order, to `accept` until it answers false, or the bytes end. An instruction whose bytes
   * go beyond the end is not handed out.
   * @param offset page offset of `bytes[0]`: becomes `Instruction.offset`.
   * @returns true when it stopped because the next instruction is cut off.
   */
  decodeRun(bytes: Uint8Array, offset: number, mode: CodeMode, accept: (insn: Instruction) => boolean): boolean {
    if (mode < 0 || mode >= CODE_MODES) throw new RangeError(`no code mode ${mode}`);
    const decoder = new IcedDecoder(CODE_SIZES[mode], bytes, DecoderOptions.None);
    try {
      while (decoder.canDecode) {
        const start = decoder.position;
        // Every instruction decodes at address 0: the record must not depend on where the code lies.
        decoder.ip = 0n;
        decoder.decodeOut(this.iced);
        const error = decoder.lastError;
        // A cut-off instruction may be longer than 15 bytes already; then the bytes that are missing do not matter.
        if (error === DecoderError.NoMoreBytes && bytes.length - start < MAX_INSTRUCTION_LENGTH) return true;
        const length = decoder.position - start;
        const insn =
          error === DecoderError.None && this.isKnown(opCodeFacts(this.iced))
            ? this.build(bytes, start, offset + start, mode)
            : invalid(offset + start, length, mode, this.costs.instruction, isTooLong(bytes, start, length, mode));
        if (!accept(insn)) return false;
      }
      return false;
    } finally {
      decoder.free();
    }
  }

  private isKnown({ form, mnemonic, features }: OpCodeFacts): boolean {
    let known = this.known.get(form);
    if (known === undefined) {
      known = this.exists(mnemonic, features);
      this.known.set(form, known);
    }
    return known;
  }

  /** The instruction at `bytes[0]`; undefined when its bytes go beyond the end. */
  decode(bytes: Uint8Array, offset: number, mode: CodeMode): Instruction | undefined {
    let result: Instruction | undefined;
    this.decodeRun(bytes, offset, mode, (insn) => {
      result = insn;
      return false;
    });
    return result;
  }

  private build(bytes: Uint8Array, start: number, offset: number, mode: CodeMode): Instruction {
    const { iced, costs } = this;
    const facts = opCodeFacts(iced);
    const length = iced.length;
    const nextIp = BigInt(length);
    const operands: Operand[] = [];
    for (let i = 0; i < iced.opCount; i++) operands.push(operandOf(iced, i));
    const memory = memoryOf(iced, nextIp, CODE_SIZES[mode]);
    const repeat = facts.repeatable ? repeatOf(iced) : REPEAT_NONE;
    const far = iced.isJmpFarIndirect || iced.isCallFarIndirect;
    const semantics = semanticsOf(facts.mnemonic, { operands, memory, repeat, far });
    const lock = iced.hasLockPrefix;
    return {
      form: facts.form,
      mnemonic: facts.mnemonic,
      offset,
      length,
      mode: CODE_SIZES[mode],
      width: far ? farWidth(operands[0]!) : widthOf(facts, operands, CODE_SIZES[mode]),
      addressWidth: memory?.addressWidth ?? (stringAddressWidth(iced) || (facts.addressSize as 0 | 16 | 32 | 64) || CODE_SIZES[mode]),
      stackWidth: STACK_WIDTHS[mode],
      operands,
      memory,
      segment: segmentOf(iced, CODE_SIZES[mode]),
      lock,
      repeat,
      condition: facts.conditional ? iced.conditionCode - 1 : -1,
      delta: deltaOf(iced, operands, nextIp),
      flagsRead: rflagsMask(iced.rflagsRead),
      flagsWritten: rflagsMask(iced.rflagsModified),
      flagsUndefined: rflagsMask(iced.rflagsUndefined),
      kind: semantics?.kind ?? 'system',
      meaning: semantics !== undefined && semantics.kind !== 'system' ? semantics.meaning : nop,
      operation: this.operationOf(semantics, bytes, start, length),
      cycles: priceOf(facts.mnemonic, lock, operands, costs),
    };
  }

  private operationOf(semantics: Semantics | undefined, bytes: Uint8Array, start: number, length: number): Operation {
    if (semantics !== undefined && semantics.kind !== 'system') return noOperation;
    if (semantics?.operation === INVALID_OPCODE) return raiseInvalidOpcode;
    const operation = semantics === undefined ? undefined : this.systemOperations[semantics.operation];
    if (operation !== undefined) return operation;
    const encoding = bytes.slice(start, start + length);
    return (core, insn) => core.stopUnimplemented(insn, encoding);
  }
}

/**
 * An invalid encoding goes beyond 15 bytes. iced stops there, and does not tell whether more were wanted; without one of the prefixes, of which there
 * must be several then, it has room to tell.
 * Deviation: of some encodings that are invalid whatever follows, the model counts ModRM, displacement and immediate otherwise than a processor does;
 * around 15 bytes such a one raises #UD instead of #GP, or the other way round.
 */
function isTooLong(bytes: Uint8Array, start: number, length: number, mode: CodeMode): boolean {
  if (length < MAX_INSTRUCTION_LENGTH) return false;
  const shorter = withoutOnePrefix(bytes.slice(start, start + MAX_INSTRUCTION_LENGTH + 1));
  const decoder = new IcedDecoder(CODE_SIZES[mode], shorter, DecoderOptions.None);
  const iced = decoder.decode();
  const isLong = decoder.position >= MAX_INSTRUCTION_LENGTH || decoder.lastError === DecoderError.NoMoreBytes;
  iced.free();
  decoder.free();
  return isLong;
}

/** One prefix less, of those that have no influence on the length. */
function withoutOnePrefix(bytes: Uint8Array): Uint8Array {
  // Operand and address size count once, and REX where it is the last; all others can go.
  const at = bytes.findIndex((byte, i) => (isSizePrefix(byte) || (byte & 0xf0) === 0x40 ? bytes.indexOf(byte, i + 1) > i : true));
  return Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1)]);
}

const isSizePrefix = (byte: number): boolean => byte === 0x66 || byte === 0x67;

/** An invalid encoding: #UD, or #GP(0) when it is too long. */
function invalid(offset: number, length: number, mode: CodeMode, cycles: number, tooLong: boolean): Instruction {
  const width = CODE_SIZES[mode];
  return {
    form: 'INVALID',
    mnemonic: 'INVALID',
    offset,
    length,
    mode: width,
    width,
    addressWidth: width,
    stackWidth: STACK_WIDTHS[mode],
    operands: [],
    memory: undefined,
    segment: 0,
    lock: false,
    repeat: REPEAT_NONE,
    condition: -1,
    delta: 0,
    flagsRead: 0,
    flagsWritten: 0,
    flagsUndefined: 0,
    kind: 'system',
    meaning: nop,
    operation: tooLong ? raiseTooLong : raiseInvalidOpcode,
    cycles,
  };
}

/** A far pointer in memory is an offset of the operand size and a selector. */
const farWidth = (pointer: Operand): Width => (pointer.width - 16) as Width;

/** The operand size where it comes from prefixes, else the width of the first operand (of the second, where the first is a port). */
function widthOf(facts: OpCodeFacts, operands: readonly Operand[], codeSize: 16 | 32 | 64): Width {
  const operand = operands[facts.widthOperand];
  if (operand !== undefined && operand.kind !== OPERAND_SEGMENT && isIntegerWidth(operand.width)) return operand.width;
  return facts.operandSize === 0 ? codeSize : (facts.operandSize as Width);
}

const isIntegerWidth = (width: number): width is Width => width === 8 || width === 16 || width === 32 || width === 64;

function repeatOf(iced: IcedInstruction): number {
  if (iced.hasRepnePrefix) return REPEAT_NE;
  return iced.hasRepPrefix ? REPEAT_E : REPEAT_NONE;
}

function deltaOf(iced: IcedInstruction, operands: readonly Operand[], nextIp: bigint): number {
  const first = operands[0];
  if (first?.kind !== OPERAND_RELATIVE) return 0;
  return Number(BigInt.asIntN(first.width, iced.nearBranchTarget - nextIp));
}

function priceOf(mnemonic: string, lock: boolean, operands: readonly Operand[], costs: InstructionCosts): number {
  let cycles = costs.instruction;
  if (lock || (mnemonic === 'Xchg' && operands.some((operand) => operand.kind === OPERAND_MEMORY))) cycles += costs.locked;
  if (mnemonic === 'Div' || mnemonic === 'Idiv') cycles += costs.divide;
  if (mnemonic === 'Mfence' || mnemonic === 'Sfence' || mnemonic === 'Lfence') cycles += costs.fence;
  if (mnemonic === 'Pause') cycles += costs.pause;
  return cycles;
}
