import { EFER_SCE } from '../../arch/controlRegisters.ts';
import { CS, GS, R11, RCX, SS } from '../../arch/registers.ts';
import { RFLAGS_DEFINED, RFLAGS_FIXED, RFLAGS_RF, RFLAGS_VM } from '../../arch/rflags.ts';
import { AR_DB, AR_DPL_SHIFT, AR_G, AR_L, AR_P, AR_S, TYPE_ACCESSED, TYPE_CODE, TYPE_WRITABLE_OR_READABLE } from '../../arch/segments.ts';
import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { isCanonicalBits } from '../events/delivery.ts';
import { updateMode } from '../mode.ts';
import { setSegment } from '../segmentation.ts';
import { I32_CPL, I32_RFLAGS, U64_EFER, U64_FMASK, U64_KERNEL_GS_BASE, U64_LSTAR, U64_RIP, U64_SEGMENT_BASE, U64_STAR } from '../state.ts';
import { requirePrivilege } from './privilege.ts';

const FLAT = 0xffff_ffff;
const CODE = AR_P | AR_S | TYPE_CODE | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED | AR_G;
const DATA = AR_P | AR_S | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED | AR_G | AR_DB;

/** SYSCALL. Raises: #UD outside 64-bit mode or with EFER.SCE = 0. SDM: Vol. 2, "SYSCALL—Fast System Call". */
export function syscall(core: Core, insn: Instruction): void {
  const { u64, i32 } = core.state;
  if (core.codeSize !== 64 || !(Number(u64[U64_EFER]!) & EFER_SCE)) core.raise(VECTOR_UD);
  u64[RCX] = u64[U64_RIP]! + BigInt(insn.length);
  u64[R11] = BigInt(i32[I32_RFLAGS]! & ~RFLAGS_RF);
  u64[U64_RIP] = u64[U64_LSTAR]!;
  i32[I32_RFLAGS] = (i32[I32_RFLAGS]! & ~Number(u64[U64_FMASK]! & 0xffff_ffffn) & ~RFLAGS_RF) | RFLAGS_FIXED;
  const selector = Number((u64[U64_STAR]! >> 32n) & 0xfffcn);
  i32[I32_CPL] = 0;
  setSegment(core, CS, selector, 0n, FLAT, CODE | AR_L);
  setSegment(core, SS, selector + 8, 0n, FLAT, DATA);
  updateMode(core);
  core.charge(core.costs.systemCall);
  core.attention = true;
}

/** SYSRET without REX.W: to compatibility mode. Raises: as SYSRETQ, but RCX may be anything. */
export function sysret(core: Core): void {
  returnToUser(core, false);
}

/** SYSRET with REX.W: to 64-bit mode. Raises: #UD as SYSCALL; #GP(0) at CPL > 0 or when RCX is not canonical. SDM: Vol. 2, "SYSRET—Return From Fast System Call". */
export function sysretq(core: Core): void {
  returnToUser(core, true);
}

function returnToUser(core: Core, wide: boolean): void {
  const { u64, i32 } = core.state;
  if (core.codeSize !== 64 || !(Number(u64[U64_EFER]!) & EFER_SCE)) core.raise(VECTOR_UD);
  requirePrivilege(core);
  if (wide && !isCanonicalBits(u64[RCX]!)) core.raise(VECTOR_GP, 0);
  u64[U64_RIP] = wide ? u64[RCX]! : u64[RCX]! & 0xffff_ffffn;
  i32[I32_RFLAGS] = (Number(u64[R11]! & 0xffff_ffffn) & RFLAGS_DEFINED & ~(RFLAGS_RF | RFLAGS_VM)) | RFLAGS_FIXED;
  const star = Number((u64[U64_STAR]! >> 48n) & 0xffffn);
  i32[I32_CPL] = 3;
  setSegment(core, CS, (wide ? star + 16 : star) | 3, 0n, FLAT, CODE | (3 << AR_DPL_SHIFT) | (wide ? AR_L : AR_DB));
  setSegment(core, SS, (star + 8) | 3, 0n, FLAT, DATA | (3 << AR_DPL_SHIFT));
  updateMode(core);
  core.charge(core.costs.systemReturn);
  core.attention = true;
}

/** SWAPGS. Raises: #UD outside 64-bit mode; #GP(0) at CPL > 0. */
export function swapgs(core: Core, insn: Instruction): void {
  if (core.codeSize !== 64) core.raise(VECTOR_UD);
  requirePrivilege(core);
  const { u64 } = core.state;
  const base = u64[U64_SEGMENT_BASE + GS]!;
  u64[U64_SEGMENT_BASE + GS] = u64[U64_KERNEL_GS_BASE]!;
  u64[U64_KERNEL_GS_BASE] = base;
  core.retire(insn);
}
