/**
 * What is due when a vCPU comes onto a core, enters its guest, leaves it, and goes off its core: the records it shares with its hypervisor, and the
 * flushes that others have left for it. A flush is carried out after the guest's record says that the vCPU is in the guest, and before the entry:
 * who has seen it outside has left the request where it is found here.
 */
import {
  PREEMPTED_BIT,
  PREEMPTED_FLUSH_BIT,
  STEAL_TIME_PREEMPTED,
  STEAL_TIME_STEAL,
  STEAL_TIME_VERSION,
  VCPU_STATE_IN_GUEST,
  VCPU_STATE_SHOULD_FLUSH,
} from '../arch/kvmRecords.ts';
import type { Pcpu } from './pcpu.ts';
import { flushOfContext, flushOfContextAndEpt, flushTranslations } from './translationFlush.ts';
import type { Vcpu } from './vcpu.ts';

/** Just before VM entry. */
export function entersGuest(pcpu: Pcpu, vcpu: Vcpu): void {
  if (vcpu.stealDue) updateStealTime(pcpu, vcpu);
  const { vcpuState } = vcpu;
  // Other values than the one of the request are none, as in the published code.
  if (vcpuState.isShared && vcpuState.exchange(pcpu, 0, VCPU_STATE_IN_GUEST) === VCPU_STATE_SHOULD_FLUSH)
    flushTranslations(pcpu.core, flushOfContextAndEpt(vcpu));
  if (!vcpu.flushes.isEmpty) vcpu.flushes.drain(pcpu.core);
}

/** Just after VM exit. */
export function leavesGuest(pcpu: Pcpu, vcpu: Vcpu): void {
  const { vcpuState } = vcpu;
  if (vcpuState.isShared && vcpuState.exchange(pcpu, 0, 0) === VCPU_STATE_SHOULD_FLUSH) {
    const flush = flushOfContextAndEpt(vcpu);
    vcpu.flushes.add(flush, flush);
  }
}

/** The vCPU goes off its core, to wait for its turn or for an event. */
export function leavesCore(pcpu: Pcpu, vcpu: Vcpu): void {
  if (vcpu.stealTime.isShared) vcpu.stealTime.exchange(pcpu, STEAL_TIME_PREEMPTED, PREEMPTED_BIT);
  vcpu.stealDue = vcpu.stealTime.isShared;
}

/** The record says how long the vCPU has been kept waiting and that it is not any more; a flush that was asked for meanwhile is carried out. */
function updateStealTime(pcpu: Pcpu, vcpu: Vcpu): void {
  const { stealTime } = vcpu;
  const { core, vmm } = pcpu;
  vcpu.stealDue = false;
  if (stealTime.exchange(pcpu, STEAL_TIME_PREEMPTED, 0) & PREEMPTED_FLUSH_BIT) flushTranslations(core, flushOfContext(vcpu));
  vcpu.settle(core.clock);
  const version = stealTime.load(pcpu, 4, STEAL_TIME_VERSION);
  stealTime.store(pcpu, 4, STEAL_TIME_VERSION, version + 1n);
  stealTime.store(pcpu, 8, STEAL_TIME_STEAL, BigInt(Math.round(vmm.machine.seconds(vcpu.stealCycles) * 1e9)));
  stealTime.store(pcpu, 4, STEAL_TIME_VERSION, version + 2n);
}

/** True iff the vCPU runs in its guest right now, where a host interrupt takes it out. */
export const isInGuest = (vcpu: Vcpu): boolean => vcpu.lastRan?.current === vcpu && vcpu.lastRan.core.nonRoot;
