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
import { VECTOR_BP, VECTOR_DB, VECTOR_GP, VECTOR_OF, VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import type { EventOrigin } from '../events/delivery.ts';
import { raiseException } from '../events/exceptions.ts';
import { isVirtual8086 } from '../mode.ts';
import { I32_RFLAGS, U64_RIP } from '../state.ts';
import { hasBreakpoints } from '../stepWatch.ts';
import { hasIoPrivilege } from './privilege.ts';

/** INT n. Raises: #GP(0) in virtual-8086 mode when IOPL < 3. SDM: Vol. 2, "INT n/INTO/INT3/INT1—Call to Interrupt Procedure". */
export function intN(core: Core, insn: Instruction): void {
  if (isVirtual8086(core) && !hasIoPrivilege(core)) core.raise(VECTOR_GP, 0);
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
 * RFLAGS as IRET and POPF change them at privilege level `cpl`: IOPL at level 0 only, IF when CPL <= IOPL. RF, which IRET sets for the
 * instruction that follows, is kept while a breakpoint is enabled: nothing else sees it.
 */
export function setFlagsFromStack(core: Core, flags: number, cpl: number, width: number): void {
  const { i32 } = core.state;
  let mask = RFLAGS_STATUS | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT;
  if (width >= 32) mask |= RFLAGS_AC | RFLAGS_ID;
  const resume = width >= 32 && hasBreakpoints(core) ? flags & RFLAGS_RF : 0;
  if (cpl === 0) mask |= RFLAGS_IOPL;
  if (cpl <= (i32[I32_RFLAGS]! & RFLAGS_IOPL) >> 12) mask |= RFLAGS_IF;
  i32[I32_RFLAGS] = (i32[I32_RFLAGS]! & ~(mask | RFLAGS_RF)) | (flags & mask) | resume | RFLAGS_FIXED;
}
