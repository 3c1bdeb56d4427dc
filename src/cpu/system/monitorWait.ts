/**
 * MONITOR and MWAIT: a core waits until another one stores to a cache line, or an interrupt comes.
 *
 * Deviation: hints about sleep states (EAX of MWAIT, EDX of MONITOR) are taken and change nothing; there is one state, left at the price of leaving
 * HLT. What waits for a line sees a store by `cacheLineTransfer` later.
 *
 * SDM: Vol. 2, "MONITOR—Set Up Monitor Address"; "MWAIT—Monitor Wait". Vol. 3, "MONITOR/MWAIT Instruction".
 */
import { CANONICAL_LIMIT } from '../../arch/addresses.ts';
import { MISC_ENABLE_MONITOR } from '../../arch/msr.ts';
import { FS, RAX, RCX, SS } from '../../arch/registers.ts';
import { VECTOR_GP, VECTOR_SS, VECTOR_UD } from '../../arch/vectors.ts';
import { ACCESS_READ } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import type { Instruction } from '../decode/instruction.ts';
import { signedNumber, translateOrFault } from '../linearMemory.ts';
import { segmentAllows } from '../segmentCheck.ts';
import { ACTIVITY_ACTIVE, ACTIVITY_MWAIT, I32_CPL, I32_MWAIT_MASKED_BREAKS, U64_MISC_ENABLE, U64_SEGMENT_BASE } from '../state.ts';
import { exitOnMonitor, exitOnMwait } from '../vmx/intercepts.ts';

/** ECX of MWAIT: interrupts end the wait even while they are masked. */
const BREAK_ON_MASKED = 1n;

/**
 * MONITOR: the cache line at [rAX] is monitored, in the data segment or its override.
 * Raises: #UD at CPL > 0 and while IA32_MISC_ENABLE turns it off; #GP(0) when rCX asks for extensions; what a load of one byte raises.
 */
export function monitor(core: Core, insn: Instruction): void {
  requireMonitor(core);
  if (exitOnMonitor(core, insn)) return;
  if (extensions(core) !== 0n) core.raise(VECTOR_GP, 0);
  const la = address(core, insn);
  const hpa = translateOrFault(core, la, ACCESS_READ | core.userAccess);
  core.watch?.note(la, 1, false);
  // Elsewhere than in RAM nothing is cached: there is nothing to monitor.
  if (core.memory.contains(hpa, 1)) core.monitor.arm(hpa);
  else core.monitor.disarm();
  core.retire(insn);
}

/**
 * MWAIT: the core waits, unless nothing is monitored or the store has been seen already.
 * Raises: #UD as MONITOR does; #GP(0) when rCX asks for more than breaks by masked interrupts.
 * Cost: `wake` when it goes on.
 */
export function mwait(core: Core, insn: Instruction): void {
  requireMonitor(core);
  if (exitOnMwait(core, insn)) return;
  const wanted = extensions(core);
  if ((wanted & ~BREAK_ON_MASKED) !== 0n) core.raise(VECTOR_GP, 0);
  core.retire(insn);
  const { monitor: watched } = core;
  if (!watched.armed) return;
  if (watched.wakeTime <= core.clock) {
    watched.disarm();
    return;
  }
  core.state.i32[I32_MWAIT_MASKED_BREAKS] = Number(wanted);
  core.setActivity(ACTIVITY_MWAIT);
  core.attention = true;
}

/** The wait is over: the instruction after MWAIT comes next, and nothing is monitored. */
export function endMwait(core: Core): void {
  core.monitor.disarm();
  core.setActivity(ACTIVITY_ACTIVE);
  core.charge(core.costs.wake);
}

function requireMonitor(core: Core): void {
  const { i32 } = core.state;
  if (i32[I32_CPL] !== 0 || (i32[2 * U64_MISC_ENABLE]! & MISC_ENABLE_MONITOR) === 0) core.raise(VECTOR_UD);
}

const extensions = (core: Core): bigint => BigInt.asUintN(core.codeSize === 64 ? 64 : 32, core.state.u64[RCX]!);

/** Linear address (signed) that rAX names. Raises: #GP(0), #SS(0). */
function address(core: Core, insn: Instruction): number {
  const { u64, i32 } = core.state;
  const { segment, addressWidth } = insn;
  const offset = BigInt.asUintN(addressWidth, u64[RAX]!);
  const fault = segment === SS ? VECTOR_SS : VECTOR_GP;
  if (core.codeSize === 64) {
    const la = signedNumber(segment >= FS ? offset + u64[U64_SEGMENT_BASE + segment]! : offset);
    if (la < -CANONICAL_LIMIT || la >= CANONICAL_LIMIT) core.raise(fault, 0);
    return la;
  }
  if (!segmentAllows(i32, segment, Number(offset), 1, false)) core.raise(fault, 0);
  return Number(BigInt.asUintN(32, offset + u64[U64_SEGMENT_BASE + segment]!));
}
