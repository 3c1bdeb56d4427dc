/** The 512 bytes that FXSAVE and XSAVE share, part by part. SDM: Vol. 1, "Legacy Region of an XSAVE Area"; Vol. 2, "FXSAVE—Save x87 FPU, MMX Technology, and SSE State". */
import { MXCSR_DEFINED } from '../../arch/mxcsr.ts';
import { X87_CONTROL_INITIAL } from '../../arch/x87.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { loadLinear, storeLinear } from '../linearMemory.ts';
import { I32_MXCSR, I32_X87_OPCODE, U64_X87_DATA, U64_X87_INSTRUCTION } from '../state.ts';
import { X87Unit } from '../x87/x87Unit.ts';

/** Byte offsets in the area. */
const INSTRUCTION_AT = 8;
const DATA_AT = 16;
const MXCSR_AT = 24;
const STACK_AT = 32;
const XMM_AT = 160;

const unit = new X87Unit();
/** Forms with REX.W keep 64-bit offsets instead of 32 bits and a selector. */
const isWide = (insn: Instruction): boolean => insn.mnemonic.endsWith('64');

/** XMM registers that exist in this mode. */
export const vectorRegisters = (core: Core): number => (core.codeSize === 64 ? 16 : 8);

/** Bytes up to the end of the last XMM register of this mode. */
export const legacyBytes = (core: Core): number => XMM_AT + 16 * vectorRegisters(core);

/** The x87 part of the area: every register at a place of its own, from ST(0) on. */
export function storeX87(core: Core, insn: Instruction, la: number, access: number): void {
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

/** The x87 unit has the state of the area. */
export function loadX87(core: Core, insn: Instruction, la: number, access: number): void {
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

/** The x87 unit has its initial configuration: as after FNINIT, with all registers 0. */
export function initializeX87(core: Core): void {
  unit.attach(core.state);
  unit.initialize();
  core.state.x87.fill(0n);
}

/** False while the x87 unit has its initial configuration. */
export function isX87InUse(core: Core): boolean {
  unit.attach(core.state);
  const { u64, i32, x87 } = core.state;
  if (unit.control !== X87_CONTROL_INITIAL || unit.status !== 0 || unit.inUse !== 0 || i32[I32_X87_OPCODE] !== 0) return true;
  return u64[U64_X87_INSTRUCTION] !== 0n || u64[U64_X87_DATA] !== 0n || x87.some((half) => half !== 0n);
}

/** MXCSR, and the mask of the bits that it has. */
export function storeMxcsr(core: Core, la: number, access: number): void {
  storeLinear(core, 8, la + MXCSR_AT, BigInt(core.state.i32[I32_MXCSR]!) | (BigInt(MXCSR_DEFINED) << 32n), access);
}

export const loadMxcsr = (core: Core, la: number, access: number): number => Number(loadLinear(core, 4, la + MXCSR_AT, access));

/** The XMM registers of this mode. */
export function storeVectors(core: Core, la: number, access: number): void {
  for (let half = 0; half < 2 * vectorRegisters(core); half++) storeLinear(core, 8, la + XMM_AT + 8 * half, core.state.xmm[half]!, access);
}

export function loadVectors(core: Core, la: number, access: number): void {
  for (let half = 0; half < 2 * vectorRegisters(core); half++) core.state.xmm[half] = loadLinear(core, 8, la + XMM_AT + 8 * half, access);
}
