/**
 * Debug exceptions: the single-step trap, instruction and data breakpoints. While one of them may happen, the core executes one instruction
 * at a time, on whatever engine.
 *
 * Deviation: debug exceptions that are pending at a VM entry which injects an event are lost.
 *
 * SDM: Vol. 3, "Debug Exceptions"; "Priority Among Concurrent Events".
 */
import { BREAK_ON_EXECUTION, DR6_BS } from '../../arch/debugRegisters.ts';
import { CS } from '../../arch/registers.ts';
import { RFLAGS_RF, RFLAGS_TF } from '../../arch/rflags.ts';
import { VECTOR_DB } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { ACTIVITY_ACTIVE, BLOCKING_BY_MOV_SS, I32_INTERRUPTIBILITY, I32_RFLAGS, U64_RIP, U64_SEGMENT_BASE } from '../state.ts';
import { breakpointsMet, checksAlignment, hasBreakpoints, type StepWatch } from '../stepWatch.ts';
import { raiseException } from './exceptions.ts';

/** True when the next instruction must be executed by itself, for what may follow or precede it. */
export const stepsSingly = (core: Core): boolean =>
  core.pendingDebug !== 0 || (core.state.i32[I32_RFLAGS]! & RFLAGS_TF) !== 0 || hasBreakpoints(core) || checksAlignment(core);

/**
 * Before an instruction that is executed by itself: an instruction breakpoint raises its fault, unless RF holds it off, or a MOV SS or POP SS just
 * before. True when it did. RF is clear from here on.
 */
export function beforeStep(core: Core, afterStackSwitch: boolean): boolean {
  const { u64, i32 } = core.state;
  const resumed = afterStackSwitch || (i32[I32_RFLAGS]! & RFLAGS_RF) !== 0;
  i32[I32_RFLAGS]! &= ~RFLAGS_RF;
  if (resumed || !hasBreakpoints(core)) return false;
  const rip = u64[U64_RIP]!;
  const la = core.codeSize === 64 ? core.rip : Number((rip + u64[U64_SEGMENT_BASE + CS]!) & 0xffff_ffffn);
  const met = breakpointsMet(core, la, 1, (condition) => condition === BREAK_ON_EXECUTION);
  if (met === 0) return false;
  raiseException(core, VECTOR_DB, -1, met, 'exception');
  return true;
}

/**
 * After it: the traps that it has earned. MOV SS and POP SS put them off by one instruction. Between the elements of a string instruction RF is set:
 * an instruction breakpoint on it is met once.
 */
export function afterStep(core: Core, watch: StepWatch, traced: boolean): void {
  if (watch.interrupted) return;
  const { i32 } = core.state;
  if (watch.repeating) i32[I32_RFLAGS]! |= RFLAGS_RF;
  if (i32[I32_INTERRUPTIBILITY]! & BLOCKING_BY_MOV_SS) {
    core.pendingDebug |= watch.met;
    return;
  }
  const causes = watch.met | core.pendingDebug | (traced ? DR6_BS : 0);
  core.pendingDebug = 0;
  if (causes === 0) return;
  raiseException(core, VECTOR_DB, -1, causes, 'trap');
}

/** Debug exceptions that a VM entry found pending are delivered before the guest's first instruction, unless MOV SS holds them off. True when they were. */
export function deliverPendingDebug(core: Core): boolean {
  const { pendingDebug } = core;
  if (core.state.i32[I32_INTERRUPTIBILITY]! & BLOCKING_BY_MOV_SS) return false;
  core.pendingDebug = 0;
  core.setActivity(ACTIVITY_ACTIVE);
  raiseException(core, VECTOR_DB, -1, pendingDebug, 'trap');
  return true;
}
