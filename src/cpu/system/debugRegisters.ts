import { CR4_DE } from '../../arch/controlRegisters.ts';
import { DR6_BD, DR6_FIXED, DR7_FIXED, DR7_GD, DR7_WRITABLE } from '../../arch/debugRegisters.ts';
import { VECTOR_DB, VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { type Instruction, OPERAND_DEBUG } from '../decode/instruction.ts';
import { guestFault } from '../guestFault.ts';
import { U64_CR4, U64_DR0, U64_DR6, U64_DR7 } from '../state.ts';
import { exitOnDebugRegister } from '../vmx/intercepts.ts';
import { requirePrivilege } from './privilege.ts';

/**
 * MOV to and from debug registers. DR4 and DR5 are DR6 and DR7 unless CR4.DE = 1.
 * Raises: #GP(0) at CPL > 0 or for upper halves of DR6 and DR7 that are not 0; #UD for registers that do not exist; #DB when DR7.GD = 1.
 * SDM: Vol. 2, "MOV—Move to/from Debug Registers".
 */
export function movDebug(core: Core, insn: Instruction): void {
  const { u64 } = core.state;
  const [destination, source] = insn.operands;
  const write = destination!.kind === OPERAND_DEBUG;
  let number = write ? destination!.register : source!.register;
  const gpr = write ? source!.register : destination!.register;
  if (number === 4 || number === 5) {
    if (Number(u64[U64_CR4]!) & CR4_DE) core.raise(VECTOR_UD);
    number += 2;
  }
  if (number > 7) core.raise(VECTOR_UD);
  requirePrivilege(core);
  if (exitOnDebugRegister(core, insn, number, gpr, write)) return;
  if (Number(u64[U64_DR7]!) & DR7_GD) throw guestFault.set(VECTOR_DB, -1, DR6_BD);
  const field = number === 6 ? U64_DR6 : number === 7 ? U64_DR7 : U64_DR0 + number;
  const wide = core.codeSize === 64;
  if (!write) {
    u64[gpr] = wide ? u64[field]! : u64[field]! & 0xffff_ffffn;
  } else {
    const value = wide ? u64[gpr]! : u64[gpr]! & 0xffff_ffffn;
    if (number >= 6 && value >> 32n !== 0n) core.raise(VECTOR_GP, 0);
    if (number === 6) u64[field] = BigInt(DR6_FIXED) | (value & 0xe00fn);
    else if (number === 7) u64[field] = (value & BigInt(DR7_WRITABLE)) | BigInt(DR7_FIXED);
    else u64[field] = value;
  }
  core.charge(core.costs.controlRegisterWrite);
  core.retire(insn);
  core.attention = true;
}
