/** FXSAVE and FXRSTOR. SDM: Vol. 1, "FXSAVE Area"; Vol. 2, "FXSAVE—Save x87 FPU, MMX Technology, and SSE State". */
import { CR0_EM, CR0_TS } from '../../arch/controlRegisters.ts';
import { MXCSR_DEFINED } from '../../arch/mxcsr.ts';
import { VECTOR_GP, VECTOR_NM } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { loadLinear, storeLinear, translateOrFault } from '../linearMemory.ts';
import { I32_MXCSR, U64_CR0 } from '../state.ts';
import { memoryAddress } from './operands.ts';

/** Byte offsets in the area. */
const MXCSR_AT = 24;
const XMM_AT = 160;
/** FCW of an x87 unit that has been initialized: everything masked, extended precision. FSW, tags and registers are 0. */
const INITIAL_FCW = 0x37fn;

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

/** Deviation: there is no x87 unit; FXSAVE stores the state of one that was just initialized. */
export function fxsave(core: Core, insn: Instruction): void {
  const access = ACCESS_WRITE | core.userAccess;
  const la = areaAddress(core, insn, access);
  const { i32, xmm } = core.state;
  storeLinear(core, 8, la, INITIAL_FCW, access);
  for (let at = 8; at < XMM_AT; at += 8) {
    const mxcsr = BigInt(i32[I32_MXCSR]!) | (BigInt(MXCSR_DEFINED) << 32n);
    storeLinear(core, 8, la + at, at === MXCSR_AT ? mxcsr : 0n, access);
  }
  for (let half = 0; half < 2 * registersOf(core); half++) storeLinear(core, 8, la + XMM_AT + 8 * half, xmm[half]!, access);
  core.retire(insn);
}

/** Raises: #GP(0) for reserved bits of MXCSR. Deviation: FXRSTOR ignores the x87 part of its area. */
export function fxrstor(core: Core, insn: Instruction): void {
  const access = ACCESS_READ | core.userAccess;
  const la = areaAddress(core, insn, access);
  const { i32, xmm } = core.state;
  const mxcsr = Number(loadLinear(core, 4, la + MXCSR_AT, access));
  if (mxcsr & ~MXCSR_DEFINED) core.raise(VECTOR_GP, 0);
  for (let half = 0; half < 2 * registersOf(core); half++) xmm[half] = loadLinear(core, 8, la + XMM_AT + 8 * half, access);
  i32[I32_MXCSR] = mxcsr;
  core.retire(insn);
}
