import { RFLAGS_AC, RFLAGS_IF, RFLAGS_RF } from '../../arch/rflags.ts';
import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { isVirtual8086, updatePrivilege } from '../mode.ts';
import { BLOCKING_BY_STI, I32_CPL, I32_INTERRUPTIBILITY, I32_RFLAGS } from '../state.ts';
import { setFlagsFromStack } from './interrupts.ts';
import { hasIoPrivilege } from './privilege.ts';
import { Stack } from './stack.ts';

/** CLI. Raises: #GP(0) when CPL > IOPL. */
export function cli(core: Core, insn: Instruction): void {
  if (!hasIoPrivilege(core)) core.raise(VECTOR_GP, 0);
  core.state.i32[I32_RFLAGS]! &= ~RFLAGS_IF;
  core.retire(insn);
}

/** STI: interrupts are recognised after the *next* instruction when they were off. Raises: #GP(0) when CPL > IOPL. */
export function sti(core: Core, insn: Instruction): void {
  if (!hasIoPrivilege(core)) core.raise(VECTOR_GP, 0);
  const { i32 } = core.state;
  if (!(i32[I32_RFLAGS]! & RFLAGS_IF)) i32[I32_INTERRUPTIBILITY]! |= BLOCKING_BY_STI;
  i32[I32_RFLAGS]! |= RFLAGS_IF;
  core.retire(insn);
  core.attention = true;
}

/** STAC and CLAC. Raises: #UD at CPL > 0. */
export function stac(core: Core, insn: Instruction): void {
  setAlignmentCheck(core, insn, true);
}

export function clac(core: Core, insn: Instruction): void {
  setAlignmentCheck(core, insn, false);
}

function setAlignmentCheck(core: Core, insn: Instruction, value: boolean): void {
  const { i32 } = core.state;
  if (i32[I32_CPL] !== 0) core.raise(VECTOR_UD);
  if (value) i32[I32_RFLAGS]! |= RFLAGS_AC;
  else i32[I32_RFLAGS]! &= ~RFLAGS_AC;
  updatePrivilege(core);
  core.retire(insn);
}

/** POPF, POPFD, POPFQ. Raises: #GP(0) in virtual-8086 mode when IOPL < 3. SDM: Vol. 2, "POPF/POPFD/POPFQ—Pop Stack Into EFLAGS Register". */
export function popf(core: Core, insn: Instruction): void {
  if (isVirtual8086(core) && !hasIoPrivilege(core)) core.raise(VECTOR_GP, 0);
  const { i32 } = core.state;
  const bytes = (insn.width / 8) as 2 | 4 | 8;
  const stack = Stack.current(core);
  const flags = stack.load(bytes);
  stack.release(bytes);
  stack.commit();
  setFlagsFromStack(core, Number(flags & 0xffff_ffffn), i32[I32_CPL]!, insn.width);
  i32[I32_RFLAGS]! &= ~RFLAGS_RF;
  updatePrivilege(core);
  core.retire(insn);
  core.attention = true;
}
