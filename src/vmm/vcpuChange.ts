import { EVENT_VCPU_RUN, EVENT_VCPU_STOP } from '../trace/events.ts';
import { resetPauseWindow } from './exits/pause.ts';
import { leavesCore } from './guestEntry.ts';
import { cplOf } from './guestMode.ts';
import type { Pcpu } from './pcpu.ts';
import { loadVcpu, saveVcpu } from './switch.ts';
import { flushOfContext, flushTranslations } from './translationFlush.ts';
import type { Vcpu } from './vcpu.ts';

/** The registers of the vCPU that was on the core, if one was, are in its record; one that could go on is runnable. */
export function takeOff(pcpu: Pcpu): void {
  const { core, current: previous } = pcpu;
  if (previous === undefined) return;
  const { probe } = core;
  saveVcpu(core, previous);
  leavesCore(pcpu, previous);
  if (previous.state === 'running') {
    previous.enterState('runnable', core.clock);
    previous.preemptedInKernel = cplOf(previous) === 0;
  }
  if (probe.mask & (1 << EVENT_VCPU_STOP)) {
    probe.event(EVENT_VCPU_STOP, pcpu.id, core.clock, previous.vm.id, previous.id, previous.state === 'runnable' ? 1 : 0, 0);
  }
  pcpu.current = undefined;
}

/** The vCPU is on the core, which was free. Cost: `vcpuSwitch`, and a flush when it ran elsewhere before. */
export function putOn(pcpu: Pcpu, next: Vcpu): void {
  const { core } = pcpu;
  const { probe } = core;
  pcpu.current = next;
  core.charge(pcpu.vmm.costs.vcpuSwitch);
  loadVcpu(core, next);
  resetPauseWindow(pcpu.vmm, next);
  if (next.lastRan !== undefined && next.lastRan !== pcpu) flushEarlierStay(pcpu, next);
  next.lastRan = pcpu;
  next.enterState('running', core.clock);
  if (probe.mask & (1 << EVENT_VCPU_RUN)) probe.event(EVENT_VCPU_RUN, pcpu.id, core.clock, next.vm.id, next.id, 0, 0);
}

/** Entries left on this core from an earlier stay must not come back to life. */
function flushEarlierStay({ core }: Pcpu, vcpu: Vcpu): void {
  flushTranslations(core, flushOfContext(vcpu));
}
