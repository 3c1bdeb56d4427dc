/** SYSENTER and SYSEXIT. SDM: Vol. 2, "SYSENTER—Fast System Call"; "SYSEXIT—Fast Return from Fast System Call". */
import { CS, RCX, RDX, RSP, SS } from '../../arch/registers.ts';
import { RFLAGS_IF, RFLAGS_VM } from '../../arch/rflags.ts';
import { AR_DB, AR_DPL_SHIFT, AR_G, AR_L, AR_P, AR_S, TYPE_ACCESSED, TYPE_CODE, TYPE_WRITABLE_OR_READABLE } from '../../arch/segments.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { isCanonicalBits } from '../events/delivery.ts';
import { isRealMode, updateMode } from '../mode.ts';
import { setSegment } from '../segmentation.ts';
import { I32_CPL, I32_RFLAGS, U64_RIP, U64_SYSENTER_CS, U64_SYSENTER_EIP, U64_SYSENTER_ESP } from '../state.ts';
import { requirePrivilege } from './privilege.ts';

const FLAT = 0xffff_ffff;
const CODE = AR_P | AR_S | TYPE_CODE | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED | AR_G;
const DATA = AR_P | AR_S | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED | AR_G | AR_DB;

/** Raises: #GP(0) in real mode or when IA32_SYSENTER_CS is null. */
export function sysenter(core: Core, _insn: Instruction): void {
  const { u64, i32 } = core.state;
  const selector = Number(u64[U64_SYSENTER_CS]! & 0xfffcn);
  if (isRealMode(core) || selector === 0) core.raise(VECTOR_GP, 0);
  const { longMode } = core.mmu.context;
  i32[I32_RFLAGS]! &= ~(RFLAGS_VM | RFLAGS_IF);
  i32[I32_CPL] = 0;
  setSegment(core, CS, selector, 0n, FLAT, CODE | (longMode ? AR_L : AR_DB));
  setSegment(core, SS, selector + 8, 0n, FLAT, DATA);
  u64[RSP] = longMode ? u64[U64_SYSENTER_ESP]! : u64[U64_SYSENTER_ESP]! & 0xffff_ffffn;
  u64[U64_RIP] = longMode ? u64[U64_SYSENTER_EIP]! : u64[U64_SYSENTER_EIP]! & 0xffff_ffffn;
  updateMode(core);
  core.charge(core.costs.systemCall);
  core.attention = true;
}

/** SYSEXIT without REX.W: to 32-bit code. Raises: #GP(0) at CPL > 0, in real mode, or for a null IA32_SYSENTER_CS. */
export function sysexit(core: Core): void {
  returnToUser(core, false);
}

/** SYSEXIT with REX.W: to 64-bit code. Raises: as without, and #GP(0) for RCX or RDX that are not canonical. */
export function sysexitq(core: Core): void {
  returnToUser(core, true);
}

function returnToUser(core: Core, wide: boolean): void {
  const { u64, i32 } = core.state;
  const base = Number(u64[U64_SYSENTER_CS]! & 0xfffcn);
  if (isRealMode(core) || base === 0) core.raise(VECTOR_GP, 0);
  requirePrivilege(core);
  if (wide && !(isCanonicalBits(u64[RCX]!) && isCanonicalBits(u64[RDX]!))) core.raise(VECTOR_GP, 0);
  const selector = base + (wide ? 32 : 16);
  u64[RSP] = wide ? u64[RCX]! : u64[RCX]! & 0xffff_ffffn;
  u64[U64_RIP] = wide ? u64[RDX]! : u64[RDX]! & 0xffff_ffffn;
  i32[I32_CPL] = 3;
  setSegment(core, CS, selector | 3, 0n, FLAT, CODE | (3 << AR_DPL_SHIFT) | (wide ? AR_L : AR_DB));
  setSegment(core, SS, (selector + 8) | 3, 0n, FLAT, DATA | (3 << AR_DPL_SHIFT));
  updateMode(core);
  core.charge(core.costs.systemReturn);
  core.attention = true;
}
