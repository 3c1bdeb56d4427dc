/** SMSW, LMSW: the low part of CR0. SDM: Vol. 2, "SMSW—Store Machine Status Word"; "LMSW—Load Machine Status Word". */
import { CR0_EM, CR0_MP, CR0_PE, CR0_TS } from '../../arch/controlRegisters.ts';
import { VECTOR_UD } from '../../arch/vectors.ts';
import { ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import { type Instruction, OPERAND_MEMORY } from '../decode/instruction.ts';
import { storeLinear } from '../linearMemory.ts';
import { U64_CR0 } from '../state.ts';
import { exitOnLmsw } from '../vmx/intercepts.ts';
import { readControlRegister, writeCr0 } from './controlRegisters.ts';
import { memoryAddress, readOperand16, writeRegister } from './operands.ts';
import { requirePrivilege, requireUmipPrivilege } from './privilege.ts';

/** Raises: #GP(0) at CPL > 0 under CR4.UMIP. */
export function smsw(core: Core, insn: Instruction): void {
  requireUmipPrivilege(core);
  const operand = insn.operands[0]!;
  const value = readControlRegister(core, 0);
  if (operand.kind === OPERAND_MEMORY)
    storeLinear(core, 2, memoryAddress(core, insn, 2, true), value & 0xffffn, ACCESS_WRITE | core.userAccess);
  else writeRegister(core, operand.register, operand.width, value);
  core.retire(insn);
}

/** RSM. Raises: #UD always: there is no system-management mode. */
export function rsm(core: Core): void {
  core.raise(VECTOR_UD);
}

/** PE can be set, not cleared; MP, EM and TS change. Raises: #GP(0) at CPL > 0. */
export function lmsw(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  const source = readOperand16(core, insn);
  if (exitOnLmsw(core, insn, source)) return;
  const old = core.state.u64[U64_CR0]!;
  const changeable = BigInt(CR0_MP | CR0_EM | CR0_TS);
  const next = (old & ~changeable) | (BigInt(source) & changeable) | (BigInt(source) & BigInt(CR0_PE));
  writeCr0(core, core.nonRoot ? core.vmx.keepOwned(0, old, next) : next);
  core.charge(core.costs.controlRegisterWrite);
  core.retire(insn);
  core.attention = true;
}
