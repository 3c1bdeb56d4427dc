import { isInterruptible } from '../injection.ts';
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { skipInstruction } from './skip.ts';

/** HLT: the vCPU leaves the run queue until something wakes it, unless an interrupt is deliverable already or a kick came before. */
export function handleHlt(pcpu: Pcpu, vcpu: Vcpu): void {
  skipInstruction(vcpu);
  if (vcpu.kicked) {
    vcpu.kicked = false;
    return;
  }
  if (isInterruptible(vcpu)) return;
  pcpu.core.charge(pcpu.vmm.costs.vcpuHalt);
  vcpu.enterState('halted', pcpu.core.clock);
  pcpu.scheduler.remove(vcpu, pcpu.core.clock);
}
