import { LDTR, TR } from '../../arch/registers.ts';
import { AR_P, TYPE_LDT, TYPE_TSS_AVAILABLE } from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP, VECTOR_UD } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { isCanonicalBits } from '../events/delivery.ts';
import { guestFault } from '../guestFault.ts';
import { loadLinear, SYSTEM_WRITE, storeLinear } from '../linearMemory.ts';
import { loadsRealSegments } from '../mode.ts';
import { readDescriptor, setNullSegment, setSegment } from '../segmentation.ts';
import { I32_GDTR_LIMIT, I32_IDTR_LIMIT, I32_SEGMENT_SELECTOR, U64_GDTR_BASE, U64_IDTR_BASE } from '../state.ts';
import { memoryAddress, readOperand16, writeOperandSelector } from './operands.ts';
import { requirePrivilege, requireUmipPrivilege } from './privilege.ts';

/** LGDT and LIDT: limit (16 bits) and base (64, 32 or 24 bits) from memory. Raises: #GP(0) at CPL > 0 or for a base that is not canonical. */
function loadTable(baseField: number, limitField: number): (core: Core, insn: Instruction) => void {
  return (core, insn) => {
    requirePrivilege(core);
    const la = memoryAddress(core, insn, core.codeSize === 64 ? 10 : 6);
    const access = ACCESS_READ | core.userAccess;
    const limit = loadLinear(core, 2, la, access);
    const wide = core.codeSize === 64;
    let base = loadLinear(core, wide ? 8 : 4, la + 2, access);
    if (!wide && insn.width === 16) base &= 0xff_ffffn;
    if (wide && !isCanonicalBits(base)) core.raise(VECTOR_GP, 0);
    core.state.u64[baseField] = base;
    core.state.i32[limitField] = Number(limit);
    core.charge(core.costs.segmentLoad);
    core.retire(insn);
  };
}

/** SGDT and SIDT. Raises: #GP(0) at CPL > 0 under CR4.UMIP. */
function storeTable(baseField: number, limitField: number): (core: Core, insn: Instruction) => void {
  return (core, insn) => {
    requireUmipPrivilege(core);
    const la = memoryAddress(core, insn, core.codeSize === 64 ? 10 : 6, true);
    const access = ACCESS_WRITE | core.userAccess;
    const wide = core.codeSize === 64;
    storeLinear(core, wide ? 8 : 4, la + 2, core.state.u64[baseField]!, access);
    storeLinear(core, 2, la, BigInt(core.state.i32[limitField]!), access);
    core.retire(insn);
  };
}

export const lgdt = loadTable(U64_GDTR_BASE, I32_GDTR_LIMIT);
export const lidt = loadTable(U64_IDTR_BASE, I32_IDTR_LIMIT);
export const sgdt = storeTable(U64_GDTR_BASE, I32_GDTR_LIMIT);
export const sidt = storeTable(U64_IDTR_BASE, I32_IDTR_LIMIT);

/** LTR: marks the TSS busy. Raises: #GP(selector), #NP(selector). SDM: Vol. 2, "LTR—Load Task Register". */
export function ltr(core: Core, insn: Instruction): void {
  if (loadsRealSegments(core)) core.raise(VECTOR_UD);
  requirePrivilege(core);
  const selector = readOperand16(core, insn);
  const error = selector & 0xfffc;
  if (error === 0) core.raise(VECTOR_GP, 0);
  if (selector & 4) core.raise(VECTOR_GP, error);
  const descriptor = readDescriptor(core, selector, VECTOR_GP, core.mmu.context.longMode);
  const shortTss = !core.mmu.context.longMode && (descriptor.access & 0x1f) === 1;
  if ((descriptor.access & 0x1f) !== TYPE_TSS_AVAILABLE && !shortTss) throw guestFault.set(VECTOR_GP, error);
  if (!(descriptor.access & AR_P)) throw guestFault.set(VECTOR_NP, error);
  const busy = descriptor.access | 2;
  storeLinear(core, 1, descriptor.la + 5, BigInt(busy & 0xff), SYSTEM_WRITE);
  setSegment(core, TR, selector, descriptor.base, descriptor.limit, busy);
  core.charge(core.costs.segmentLoad);
  core.retire(insn);
}

/** LLDT. Raises: #GP(selector), #NP(selector). */
export function lldt(core: Core, insn: Instruction): void {
  if (loadsRealSegments(core)) core.raise(VECTOR_UD);
  requirePrivilege(core);
  const selector = readOperand16(core, insn);
  const error = selector & 0xfffc;
  if (error === 0) setNullSegment(core, LDTR, selector);
  else {
    if (selector & 4) core.raise(VECTOR_GP, error);
    const descriptor = readDescriptor(core, selector, VECTOR_GP, core.mmu.context.longMode);
    if ((descriptor.access & 0x1f) !== TYPE_LDT) throw guestFault.set(VECTOR_GP, error);
    if (!(descriptor.access & AR_P)) throw guestFault.set(VECTOR_NP, error);
    setSegment(core, LDTR, selector, descriptor.base, descriptor.limit, descriptor.access);
  }
  core.charge(core.costs.segmentLoad);
  core.retire(insn);
}

/** STR and SLDT: the selector, zero-extended into a register, or 16 bits of memory. */
export function str(core: Core, insn: Instruction): void {
  if (loadsRealSegments(core)) core.raise(VECTOR_UD);
  requireUmipPrivilege(core);
  writeOperandSelector(core, insn, core.state.i32[I32_SEGMENT_SELECTOR + TR]!);
}

export function sldt(core: Core, insn: Instruction): void {
  if (loadsRealSegments(core)) core.raise(VECTOR_UD);
  requireUmipPrivilege(core);
  writeOperandSelector(core, insn, core.state.i32[I32_SEGMENT_SELECTOR + LDTR]!);
}
