import { CR0_PE } from '../../arch/controlRegisters.ts';
import { CS, DS, ES, FS, GS, RSP, SS } from '../../arch/registers.ts';
import {
  AR_DPL_SHIFT,
  AR_L,
  AR_P,
  AR_S,
  AR_UNUSABLE,
  TYPE_CODE,
  TYPE_CONFORMING_OR_EXPAND_DOWN,
  TYPE_WRITABLE_OR_READABLE,
} from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_NP, VECTOR_SS } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import { type Instruction, OPERAND_FAR } from '../decode/instruction.ts';
import { isCanonicalBits } from '../events/delivery.ts';
import { guestFault } from '../guestFault.ts';
import { loadLinear, signedNumber, storeLinear } from '../linearMemory.ts';
import { updateMode } from '../mode.ts';
import {
  checkCodeDescriptor,
  type Descriptor,
  dpl,
  isCode,
  markAccessed,
  readDescriptor,
  setCodeSegment,
  setNullSegment,
  setSegment,
} from '../segmentation.ts';
import { I32_CPL, I32_SEGMENT_ACCESS, I32_SEGMENT_LIMIT, I32_SEGMENT_SELECTOR, U64_CR0, U64_RIP, U64_SEGMENT_BASE } from '../state.ts';
import { memoryAddress } from './operands.ts';

/** True iff segment registers are loaded real-mode fashion: base = selector × 16. */
export const isRealMode = (core: Core): boolean => (Number(core.state.u64[U64_CR0]!) & CR0_PE) === 0;

/**
 * Far JMP and far CALL through a pointer in the instruction or in memory.
 * Raises: #GP(selector), #NP(selector). SDM: Vol. 2, "JMP—Jump" and "CALL—Call Procedure" (far transfers).
 *
 * Deviation: call gates and task gates stop the machine as unimplemented.
 */
export function farJump(core: Core, insn: Instruction): void {
  const { selector, offset } = farPointer(core, insn);
  transfer(core, selector, offset);
  core.charge(core.costs.segmentLoad);
  core.attention = true;
}

export function farCall(core: Core, insn: Instruction): void {
  const { selector, offset } = farPointer(core, insn);
  const bytes = (insn.width / 8) as 2 | 4 | 8;
  const { u64, i32 } = core.state;
  const rsp = stackPointer(core);
  const access = ACCESS_WRITE | core.userAccess;
  const returnRip = u64[U64_RIP]! + BigInt(insn.length);
  storeLinear(core, bytes, stackAddress(core, rsp - bytes), BigInt(i32[I32_SEGMENT_SELECTOR + CS]!), access);
  storeLinear(core, bytes, stackAddress(core, rsp - 2 * bytes), returnRip, access);
  transfer(core, selector, offset);
  setStackPointer(core, rsp - 2 * bytes);
  core.charge(core.costs.segmentLoad);
  core.attention = true;
}

/** Far RET, with an optional number of bytes to release. */
export function farReturn(core: Core, insn: Instruction): void {
  const bytes = (insn.width / 8) as 2 | 4 | 8;
  const release = insn.operands.length > 0 ? Number(insn.operands[0]!.immediate) : 0;
  const rsp = stackPointer(core);
  const access = ACCESS_READ | core.userAccess;
  const rip = loadLinear(core, bytes, stackAddress(core, rsp), access);
  const selector = Number(loadLinear(core, bytes, stackAddress(core, rsp + bytes), access) & 0xffffn);
  returnTo(core, selector, rip, rsp + 2 * bytes + release, bytes, release);
  core.charge(core.costs.segmentLoad);
  core.attention = true;
}

/** Returns to `selector:rip`; when the level drops, SS:RSP come from the stack at `rsp`. Used by far RET. */
function returnTo(core: Core, selector: number, rip: bigint, rsp: number, bytes: 2 | 4 | 8, release: number): void {
  const { u64, i32 } = core.state;
  if (isRealMode(core)) {
    transfer(core, selector, rip);
    setStackPointer(core, rsp);
    return;
  }
  const cpl = i32[I32_CPL]!;
  const rpl = selector & 3;
  if ((selector & 0xfffc) === 0) core.raise(VECTOR_GP, 0);
  if (rpl < cpl) core.raise(VECTOR_GP, selector & 0xfffc);
  const code = readDescriptor(core, selector, VECTOR_GP);
  checkReturnCode(core, code, selector);
  checkTarget(core, code, rip);
  if (rpl === cpl) {
    setCodeSegment(core, selector, code, cpl);
    u64[U64_RIP] = rip;
    setStackPointer(core, rsp);
  } else {
    const access = ACCESS_READ | core.userAccess;
    const newRsp = loadLinear(core, bytes, stackAddress(core, rsp), access) + BigInt(release);
    const newSs = Number(loadLinear(core, bytes, stackAddress(core, rsp + bytes), access) & 0xffffn);
    loadReturnStack(core, newSs, rpl, (code.access & AR_L) !== 0);
    setCodeSegment(core, selector, code, rpl);
    u64[U64_RIP] = rip;
    u64[RSP] = newRsp;
    dropPrivilegedSegments(core);
  }
  updateMode(core);
}

