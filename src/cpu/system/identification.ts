import { RAX, RBX, RCX, RDX } from '../../arch/registers.ts';
import type { Core } from '../core.ts';
import type { CpuidResult } from '../cpuid.ts';
import type { Instruction } from '../decode/instruction.ts';
import { exitOnCpuid } from '../vmx/intercepts.ts';

/** CPUID. */
export function cpuid(core: Core, insn: Instruction): void {
  if (exitOnCpuid(core, insn)) return;
  const { u64 } = core.state;
  const result = core.cpuid.query(Number(u64[RAX]! & 0xffff_ffffn), Number(u64[RCX]! & 0xffff_ffffn), core.id);
  writeCpuid(core, result);
  core.charge(core.costs.cpuid);
  core.retire(insn);
}

/** EAX, EBX, ECX and EDX hold the answer; upper halves are 0. */
export function writeCpuid(core: Core, [eax, ebx, ecx, edx]: CpuidResult): void {
  const { u64 } = core.state;
  u64[RAX] = BigInt(eax >>> 0);
  u64[RBX] = BigInt(ebx >>> 0);
  u64[RCX] = BigInt(ecx >>> 0);
  u64[RDX] = BigInt(edx >>> 0);
}
