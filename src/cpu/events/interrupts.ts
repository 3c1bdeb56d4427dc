import { VECTOR_NMI } from '../../arch/vectors.ts';
import { COUNTER_INTERRUPTS } from '../../trace/counters.ts';
import { EVENT_INTERRUPT } from '../../trace/events.ts';
import type { Core } from '../core.ts';
import {
  ACTIVITY_ACTIVE,
  ACTIVITY_HALTED,
  ACTIVITY_MWAIT,
  BLOCKING_BY_MOV_SS,
  BLOCKING_BY_NMI,
  BLOCKING_BY_STI,
  I32_ACTIVITY,
  I32_INTERRUPTIBILITY,
  I32_MWAIT_MASKED_BREAKS,
} from '../state.ts';
import { endMwait } from '../system/monitorWait.ts';
import { exitOnExternalInterrupt, exitOnInterruptWindow, exitOnNmi, exitOnNmiWindow } from '../vmx/intercepts.ts';
import { deliverEvent } from './exceptions.ts';

/**
 * Between instructions: the highest-priority event that the core may take now is taken. True iff something was.
 * SDM: Vol. 3, "Priority Among Concurrent Events": NMI before maskable interrupts; both wait out an interrupt shadow.
 * Emits: `interrupt`.
 */
export function recognizeInterrupts(core: Core): boolean {
  const { i32 } = core.state;
  const activity = i32[I32_ACTIVITY]!;
  if (activity !== ACTIVITY_ACTIVE && activity !== ACTIVITY_HALTED && activity !== ACTIVITY_MWAIT) return false;
  const blocking = i32[I32_INTERRUPTIBILITY]!;
  const shadow = (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) !== 0;

  if (core.pendingNmi && !shadow) {
    if (exitOnNmi(core)) return true;
    if (!(blocking & BLOCKING_BY_NMI)) {
      core.pendingNmi = false;
      i32[I32_INTERRUPTIBILITY]! |= BLOCKING_BY_NMI;
      wake(core);
      interrupt(core, VECTOR_NMI);
      return true;
    }
  }
  if (exitOnNmiWindow(core, shadow) || exitOnInterruptWindow(core, shadow)) return true;
  const pending = core.apic.pending();
  if (pending < 0) return false;
  if (exitOnExternalInterrupt(core)) return true;
  if (activity === ACTIVITY_MWAIT && i32[I32_MWAIT_MASKED_BREAKS] !== 0 && !core.interruptsEnabled) {
    wake(core);
    return true;
  }
  if (shadow || !core.interruptsEnabled) return false;
  wake(core);
  interrupt(core, core.apic.acknowledge());
  return true;
}

function wake(core: Core): void {
  const activity = core.state.i32[I32_ACTIVITY];
  if (activity === ACTIVITY_MWAIT) endMwait(core);
  if (activity !== ACTIVITY_HALTED) return;
  core.setActivity(ACTIVITY_ACTIVE);
  core.charge(core.costs.wake);
}

function interrupt(core: Core, vector: number): void {
  core.state.counters[COUNTER_INTERRUPTS]!++;
  if (core.probe.mask & (1 << EVENT_INTERRUPT)) core.probe.event(EVENT_INTERRUPT, core.id, core.clock, vector, core.rip, 0, 0);
  deliverEvent(core, vector, -1, 'external');
}
