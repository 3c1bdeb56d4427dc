/** Turns iced's operands into ours. */
import { type Instruction as IcedInstruction, MemorySizeExt, OpKind, Register } from 'iced-x86';
import { DS, FS, RBP, RSP, SS } from '../../arch/registers.ts';
import { REGISTER_MEANINGS } from './icedRegisters.ts';
import { type MemoryOperand, OPERAND_FAR, OPERAND_IMMEDIATE, OPERAND_MEMORY, OPERAND_RELATIVE, type Operand } from './instruction.ts';

const IMMEDIATE_WIDTHS: Readonly<Record<number, number>> = {
  [OpKind.Immediate8]: 8,
  [OpKind.Immediate8_2nd]: 8,
  [OpKind.Immediate16]: 16,
  [OpKind.Immediate32]: 32,
  [OpKind.Immediate64]: 64,
  [OpKind.Immediate8to16]: 16,
  [OpKind.Immediate8to32]: 32,
  [OpKind.Immediate8to64]: 64,
  [OpKind.Immediate32to64]: 64,
};

const BRANCH_WIDTHS: Readonly<Record<number, number>> = {
  [OpKind.NearBranch16]: 16,
  [OpKind.NearBranch32]: 32,
  [OpKind.NearBranch64]: 64,
};

/** Address width of implied string operands. */
const STRING_ADDRESS_WIDTHS: Readonly<Record<number, 16 | 32 | 64>> = {
  [OpKind.MemorySegSI]: 16,
  [OpKind.MemorySegDI]: 16,
  [OpKind.MemoryESDI]: 16,
  [OpKind.MemorySegESI]: 32,
  [OpKind.MemorySegEDI]: 32,
  [OpKind.MemoryESEDI]: 32,
  [OpKind.MemorySegRSI]: 64,
  [OpKind.MemorySegRDI]: 64,
  [OpKind.MemoryESRDI]: 64,
};

/** Operand `i` of an instruction. */
export function operandOf(iced: IcedInstruction, i: number): Operand {
  const kind = iced.opKind(i);
  if (kind === OpKind.Register) {
    const register = REGISTER_MEANINGS[iced.opRegister(i)]!;
    return { kind: register.kind, register: register.number, width: register.width, immediate: 0n };
  }
  const immediateWidth = IMMEDIATE_WIDTHS[kind];
  if (immediateWidth !== undefined) {
    return { kind: OPERAND_IMMEDIATE, register: -1, width: immediateWidth, immediate: BigInt.asUintN(immediateWidth, iced.immediate(i)) };
  }
  const branchWidth = BRANCH_WIDTHS[kind];
  if (branchWidth !== undefined) return { kind: OPERAND_RELATIVE, register: -1, width: branchWidth, immediate: 0n };
  if (kind === OpKind.FarBranch16 || kind === OpKind.FarBranch32) return farOperand(iced, kind === OpKind.FarBranch16 ? 16 : 32);
  return { kind: OPERAND_MEMORY, register: -1, width: MemorySizeExt.size(iced.memorySize) * 8, immediate: 0n };
}

/** A direct far pointer: offset in the low 32 bits of `immediate`, selector above. */
function farOperand(iced: IcedInstruction, width: 16 | 32): Operand {
  const offset = width === 16 ? iced.farBranch16 : iced.farBranch32;
  return { kind: OPERAND_FAR, register: -1, width, immediate: (BigInt(iced.farBranchSelector) << 32n) | BigInt(offset >>> 0) };
}

/**
 * The explicit memory operand, if there is one. String operands are implied and have none. In 64-bit mode overrides other than FS and GS are
 * ignored.
 */
export function memoryOf(iced: IcedInstruction, nextIp: bigint, codeSize: 16 | 32 | 64): MemoryOperand | undefined {
  for (let i = 0; i < iced.opCount; i++) {
    if (iced.opKind(i) !== OpKind.Memory) continue;
    const base = REGISTER_MEANINGS[iced.memoryBase]!;
    const index = REGISTER_MEANINGS[iced.memoryIndex]!;
    const ripRelative = iced.isIpRelMemoryOperand;
    const addressWidth = addressWidthOf(iced);
    const segment = REGISTER_MEANINGS[iced.memorySegment]!.number;
    const displacement = ripRelative ? iced.ipRelMemoryAddress - nextIp : iced.memoryDisplacement;
    return {
      base: base.number,
      // XLAT names AL as its index; its meaning reads the registers itself.
      index: index.width === 8 ? -1 : index.number,
      scale: iced.memoryIndexScale,
      displacement: BigInt.asUintN(addressWidth, displacement),
      ripRelative,
      segment: segment >= FS || codeSize !== 64 ? segment : base.number === RSP || base.number === RBP ? SS : DS,
      addressWidth,
    };
  }
  return undefined;
}

function addressWidthOf(iced: IcedInstruction): 16 | 32 | 64 {
  const register = iced.memoryBase !== Register.None ? iced.memoryBase : iced.memoryIndex;
  if (register !== Register.None) return REGISTER_MEANINGS[register]!.width as 16 | 32 | 64;
  const size = iced.memoryDisplSize;
  return size === 8 ? 64 : size === 4 ? 32 : 16;
}

/** Address width of implied string operands; 0 when there are none. */
export function stringAddressWidth(iced: IcedInstruction): 0 | 16 | 32 | 64 {
  for (let i = 0; i < iced.opCount; i++) {
    const width = STRING_ADDRESS_WIDTHS[iced.opKind(i)];
    if (width !== undefined) return width;
  }
  return 0;
}

/** The effective segment of the data operand; DS when there is none. */
export function segmentOf(iced: IcedInstruction, codeSize: 16 | 32 | 64): number {
  const number = REGISTER_MEANINGS[iced.memorySegment]!.number;
  return number < 0 || (codeSize === 64 && number < FS) ? DS : number;
}
