/** FNSTENV, FLDENV, FNSAVE, FRSTOR. SDM: Vol. 1, "Saving the x87 FPU's State with FSTENV/FNSTENV and FSAVE/FNSAVE". */
import { CR0_PE } from '../../arch/controlRegisters.ts';
import { RFLAGS_VM } from '../../arch/rflags.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { x87Fault } from '../engines/x87Access.ts';
import { loadLinear, storeLinear, translateOrFault } from '../linearMemory.ts';
import { I32_RFLAGS, I32_X87_OPCODE, U64_CR0, U64_X87_DATA, U64_X87_INSTRUCTION } from '../state.ts';
import { X87Unit } from '../x87/x87Unit.ts';
import { memoryAddress } from './operands.ts';

const unit = new X87Unit();
/** Fields of the environment, and bytes of a register. */
const FIELDS = 7;
const REGISTER_BYTES = 10;
const OPCODE_MASK = 0x7ff;

/** The unit of this core. Raises: #NM; #MF when it waits and an exception is pending. */
export function x87Of(core: Core, waits: boolean): X87Unit {
  const vector = x87Fault(core.state.i32, waits);
  if (vector >= 0) core.raise(vector);
  unit.attach(core.state);
  return unit;
}

/** Bytes of the memory operand, those of one field of its environment, and its address. Nothing is touched unless all of it can be. */
function areaOf(core: Core, insn: Instruction, write: boolean): { la: number; field: 2 | 4; access: number } {
  const bytes = insn.operands[0]!.width / 8;
  const access = (write ? ACCESS_WRITE : ACCESS_READ) | core.userAccess;
  const la = memoryAddress(core, insn, bytes, write);
  translateOrFault(core, la, access);
  translateOrFault(core, la + bytes - 1, access);
  return { la, field: bytes === 14 || bytes === 94 ? 2 : 4, access };
}

/** Real-address and virtual-8086 mode keep linear addresses, in two parts each. */
const isReal = (core: Core): boolean =>
  (Number(core.state.u64[U64_CR0]! & 1n) & CR0_PE) === 0 || (core.state.i32[I32_RFLAGS]! & RFLAGS_VM) !== 0;

/**
 * The seven fields in the form of this mode and operand size; what is reserved above 16 bits is ones.
 * Deviation: segments of the last instruction and its operand are not kept, and read as 0, as CPUID.7.0:EBX[13] tells.
 */
function environmentOf(core: Core, unit: X87Unit, field: 2 | 4): bigint[] {
  const { u64, i32 } = core.state;
  const [instruction, data, opcode] = [u64[U64_X87_INSTRUCTION]!, u64[U64_X87_DATA]!, BigInt(i32[I32_X87_OPCODE]! & OPCODE_MASK)];
  const reserved = field === 4 ? 0xffff_0000n : 0n;
  const words = [unit.control, unit.status, unit.tags].map((word) => BigInt(word) | reserved);
  if (!isReal(core)) return [...words, instruction, field === 4 ? opcode << 16n : 0n, data, reserved];
  const upper = (address: bigint): bigint => BigInt.asUintN(8 * field - 12, address >> 16n) << 12n;
  const low = (address: bigint): bigint => (field === 4 ? BigInt.asUintN(16, address) | reserved : address);
  return [...words, low(instruction), upper(instruction) | opcode, low(data), upper(data)];
}

/** The environment as `environmentOf` writes it. */
function loadEnvironment(core: Core, unit: X87Unit, field: 2 | 4, words: readonly bigint[]): void {
  const { u64, i32 } = core.state;
  const [control, status, tags, instruction, selector, data, last] = words as [bigint, bigint, bigint, bigint, bigint, bigint, bigint];
  unit.restore(Number(control & 0xffffn), Number(status & 0xffffn));
  unit.tags = Number(tags & 0xffffn);
  if (isReal(core)) {
    const upper = (word: bigint): bigint => BigInt.asUintN(8 * field - 12, word >> 12n) << 16n;
    u64[U64_X87_INSTRUCTION] = BigInt.asUintN(16, instruction) | upper(selector);
    u64[U64_X87_DATA] = BigInt.asUintN(16, data) | upper(last);
    i32[I32_X87_OPCODE] = Number(selector) & OPCODE_MASK;
    return;
  }
  u64[U64_X87_INSTRUCTION] = instruction;
  u64[U64_X87_DATA] = data;
  if (field === 4) i32[I32_X87_OPCODE] = Number(selector >> 16n) & OPCODE_MASK;
}

function storeFields(core: Core, words: readonly bigint[], la: number, field: 2 | 4, access: number): void {
  words.forEach((word, i) => {
    storeLinear(core, field, la + field * i, BigInt.asUintN(8 * field, word), access);
  });
}

/** FNSTENV: exceptions are masked afterwards. */
export function storeEnvironment(core: Core, insn: Instruction): void {
  const unit = x87Of(core, false);
  const { la, field, access } = areaOf(core, insn, true);
  storeFields(core, environmentOf(core, unit, field), la, field, access);
  unit.maskAll();
  core.retire(insn);
}

const loadFields = (core: Core, la: number, field: 2 | 4, access: number): bigint[] =>
  Array.from({ length: FIELDS }, (_, i) => loadLinear(core, field, la + field * i, access));

/** FLDENV: exceptions that are set and not masked are pending from then on. */
export function fldenv(core: Core, insn: Instruction): void {
  const unit = x87Of(core, true);
  const { la, field, access } = areaOf(core, insn, false);
  loadEnvironment(core, unit, field, loadFields(core, la, field, access));
  core.retire(insn);
}

/** FNSAVE: the environment, then the stack from ST(0) on; the unit is initialized afterwards. */
export function fnsave(core: Core, insn: Instruction): void {
  const unit = x87Of(core, false);
  const { la, field, access } = areaOf(core, insn, true);
  storeFields(core, environmentOf(core, unit, field), la, field, access);
  for (let i = 0; i < 8; i++) {
    const at = la + FIELDS * field + REGISTER_BYTES * i;
    storeLinear(core, 8, at, BigInt.asUintN(64, unit.read(i)), access);
    storeLinear(core, 2, at + 8, unit.read(i) >> 64n, access);
  }
  unit.initialize();
  core.retire(insn);
}

/** FRSTOR: what FNSAVE stored. */
export function frstor(core: Core, insn: Instruction): void {
  const unit = x87Of(core, true);
  const { la, field, access } = areaOf(core, insn, false);
  const words = loadFields(core, la, field, access);
  const registers = Array.from({ length: 8 }, (_, i) => {
    const at = la + FIELDS * field + REGISTER_BYTES * i;
    return loadLinear(core, 8, at, access) | (loadLinear(core, 2, at + 8, access) << 64n);
  });
  loadEnvironment(core, unit, field, words);
  registers.forEach((bits, i) => {
    unit.setContents(i, bits);
  });
  core.retire(insn);
}
