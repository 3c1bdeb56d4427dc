import type { Pcpu } from './pcpu.ts';
import type { Vcpu } from './vcpu.ts';

/** The vCPUs that live on a core, asleep or awake: their virtual APIC timers are the core's to fire. */
export class Residents {
  private readonly vcpus: Vcpu[] = [];

  /** No change when it is there already. */
  add(vcpu: Vcpu): void {
    if (!this.vcpus.includes(vcpu)) this.vcpus.push(vcpu);
  }

  /** Timers that are due have fired; halted vCPUs with a deliverable interrupt have been woken. Who lives elsewhere now has its timers there. */
  fireTimers(pcpu: Pcpu): void {
    const now = pcpu.core.clock;
    this.forgetMoved(pcpu);
    for (const vcpu of this.vcpus) {
      if (vcpu.apic.timerDeadline > now || vcpu.state === 'stopped') continue;
      vcpu.syncClock(now);
      vcpu.apic.timerExpired();
      pcpu.vmm.wakeIfPending(vcpu, pcpu);
    }
  }

  /** When the next of the timers is due; Infinity when none runs. */
  get timerDeadline(): number {
    let deadline = Number.POSITIVE_INFINITY;
    for (const vcpu of this.vcpus) if (vcpu.state !== 'stopped') deadline = Math.min(deadline, vcpu.apic.timerDeadline);
    return deadline;
  }

  private forgetMoved(pcpu: Pcpu): void {
    const { vcpus } = this;
    for (let at = vcpus.length - 1; at >= 0; at--) if (vcpus[at]!.home !== pcpu) vcpus.splice(at, 1);
  }
}