/** Checks the code segment of IRET and far RET. Raises: #GP(selector), #NP(selector). */
export function checkReturnCode(core: Core, code: Descriptor, selector: number): void {
  const error = selector & 0xfffc;
  const rpl = selector & 3;
  if (!isCode(code.access)) throw guestFault.set(VECTOR_GP, error);
  const conforming = (code.access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
  if (conforming ? dpl(code.access) > rpl : dpl(code.access) !== rpl) throw guestFault.set(VECTOR_GP, error);
  if (!(code.access & AR_P)) throw guestFault.set(VECTOR_NP, error);
  if (core.mmu.context.longMode && code.access & AR_L && code.access & (1 << 14)) throw guestFault.set(VECTOR_GP, error);
}

/** Raises #GP(0) when `rip` lies outside the segment or is not canonical. */
export function checkTarget(core: Core, code: Descriptor, rip: bigint): void {
  const wide = core.mmu.context.longMode && (code.access & AR_L) !== 0;
  if (wide ? !isCanonicalBits(rip) : rip > BigInt(code.limit)) core.raise(VECTOR_GP, 0);
}

/** SS for a return to level `rpl`. Raises: #GP(selector), #SS(selector). */
export function loadReturnStack(core: Core, selector: number, rpl: number, toLongMode: boolean): void {
  const error = selector & 0xfffc;
  if (error === 0) {
    if (!toLongMode || rpl === 3 || (selector & 3) !== rpl) throw guestFault.set(VECTOR_GP, 0);
    setNullSegment(core, SS, selector);
    core.state.i32[I32_SEGMENT_ACCESS + SS] = AR_UNUSABLE | (rpl << AR_DPL_SHIFT);
    return;
  }
  const stack = readDescriptor(core, selector, VECTOR_GP);
  const writableData = (stack.access & (AR_S | TYPE_CODE | TYPE_WRITABLE_OR_READABLE)) === (AR_S | TYPE_WRITABLE_OR_READABLE);
  if ((selector & 3) !== rpl || dpl(stack.access) !== rpl || !writableData) throw guestFault.set(VECTOR_GP, error);
  if (!(stack.access & AR_P)) throw guestFault.set(VECTOR_SS, error);
  markAccessed(core, stack);
  setSegment(core, SS, selector, stack.base, stack.limit, stack.access);
}

/** After a return to an outer level, data segments that it may not use become null. SDM: Vol. 2, "RET—Return From Procedure". */
export function dropPrivilegedSegments(core: Core): void {
  const { i32 } = core.state;
  for (const segment of [ES, DS, FS, GS]) {
    const access = i32[I32_SEGMENT_ACCESS + segment]!;
    if (access & AR_UNUSABLE) continue;
    const conformingCode = isCode(access) && (access & TYPE_CONFORMING_OR_EXPAND_DOWN) !== 0;
    if (!conformingCode && dpl(access) < i32[I32_CPL]!) setNullSegment(core, segment, 0);
  }
}

/** CS:RIP = selector:offset without change of level. */
function transfer(core: Core, selector: number, offset: bigint): void {
  const { u64, i32 } = core.state;
  if (isRealMode(core)) {
    if (offset > BigInt(i32[I32_SEGMENT_LIMIT + CS]! >>> 0)) core.raise(VECTOR_GP, 0);
    u64[U64_SEGMENT_BASE + CS] = BigInt(selector << 4);
    i32[I32_SEGMENT_SELECTOR + CS] = selector;
    u64[U64_RIP] = offset;
    return;
  }
  if ((selector & 0xfffc) === 0) core.raise(VECTOR_GP, 0);
  const code = readDescriptor(core, selector, VECTOR_GP);
  if (!(code.access & AR_S)) core.stopUnimplemented(`far transfer through a gate or TSS (selector ${selector.toString(16)})`, '');
  const cpl = i32[I32_CPL]!;
  checkCodeDescriptor(core, code, selector, cpl, false);
  checkTarget(core, code, offset);
  setCodeSegment(core, selector, code, cpl);
  u64[U64_RIP] = offset;
  updateMode(core);
}

function farPointer(core: Core, insn: Instruction): { selector: number; offset: bigint } {
  const operand = insn.operands[0]!;
  if (operand.kind === OPERAND_FAR) {
    return { selector: Number(operand.immediate >> 32n), offset: operand.immediate & 0xffff_ffffn };
  }
  const la = memoryAddress(core, insn);
  // The pointer in memory is the offset and two bytes of selector.
  const bytes = (operand.width / 8 - 2) as 2 | 4 | 8;
  const access = ACCESS_READ | core.userAccess;
  return { offset: loadLinear(core, bytes, la, access), selector: Number(loadLinear(core, 2, la + bytes, access)) };
}

/** RSP, ESP or SP as a signed number, by the stack-address size. */
function stackPointer(core: Core): number {
  return signedNumber(BigInt.asUintN(stackWidth(core), core.state.u64[RSP]!));
}

function setStackPointer(core: Core, rsp: number): void {
  const width = stackWidth(core);
  const { u64 } = core.state;
  const value = BigInt.asUintN(width, BigInt(rsp));
  u64[RSP] = width === 16 ? (u64[RSP]! & ~0xffffn) | value : value;
}

function stackAddress(core: Core, offset: number): number {
  if (core.codeSize === 64) return offset;
  return signedNumber((BigInt.asUintN(stackWidth(core), BigInt(offset)) + core.state.u64[U64_SEGMENT_BASE + SS]!) & 0xffff_ffffn);
}

const stackWidth = (core: Core): 16 | 32 | 64 =>
  core.codeSize === 64 ? 64 : core.state.i32[I32_SEGMENT_ACCESS + SS]! & (1 << 14) ? 32 : 16;
