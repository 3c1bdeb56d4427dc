import { CANONICAL_LIMIT } from '../../arch/addresses.ts';
import { CR4_PCIDE } from '../../arch/controlRegisters.ts';
import {
  INVLPGB_ASID,
  INVLPGB_COUNT_MAX,
  INVLPGB_FINAL_ONLY,
  INVLPGB_INCLUDE_GLOBAL,
  INVLPGB_PCID,
  INVLPGB_STRIDE_2M,
  INVLPGB_VA,
} from '../../arch/invlpgb.ts';
import { PAGE_2M } from '../../arch/paging.ts';
import { RAX, RCX, RDX } from '../../arch/registers.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { signedNumber } from '../linearMemory.ts';
import { U64_CR4 } from '../state.ts';
import { requirePrivilege } from './privilege.ts';

const FLAGS = INVLPGB_VA | INVLPGB_PCID | INVLPGB_ASID | INVLPGB_INCLUDE_GLOBAL | INVLPGB_FINAL_ONLY;

/**
 * INVLPGB: translations are gone from this core, and will be from all others; TLBSYNC waits for that.
 * Raises: #UD where CPUID does not have it; #GP(0) at CPL > 0, for reserved bits, for more pages than CPUID allows, for a PCID without
 * CR4.PCIDE, and for an ASID other than 0. Cost: `invlpgb`. AMD APM: Vol. 3, "INVLPGB".
 *
 * Deviation: AMD tags a guest's translations with an ASID, one for all its virtual processors, and puts the guest's own into the request. Here
 * translations of a guest are tagged with VPID and EPT root, so a guest's request means its EPT root, whatever the VPID. No control has to
 * enable the instruction for guests. Outside of guests the only ASID is 0: without EPT; a request without one means all.
 */
export function invlpgb(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  const { u64 } = core.state;
  const rax = core.codeSize === 64 ? u64[RAX]! : u64[RAX]! & 0xffff_ffffn;
  const flags = Number(rax & 0xfffn);
  const ecx = Number(u64[RCX]! & 0xffff_ffffn);
  const edx = Number(u64[RDX]! & 0xffff_ffffn);
  const further = ecx & 0xffff;
  const pcid = (edx >>> 16) & 0xfff;
  if (flags & ~FLAGS || ecx & 0x7fff_0000 || edx >>> 28 !== 0 || further > INVLPGB_COUNT_MAX) core.raise(VECTOR_GP, 0);
  if (flags & INVLPGB_PCID && pcid !== 0 && !(Number(u64[U64_CR4]!) & CR4_PCIDE)) core.raise(VECTOR_GP, 0);
  if (!core.nonRoot && flags & INVLPGB_ASID && (edx & 0xffff) !== 0) core.raise(VECTOR_GP, 0);
  const { eptRoot } = core.mmu.context;
  const la = signedNumber(rax & ~0xfffn);
  // As INVLPG does: an address that cannot be translated has no translations.
  const reachable = !(flags & INVLPGB_VA) || (la >= -CANONICAL_LIMIT && la < CANONICAL_LIMIT);
  core.charge(core.costs.invlpgb);
  if (reachable) {
    core.surroundings.broadcast.send(core.id, core.clock, {
      la,
      pages: flags & INVLPGB_VA ? further + 1 : 0,
      stride: ecx & INVLPGB_STRIDE_2M ? PAGE_2M : 4096,
      pcid: flags & INVLPGB_PCID ? pcid : -1,
      global: (flags & INVLPGB_INCLUDE_GLOBAL) !== 0,
      tables: !(flags & INVLPGB_FINAL_ONLY),
      eptRoot: core.nonRoot || flags & INVLPGB_ASID ? eptRoot : -1,
    });
  }
  core.retire(insn);
}

/**
 * TLBSYNC: every INVLPGB of this core has taken effect on all cores. It waits where it stands: interrupts are taken before it ends.
 * Raises: #UD where CPUID does not have it; #GP(0) at CPL > 0. Cost: `tlbsync`, and the wait. AMD APM: Vol. 3, "TLBSYNC".
 *
 * A virtual processor that is taken to another core between INVLPGB and TLBSYNC finds nothing to wait for there: the switch takes longer than
 * a broadcast.
 */
export function tlbsync(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  const { broadcast } = core.surroundings;
  const completion = broadcast.completion(core.id);
  if (completion > core.clock) {
    // To be executed again then: the others must get there first.
    core.charge(completion - core.clock);
    core.attention = true;
    return;
  }
  if (completion !== 0) broadcast.settle(core.id);
  core.charge(core.costs.tlbsync);
  core.retire(insn);
}
