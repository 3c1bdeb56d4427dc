import { CANONICAL_LIMIT } from '../../arch/addresses.ts';
import { CR4_PCIDE } from '../../arch/controlRegisters.ts';
import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import { ACCESS_READ } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { loadLinear, signedNumber } from '../linearMemory.ts';
import { U64_CR4 } from '../state.ts';
import { exitOnInvlpg, exitOnInvpcid, exitOnWbinvd } from '../vmx/intercepts.ts';
import { linearAddress, memoryAddress } from './operands.ts';
import { requirePrivilege } from './privilege.ts';

/** INVLPG. A non-canonical address invalidates nothing. Raises: #GP(0) at CPL > 0. SDM: Vol. 2, "INVLPG—Invalidate TLB Entries". */
export function invlpg(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  const la = linearAddress(core, insn);
  if (exitOnInvlpg(core, insn, la)) return;
  if (la >= -CANONICAL_LIMIT && la < CANONICAL_LIMIT) core.mmu.invalidate.invlpg(la);
  core.charge(core.costs.invlpg);
  core.retire(insn);
}

/**
 * INVPCID. The descriptor is PCID (bits 11:0 of the first quadword; the others must be 0) and linear address.
 * Raises: #UD when the guest may not use it; #GP(0). SDM: Vol. 2, "INVPCID—Invalidate Process-Context Identifier".
 */
export function invpcid(core: Core, insn: Instruction): void {
  if (!core.vmx.allowsInvpcid(core)) core.raise(VECTOR_UD);
  requirePrivilege(core);
  if (exitOnInvpcid(core, insn)) return;
  const type =
    core.codeSize === 64 ? core.state.u64[insn.operands[0]!.register]! : core.state.u64[insn.operands[0]!.register]! & 0xffff_ffffn;
  if (type > 3n) core.raise(VECTOR_GP, 0);
  const descriptor = memoryAddress(core, insn, 16);
  const low = loadLinear(core, 8, descriptor, ACCESS_READ | core.userAccess);
  const address = loadLinear(core, 8, descriptor + 8, ACCESS_READ | core.userAccess);
  const pcid = Number(low & 0xfffn);
  if (low >> 12n !== 0n) core.raise(VECTOR_GP, 0);
  if (type <= 1n && pcid !== 0 && !(Number(core.state.u64[U64_CR4]!) & CR4_PCIDE)) core.raise(VECTOR_GP, 0);
  const la = signedNumber(address);
  if (type === 0n && (la >= CANONICAL_LIMIT || la < -CANONICAL_LIMIT)) core.raise(VECTOR_GP, 0);
  core.mmu.invalidate.invpcid(Number(type), pcid, la);
  core.charge(core.costs.invpcid);
  core.retire(insn);
}

/** WBINVD and INVD: caches are not modelled, so only the time passes. */
export function wbinvd(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  if (exitOnWbinvd(core, insn)) return;
  core.charge(core.costs.controlRegisterWrite);
  core.retire(insn);
}
