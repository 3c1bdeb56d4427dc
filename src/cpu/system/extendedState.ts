/** XSAVE, XSAVEOPT and XRSTOR, in the standard form of the area. SDM: Vol. 1, "Managing State Using the XSAVE Feature Set". */
import { CR0_TS, CR4_OSXSAVE } from '../../arch/controlRegisters.ts';
import { XCR0_SSE, XCR0_X87, XSAVE_AREA_SIZE, XSAVE_LEGACY_SIZE } from '../../arch/extendedState.ts';
import { MXCSR_DEFINED } from '../../arch/mxcsr.ts';
import { RAX } from '../../arch/registers.ts';
import { VECTOR_GP, VECTOR_NM, VECTOR_UD } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { loadLinear, storeLinear, translateOrFault } from '../linearMemory.ts';
import { I32_MXCSR, U64_CR0, U64_CR4, U64_XCR0 } from '../state.ts';
import {
  initializeX87,
  isX87InUse,
  loadMxcsr,
  loadVectors,
  loadX87,
  storeMxcsr,
  storeVectors,
  storeX87,
  vectorRegisters,
} from './legacyArea.ts';
import { memoryAddress } from './operands.ts';

/** Fields of the header: which components are not in their initial configuration, and two that the standard form leaves 0. */
const XSTATE_BV_AT = XSAVE_LEGACY_SIZE;
const XCOMP_BV_AT = XSAVE_LEGACY_SIZE + 8;
const RESERVED_AT = XSAVE_LEGACY_SIZE + 16;

/** The area's linear address, checked. Raises: #UD when CR4.OSXSAVE = 0; #NM when CR0.TS = 1; #GP(0) when not a multiple of 64; #PF. */
function areaAddress(core: Core, insn: Instruction, access: number, write: boolean): number {
  const { u64 } = core.state;
  if (!(Number(u64[U64_CR4]!) & CR4_OSXSAVE)) core.raise(VECTOR_UD);
  if (Number(u64[U64_CR0]! & BigInt(CR0_TS)) !== 0) core.raise(VECTOR_NM);
  const la = memoryAddress(core, insn, XSAVE_AREA_SIZE, write);
  if (la % 64 !== 0) core.raise(VECTOR_GP, 0);
  // Nothing is touched unless all can be.
  translateOrFault(core, la, access);
  translateOrFault(core, la + XSAVE_AREA_SIZE - 1, access);
  return la;
}

/** The requested-feature bitmap: what EDX:EAX asks for and XCR0 enables; here only low bits exist. */
const requested = (core: Core): number => Number(core.state.u64[U64_XCR0]! & core.state.u64[RAX]! & 0xffff_ffffn);

/** Components that are not in their initial configuration. MXCSR has no say in it. */
function inUse(core: Core): number {
  const sse = core.state.xmm.subarray(0, 2 * vectorRegisters(core)).some((half) => half !== 0n);
  return (isX87InUse(core) ? XCR0_X87 : 0) | (sse ? XCR0_SSE : 0);
}

/** XSAVE: everything requested is stored, in use or not. */
export const xsave = (core: Core, insn: Instruction): void => save(core, insn, false);

/** XSAVEOPT: what is in its initial configuration is not stored, and the header says so. There is no modified optimization. */
export const xsaveopt = (core: Core, insn: Instruction): void => save(core, insn, true);

function save(core: Core, insn: Instruction, optimized: boolean): void {
  const access = ACCESS_WRITE | core.userAccess;
  const la = areaAddress(core, insn, access, true);
  const features = requested(core);
  const used = inUse(core);
  const stored = optimized ? features & used : features;
  if (stored & XCR0_X87) storeX87(core, insn, la, access);
  if (features & XCR0_SSE) storeMxcsr(core, la, access);
  if (stored & XCR0_SSE) storeVectors(core, la, access);
  const old = loadLinear(core, 8, la + XSTATE_BV_AT, ACCESS_READ | core.userAccess);
  storeLinear(core, 8, la + XSTATE_BV_AT, (old & ~BigInt(features)) | BigInt(features & used), access);
  core.retire(insn);
}

/**
 * XRSTOR: each requested component is loaded, or gets its initial configuration where the header says that it was in that.
 * Raises: #GP(0) for a compacted area, for components that XCR0 does not enable, and for reserved bits of the header or of MXCSR.
 */
export function xrstor(core: Core, insn: Instruction): void {
  const access = ACCESS_READ | core.userAccess;
  const la = areaAddress(core, insn, access, false);
  const { u64, i32, xmm } = core.state;
  const features = requested(core);
  const present = loadLinear(core, 8, la + XSTATE_BV_AT, access);
  if ((present & ~u64[U64_XCR0]!) !== 0n) core.raise(VECTOR_GP, 0);
  if (loadLinear(core, 8, la + XCOMP_BV_AT, access) !== 0n || loadLinear(core, 8, la + RESERVED_AT, access) !== 0n)
    core.raise(VECTOR_GP, 0);
  // MXCSR is loaded whatever the header says.
  const mxcsr = features & XCR0_SSE ? loadMxcsr(core, la, access) : i32[I32_MXCSR]!;
  if (mxcsr & ~MXCSR_DEFINED) core.raise(VECTOR_GP, 0);
  const loaded = Number(present);
  if (features & loaded & XCR0_X87) loadX87(core, insn, la, access);
  else if (features & XCR0_X87) initializeX87(core);
  if (features & loaded & XCR0_SSE) loadVectors(core, la, access);
  else if (features & XCR0_SSE) xmm.fill(0n, 0, 2 * vectorRegisters(core));
  i32[I32_MXCSR] = mxcsr;
  core.retire(insn);
}
