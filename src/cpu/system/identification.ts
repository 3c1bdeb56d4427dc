import { CR4_OSXSAVE } from '../../arch/controlRegisters.ts';
import { CPUID_1_ECX_MONITOR, CPUID_1_ECX_OSXSAVE } from '../../arch/cpuidBits.ts';
import { MISC_ENABLE_MONITOR } from '../../arch/msr.ts';
import { RAX, RBX, RCX, RDX } from '../../arch/registers.ts';
import type { Core } from '../core.ts';
import type { CpuidResult } from '../cpuid.ts';
import type { Instruction } from '../decode/instruction.ts';
import { U64_CR4, U64_MISC_ENABLE } from '../state.ts';
import { exitOnCpuid } from '../vmx/intercepts.ts';

/** CPUID. */
export function cpuid(core: Core, insn: Instruction): void {
  if (exitOnCpuid(core, insn)) return;
  const { u64 } = core.state;
  const leaf = Number(u64[RAX]! & 0xffff_ffffn);
  const answer = showOsxsave(core.cpuid.query(leaf, Number(u64[RCX]! & 0xffff_ffffn), core.id), leaf, u64[U64_CR4]!);
  if (leaf === 1 && (u64[U64_MISC_ENABLE]! & BigInt(MISC_ENABLE_MONITOR)) === 0n) answer[2] &= ~CPUID_1_ECX_MONITOR;
  writeCpuid(core, answer);
  core.charge(core.costs.cpuid);
  core.retire(insn);
}

/** The answer with the one bit that follows CR4. */
export function showOsxsave(result: CpuidResult, leaf: number, cr4: bigint): CpuidResult {
  if (leaf === 1 && (cr4 & BigInt(CR4_OSXSAVE)) !== 0n) result[2] |= CPUID_1_ECX_OSXSAVE;
  return result;
}

/** EAX, EBX, ECX and EDX hold the answer; upper halves are 0. */
export function writeCpuid(core: Core, [eax, ebx, ecx, edx]: CpuidResult): void {
  const { u64 } = core.state;
  u64[RAX] = BigInt(eax >>> 0);
  u64[RBX] = BigInt(ebx >>> 0);
  u64[RCX] = BigInt(ecx >>> 0);
  u64[RDX] = BigInt(edx >>> 0);
}
