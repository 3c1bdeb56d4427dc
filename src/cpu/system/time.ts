import { CR4_TSD } from '../../arch/controlRegisters.ts';
import { RAX, RCX, RDX } from '../../arch/registers.ts';
import { VECTOR_GP, VECTOR_UD } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { ACTIVITY_HALTED, I32_CPL, U64_CR4, U64_TSC_AUX, U64_TSC_OFFSET } from '../state.ts';
import { exitOnHlt, exitOnPause, exitOnRdpmc, exitOnRdtsc } from '../vmx/intercepts.ts';
import { requirePrivilege } from './privilege.ts';

/** The time-stamp counter: local cycles plus the offset that WRMSR or the VMM set. */
export function readTsc(core: Core): bigint {
  return BigInt.asUintN(64, BigInt(Math.floor(core.clock)) + core.state.u64[U64_TSC_OFFSET]!);
}

/** IA32_TSC_DEADLINE: 0 when disarmed. */
export function readTscDeadline(core: Core): bigint {
  const { tscDeadline } = core.apic.timer;
  return tscDeadline === 0 ? 0n : BigInt.asUintN(64, BigInt(tscDeadline) + core.state.u64[U64_TSC_OFFSET]!);
}

/** Arms the TSC-deadline timer for TSC = `value`; 0 disarms; a time that has passed fires at once. */
export function writeTscDeadline(core: Core, value: bigint): void {
  const cycles = BigInt.asIntN(64, value - core.state.u64[U64_TSC_OFFSET]!);
  core.apic.writeTscDeadline(value === 0n ? 0 : Math.max(1, Number(cycles)));
}

/** RDTSC. Raises: #GP(0) when CR4.TSD = 1 and CPL > 0. */
export function rdtsc(core: Core, insn: Instruction): void {
  const { u64, i32 } = core.state;
  if (Number(u64[U64_CR4]!) & CR4_TSD && i32[I32_CPL] !== 0) core.raise(VECTOR_GP, 0);
  if (exitOnRdtsc(core, insn)) return;
  const tsc = readTsc(core);
  u64[RAX] = tsc & 0xffff_ffffn;
  u64[RDX] = tsc >> 32n;
  core.charge(core.costs.rdtsc);
  core.retire(insn);
}

/** RDTSCP: as RDTSC, with IA32_TSC_AUX in ECX. Raises: #UD when the guest may not use it. */
export function rdtscp(core: Core, insn: Instruction): void {
  if (!core.vmx.allowsRdtscp(core)) core.raise(VECTOR_UD);
  rdtsc(core, insn);
  if (!core.vmx.exited) core.state.u64[RCX] = core.state.u64[U64_TSC_AUX]! & 0xffff_ffffn;
}

/** RDPMC. Raises: #GP(0) always: there are no performance counters. */
export function rdpmc(core: Core, insn: Instruction): void {
  if (core.state.i32[I32_CPL] === 0 && exitOnRdpmc(core, insn)) return;
  core.raise(VECTOR_GP, 0);
}

/** HLT. Raises: #GP(0) at CPL > 0. */
export function hlt(core: Core, insn: Instruction): void {
  requirePrivilege(core);
  if (exitOnHlt(core, insn)) return;
  core.retire(insn);
  core.setActivity(ACTIVITY_HALTED);
  core.attention = true;
}

/** PAUSE: a hint whose cost is the instruction's own, and what PAUSE exiting watches for. */
export function pause(core: Core, insn: Instruction): void {
  if (exitOnPause(core, insn)) return;
  core.retire(insn);
}
