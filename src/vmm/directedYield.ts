import type { Pcpu } from './pcpu.ts';
import type { Vcpu } from './vcpu.ts';

/**
 * The vCPU on this core gives way and `target`, which is runnable and waits, runs next where it lives, as far as the schedulers there and here
 * allow. False when `target` does not wait: then nothing has changed.
 *
 * Cost: `directedYield`, and a host IPI when `target` lives on another core.
 */
export function yieldTo(pcpu: Pcpu, target: Vcpu): boolean {
  if (target.state !== 'runnable') return false;
  pcpu.core.charge(pcpu.vmm.costs.directedYield);
  target.home.notify(pcpu, { kind: 'boost', vcpu: target });
  pcpu.scheduler.yield(pcpu.core.clock);
  return true;
}

/**
 * A vCPU that spins in kernel mode waits for a sibling, but a VMM cannot know for which. The rule is KVM's: go round the siblings from the one
 * boosted last, and yield to the first that is runnable but waits for a core, that was preempted in kernel mode or has an interrupt pending,
 * and that is not itself one that gave way in a PAUSE exit. Of the latter, every second look takes one.
 *
 * @returns true iff one was found. Cost: `yieldCandidate` for each sibling looked at; that of `yieldTo`.
 */
export function yieldOnSpin(pcpu: Pcpu, spinner: Vcpu): boolean {
  const { vcpus } = spinner.vm;
  const { vm } = spinner;
  for (let step = 1; step <= vcpus.length; step++) {
    const candidate = vcpus[(vm.boostedLast + step) % vcpus.length]!;
    if (candidate === spinner) continue;
    pcpu.core.charge(pcpu.vmm.costs.yieldCandidate);
    if (candidate.state !== 'runnable' || !isInKernel(candidate) || !isEligible(candidate)) continue;
    if (!yieldTo(pcpu, candidate)) continue;
    vm.boostedLast = candidate.id;
    return true;
  }
  return false;
}

const isInKernel = (vcpu: Vcpu): boolean => vcpu.preemptedInKernel || vcpu.pendingNmi || vcpu.apic.pending() >= 0;

function isEligible(vcpu: Vcpu): boolean {
  if (!vcpu.givesWay) return true;
  vcpu.passedOver = !vcpu.passedOver;
  return !vcpu.passedOver;
}
