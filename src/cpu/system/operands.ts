import { CANONICAL_LIMIT } from '../../arch/addresses.ts';
import { FS, SS } from '../../arch/registers.ts';
import { VECTOR_GP, VECTOR_SS } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import { type Instruction, OPERAND_MEMORY } from '../decode/instruction.ts';
import { loadLinear, signedNumber, storeLinear } from '../linearMemory.ts';
import { segmentAllows } from '../segmentCheck.ts';
import { U64_RIP, U64_SEGMENT_BASE } from '../state.ts';

/** The offset of the memory operand in its segment. */
function effectiveOffset(core: Core, insn: Instruction, displacement = 0): bigint {
  const memory = insn.memory!;
  const { u64 } = core.state;
  let offset = memory.displacement + BigInt(displacement);
  if (memory.base >= 0) offset += u64[memory.base]!;
  if (memory.index >= 0) offset += u64[memory.index]! * BigInt(memory.scale);
  if (memory.ripRelative) offset += u64[U64_RIP]! + BigInt(insn.length);
  return BigInt.asUintN(memory.addressWidth, offset);
}

/** The 64-bit linear address of the memory operand, before any check. */
function linearBits(core: Core, insn: Instruction, displacement = 0): bigint {
  const memory = insn.memory!;
  const { u64 } = core.state;
  const offset = effectiveOffset(core, insn, displacement);
  const based = core.codeSize !== 64 || memory.segment >= FS;
  const linear = based ? offset + u64[U64_SEGMENT_BASE + memory.segment]! : offset;
  return BigInt.asUintN(core.codeSize === 64 ? 64 : 32, linear);
}

/** Linear address (signed) of the memory operand of a system operation; not checked, as INVLPG wants it. */
export const linearAddress = (core: Core, insn: Instruction): number => signedNumber(linearBits(core, insn));

/**
 * Linear address (signed) of `bytes` bytes of the memory operand of a system operation, `displacement` bytes from its start.
 * Raises: #GP(0), #SS(0) when not canonical, or beyond the segment, or not allowed there.
 */
export function memoryAddress(core: Core, insn: Instruction, bytes: number, write = false, displacement = 0): number {
  const { segment } = insn.memory!;
  const la = signedNumber(linearBits(core, insn, displacement));
  const allowed =
    core.codeSize === 64
      ? la >= -CANONICAL_LIMIT && la + bytes <= CANONICAL_LIMIT
      : segmentAllows(core.state.i32, segment, Number(effectiveOffset(core, insn, displacement)), bytes, write);
  if (!allowed) core.raise(segment === SS ? VECTOR_SS : VECTOR_GP, 0);
  return la;
}

/** The far pointer in memory: an offset of `bytes` bytes, then a selector; each is an access of its own. */
export function loadFarPointer(core: Core, insn: Instruction, bytes: 2 | 4 | 8): { offset: bigint; selector: number } {
  const access = ACCESS_READ | core.userAccess;
  const offset = loadLinear(core, bytes, memoryAddress(core, insn, bytes), access);
  return { offset, selector: Number(loadLinear(core, 2, memoryAddress(core, insn, 2, false, bytes), access)) };
}

/** The first operand as a 16-bit value, from a register or memory. */
export function readOperand16(core: Core, insn: Instruction, index = 0): number {
  const operand = insn.operands[index]!;
  if (operand.kind !== OPERAND_MEMORY) return Number(core.state.u64[operand.register]! & 0xffffn);
  return Number(loadLinear(core, 2, memoryAddress(core, insn, 2), ACCESS_READ | core.userAccess));
}

/** Stores a selector to the first operand: 16 bits of memory, or a register zero-extended to the operand size. Retires. */
export function writeOperandSelector(core: Core, insn: Instruction, selector: number): void {
  const operand = insn.operands[0]!;
  if (operand.kind === OPERAND_MEMORY)
    storeLinear(core, 2, memoryAddress(core, insn, 2, true), BigInt(selector), ACCESS_WRITE | core.userAccess);
  else writeRegister(core, operand.register, operand.width, BigInt(selector));
  core.retire(insn);
}

/** Writes a general-purpose register at 16, 32 or 64 bits, as instructions do. */
export function writeRegister(core: Core, register: number, width: number, value: bigint): void {
  const { u64 } = core.state;
  u64[register] = width === 16 ? (u64[register]! & ~0xffffn) | (value & 0xffffn) : BigInt.asUintN(width, value);
}
