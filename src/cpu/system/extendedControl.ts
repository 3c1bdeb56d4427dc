/** XGETBV and XSETBV: the extended control register XCR0. SDM: Vol. 2, "XGETBV—Get Value of Extended Control Register"; "XSETBV—Set Extended Control Register". */
import { CR4_OSXSAVE } from '../../arch/controlRegisters.ts';
import { XCR0_SUPPORTED, XCR0_X87 } from '../../arch/extendedState.ts';
import { RAX, RCX, RDX } from '../../arch/registers.ts';
import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { U64_CR4, U64_XCR0 } from '../state.ts';
import { exitOnXsetbv } from '../vmx/intercepts.ts';
import { requirePrivilege } from './privilege.ts';

function requireEnabled(core: Core): void {
  if (!(Number(core.state.u64[U64_CR4]!) & CR4_OSXSAVE)) core.raise(VECTOR_UD);
}

/** XGETBV. Raises: #UD when CR4.OSXSAVE = 0; #GP(0) unless ECX = 0. */
export function xgetbv(core: Core, insn: Instruction): void {
  requireEnabled(core);
  const { u64 } = core.state;
  if (BigInt.asUintN(32, u64[RCX]!) !== 0n) core.raise(VECTOR_GP, 0);
  u64[RAX] = u64[U64_XCR0]! & 0xffff_ffffn;
  u64[RDX] = u64[U64_XCR0]! >> 32n;
  core.retire(insn);
}

/** XSETBV. Raises: #UD when CR4.OSXSAVE = 0; #GP(0) at CPL > 0, and for what `writeExtendedControl` refuses. */
export function xsetbv(core: Core, insn: Instruction): void {
  requireEnabled(core);
  requirePrivilege(core);
  if (exitOnXsetbv(core, insn)) return;
  if (!writeExtendedControl(core)) core.raise(VECTOR_GP, 0);
  core.retire(insn);
}

/** The extended control register of ECX is EDX:EAX; false, and nothing changes, when there is none or not with these bits. */
export function writeExtendedControl(core: Core): boolean {
  const { u64 } = core.state;
  const value = (BigInt.asUintN(32, u64[RDX]!) << 32n) | BigInt.asUintN(32, u64[RAX]!);
  if (BigInt.asUintN(32, u64[RCX]!) !== 0n || (value & ~BigInt(XCR0_SUPPORTED)) !== 0n || !(value & BigInt(XCR0_X87))) return false;
  u64[U64_XCR0] = value;
  return true;
}
