import { RSP } from '../../arch/registers.ts';
import {
  RFLAGS_AC,
  RFLAGS_DF,
  RFLAGS_FIXED,
  RFLAGS_ID,
  RFLAGS_IF,
  RFLAGS_IOPL,
  RFLAGS_NT,
  RFLAGS_OF,
  RFLAGS_RF,
  RFLAGS_STATUS,
  RFLAGS_TF,
} from '../../arch/rflags.ts';
import { AR_L } from '../../arch/segments.ts';
import { VECTOR_BP, VECTOR_DB, VECTOR_GP, VECTOR_OF, VECTOR_UD } from '../../arch/vectors.ts';
import { ACCESS_READ } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import type { EventOrigin } from '../events/delivery.ts';
import { raiseException } from '../events/exceptions.ts';
import { loadLinear, signedNumber } from '../linearMemory.ts';
import { updateMode } from '../mode.ts';
import { readDescriptor, setCodeSegment } from '../segmentation.ts';
import { BLOCKING_BY_NMI, I32_CPL, I32_INTERRUPTIBILITY, I32_RFLAGS, U64_RIP } from '../state.ts';
import { checkReturnCode, checkTarget, dropPrivilegedSegments, loadReturnStack } from './farTransfer.ts';

/** INT n. SDM: Vol. 2, "INT n/INTO/INT3/INT1—Call to Interrupt Procedure". */
export function intN(core: Core, insn: Instruction): void {
  softwareInterrupt(core, insn, Number(insn.operands[0]!.immediate & 0xffn));
}

export function int3(core: Core, insn: Instruction): void {
  softwareInterrupt(core, insn, VECTOR_BP);
}

export function int1(core: Core, insn: Instruction): void {
  softwareInterrupt(core, insn, VECTOR_DB, 'privileged');
}

export function into(core: Core, insn: Instruction): void {
  if (core.state.i32[I32_RFLAGS]! & RFLAGS_OF) softwareInterrupt(core, insn, VECTOR_OF);
  else core.retire(insn);
}

/** UD0, UD1, UD2 and everything the decoder calls invalid. */
export function invalidOpcode(core: Core): void {
  core.raise(VECTOR_UD);
}

/** The handler returns behind the instruction; a fault on the way restarts the instruction. */
function softwareInterrupt(core: Core, insn: Instruction, vector: number, origin: EventOrigin = 'software'): void {
  const { u64 } = core.state;
  const rip = u64[U64_RIP]!;
  core.vmx.softwareInterruptLength = insn.length;
  core.retire(insn);
  core.vmx.softwareInterruptRip = rip;
  raiseException(core, vector, -1, 0, origin);
  core.attention = true;
}

/**
 * IRET in IA-32e mode, to any level and to compatibility mode.
 * Raises: #GP, #NP, #SS. SDM: Vol. 2, "IRET/IRETD/IRETQ—Interrupt Return".
 *
 * Deviation: IRET in legacy and real mode stops the machine as unimplemented.
 */
export function iret(core: Core, insn: Instruction): void {
  if (!core.mmu.context.longMode) core.stopUnimplemented('IRET outside IA-32e mode', '');
  const { u64, i32 } = core.state;
  if (i32[I32_RFLAGS]! & RFLAGS_NT) core.raise(VECTOR_GP, 0);
  const bytes = (insn.width / 8) as 2 | 4 | 8;
  const sp = signedNumber(u64[RSP]!);
  const access = ACCESS_READ | core.userAccess;
  const rip = loadLinear(core, bytes, sp, access);
  const selector = Number(loadLinear(core, bytes, sp + bytes, access) & 0xffffn);
  const flags = Number(loadLinear(core, bytes, sp + 2 * bytes, access) & 0xffff_ffffn);
  const cpl = i32[I32_CPL]!;
  const rpl = selector & 3;
  if ((selector & 0xfffc) === 0) core.raise(VECTOR_GP, 0);
  if (rpl < cpl) core.raise(VECTOR_GP, selector & 0xfffc);
  const code = readDescriptor(core, selector, VECTOR_GP);
  checkReturnCode(core, code, selector);
  checkTarget(core, code, rip);
  const toLongMode = (code.access & AR_L) !== 0;
  if (core.codeSize === 64 || rpl !== cpl) {
    // 64-bit IRET pops SS:RSP always; other sizes only when the level changes.
    const newRsp = loadLinear(core, bytes, sp + 3 * bytes, access);
    const newSs = Number(loadLinear(core, bytes, sp + 4 * bytes, access) & 0xffffn);
    loadReturnStack(core, newSs, rpl, toLongMode);
    u64[RSP] = newRsp;
  } else {
    u64[RSP] = BigInt.asUintN(64, u64[RSP]! + BigInt(3 * bytes));
  }
  setCodeSegment(core, selector, code, rpl);
  u64[U64_RIP] = rip;
  setFlagsFromStack(core, flags, cpl, insn.width);
  if (rpl !== cpl) dropPrivilegedSegments(core);
  i32[I32_INTERRUPTIBILITY]! &= ~BLOCKING_BY_NMI;
  updateMode(core);
  core.charge(core.costs.iret);
  core.attention = true;
}

/**
 * RFLAGS as IRET and POPF change them at privilege level `cpl`: IOPL at level 0 only, IF when CPL <= IOPL. RF ends up clear: IRET sets it for
 * the one instruction that follows, and only debug exceptions, which are not modelled, would see it.
 */
export function setFlagsFromStack(core: Core, flags: number, cpl: number, width: number): void {
  const { i32 } = core.state;
  let mask = RFLAGS_STATUS | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT;
  if (width >= 32) mask |= RFLAGS_AC | RFLAGS_ID;
  if (cpl === 0) mask |= RFLAGS_IOPL;
  if (cpl <= (i32[I32_RFLAGS]! & RFLAGS_IOPL) >> 12) mask |= RFLAGS_IF;
  i32[I32_RFLAGS] = (i32[I32_RFLAGS]! & ~(mask | RFLAGS_RF)) | (flags & mask) | RFLAGS_FIXED;
}
