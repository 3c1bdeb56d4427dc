/** FXSAVE and FXRSTOR. SDM: Vol. 1, "FXSAVE Area"; Vol. 2, "FXSAVE—Save x87 FPU, MMX Technology, and SSE State". */
import { CR0_EM, CR0_TS } from '../../arch/controlRegisters.ts';
import { MXCSR_DEFINED } from '../../arch/mxcsr.ts';
import { VECTOR_GP, VECTOR_NM } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { loadLinear, storeLinear, translateOrFault } from '../linearMemory.ts';
import { I32_MXCSR, I32_X87_OPCODE, U64_CR0, U64_X87_DATA, U64_X87_INSTRUCTION } from '../state.ts';
import { X87Unit } from '../x87/x87Unit.ts';
import { memoryAddress } from './operands.ts';

/** Byte offsets in the area. */
const MXCSR_AT = 24;
const XMM_AT = 160;
const INSTRUCTION_AT = 8;
const DATA_AT = 16;
const STACK_AT = 32;

const unit = new X87Unit();
/** FXSAVE64 and FXRSTOR64 keep 64-bit offsets instead of 32 bits and a selector. */
const isWide = (insn: Instruction): boolean => insn.mnemonic.endsWith('64');

/** Registers that the area holds in this mode. */
const registersOf = (core: Core): number => (core.codeSize === 64 ? 16 : 8);

/** The area's linear address, checked. Raises: #NM when CR0.EM or CR0.TS = 1; #GP(0) when not a multiple of 16; #PF. */
function areaAddress(core: Core, insn: Instruction, access: number): number {
  if (Number(core.state.u64[U64_CR0]! & BigInt(CR0_EM | CR0_TS)) !== 0) core.raise(VECTOR_NM);
  const la = memoryAddress(core, insn, XMM_AT + 16 * registersOf(core), access !== (ACCESS_READ | core.userAccess));
  if (la % 16 !== 0) core.raise(VECTOR_GP, 0);
  // Its end may lie in another page: nothing is touched unless all can be.
  translateOrFault(core, la + XMM_AT + 16 * registersOf(core) - 1, access);
  return la;
}

/** The x87 part of the area: every register at a place of its own, from ST(0) on. */
function storeX87(core: Core, insn: Instruction, la: number, access: number): void {
  unit.attach(core.state);
  const { u64, i32 } = core.state;
  const words = [unit.control, unit.status, unit.inUse, i32[I32_X87_OPCODE]!];
  const first = words.reduceRight((above, word) => (above << 16n) | BigInt(word), 0n);
  storeLinear(core, 8, la, first, access);
  const bits = isWide(insn) ? 64 : 32;
  storeLinear(core, 8, la + INSTRUCTION_AT, BigInt.asUintN(bits, u64[U64_X87_INSTRUCTION]!), access);
  storeLinear(core, 8, la + DATA_AT, BigInt.asUintN(bits, u64[U64_X87_DATA]!), access);
  for (let i = 0; i < 8; i++) {
    storeLinear(core, 8, la + STACK_AT + 16 * i, BigInt.asUintN(64, unit.read(i)), access);
    storeLinear(core, 8, la + STACK_AT + 16 * i + 8, unit.read(i) >> 64n, access);
  }
}

function loadX87(core: Core, insn: Instruction, la: number, access: number): void {
  unit.attach(core.state);
  const { u64, i32 } = core.state;
  const words = loadLinear(core, 8, la, access);
  unit.restore(Number(words & 0xffffn), Number((words >> 16n) & 0xffffn));
  unit.inUse = Number((words >> 32n) & 0xffn);
  i32[I32_X87_OPCODE] = Number((words >> 48n) & 0x7ffn);
  const bits = isWide(insn) ? 64 : 32;
  u64[U64_X87_INSTRUCTION] = BigInt.asUintN(bits, loadLinear(core, 8, la + INSTRUCTION_AT, access));
  u64[U64_X87_DATA] = BigInt.asUintN(bits, loadLinear(core, 8, la + DATA_AT, access));
  for (let i = 0; i < 8; i++) {
    const at = la + STACK_AT + 16 * i;
    unit.setContents(i, loadLinear(core, 8, at, access) | ((loadLinear(core, 8, at + 8, access) & 0xffffn) << 64n));
  }
}

/** FXSAVE: pending x87 exceptions stay pending. */
export function fxsave(core: Core, insn: Instruction): void {
  const access = ACCESS_WRITE | core.userAccess;
  const la = areaAddress(core, insn, access);
  const { i32, xmm } = core.state;
  storeX87(core, insn, la, access);
  storeLinear(core, 8, la + MXCSR_AT, BigInt(i32[I32_MXCSR]!) | (BigInt(MXCSR_DEFINED) << 32n), access);
  for (let half = 0; half < 2 * registersOf(core); half++) storeLinear(core, 8, la + XMM_AT + 8 * half, xmm[half]!, access);
  core.retire(insn);
}

/** FXRSTOR. Raises: #GP(0) for reserved bits of MXCSR. */
export function fxrstor(core: Core, insn: Instruction): void {
  const access = ACCESS_READ | core.userAccess;
  const la = areaAddress(core, insn, access);
  const { i32, xmm } = core.state;
  const mxcsr = Number(loadLinear(core, 4, la + MXCSR_AT, access));
  if (mxcsr & ~MXCSR_DEFINED) core.raise(VECTOR_GP, 0);
  loadX87(core, insn, la, access);
  for (let half = 0; half < 2 * registersOf(core); half++) xmm[half] = loadLinear(core, 8, la + XMM_AT + 8 * half, access);
  i32[I32_MXCSR] = mxcsr;
  core.retire(insn);
}
