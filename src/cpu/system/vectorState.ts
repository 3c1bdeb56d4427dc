/** FXSAVE and FXRSTOR. SDM: Vol. 2, "FXSAVE—Save x87 FPU, MMX Technology, and SSE State"; "FXRSTOR—Restore x87 FPU, MMX, XMM, and MXCSR State". */
import { CR0_EM, CR0_TS } from '../../arch/controlRegisters.ts';
import { MXCSR_DEFINED } from '../../arch/mxcsr.ts';
import { VECTOR_GP, VECTOR_NM } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { translateOrFault } from '../linearMemory.ts';
import { I32_MXCSR, U64_CR0 } from '../state.ts';
import { legacyBytes, loadMxcsr, loadVectors, loadX87, storeMxcsr, storeVectors, storeX87 } from './legacyArea.ts';
import { memoryAddress } from './operands.ts';

/** The area's linear address, checked. Raises: #NM when CR0.EM or CR0.TS = 1; #GP(0) when not a multiple of 16; #PF. */
function areaAddress(core: Core, insn: Instruction, access: number): number {
  if (Number(core.state.u64[U64_CR0]! & BigInt(CR0_EM | CR0_TS)) !== 0) core.raise(VECTOR_NM);
  const la = memoryAddress(core, insn, legacyBytes(core), access !== (ACCESS_READ | core.userAccess));
  if (la % 16 !== 0) core.raise(VECTOR_GP, 0);
  // Its end may lie in another page: nothing is touched unless all can be.
  translateOrFault(core, la + legacyBytes(core) - 1, access);
  return la;
}

/** FXSAVE: pending x87 exceptions stay pending. */
export function fxsave(core: Core, insn: Instruction): void {
  const access = ACCESS_WRITE | core.userAccess;
  const la = areaAddress(core, insn, access);
  storeX87(core, insn, la, access);
  storeMxcsr(core, la, access);
  storeVectors(core, la, access);
  core.retire(insn);
}

/** FXRSTOR. Raises: #GP(0) for reserved bits of MXCSR. */
export function fxrstor(core: Core, insn: Instruction): void {
  const access = ACCESS_READ | core.userAccess;
  const la = areaAddress(core, insn, access);
  const mxcsr = loadMxcsr(core, la, access);
  if (mxcsr & ~MXCSR_DEFINED) core.raise(VECTOR_GP, 0);
  loadX87(core, insn, la, access);
  loadVectors(core, la, access);
  core.state.i32[I32_MXCSR] = mxcsr;
  core.retire(insn);
}
