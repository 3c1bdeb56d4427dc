import { CR4_UMIP } from '../../arch/controlRegisters.ts';
import { RFLAGS_IOPL } from '../../arch/rflags.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { I32_CPL, I32_RFLAGS, U64_CR4 } from '../state.ts';

/** Raises #GP(0) at CPL > 0. */
export function requirePrivilege(core: Core): void {
  if (core.state.i32[I32_CPL] !== 0) core.raise(VECTOR_GP, 0);
}

/** Raises #GP(0) at CPL > 0 under CR4.UMIP: SGDT, SIDT, SLDT, SMSW and STR. */
export function requireUmipPrivilege(core: Core): void {
  if (core.state.i32[I32_CPL] !== 0 && Number(core.state.u64[U64_CR4]!) & CR4_UMIP) core.raise(VECTOR_GP, 0);
}

/** True iff CPL <= IOPL: CLI, STI and port access are allowed without further ado. */
export function hasIoPrivilege(core: Core): boolean {
  return core.state.i32[I32_CPL]! <= (core.state.i32[I32_RFLAGS]! & RFLAGS_IOPL) >> 12;
}
