import type { Pcpu } from './pcpu.ts';
import type { Vcpu } from './vcpu.ts';

/** One of the vCPUs that wait on core `from`, if one may, lives on core `to` from now on. Cost: `vcpuMove`, and a host IPI. */
export function giveTo(from: Pcpu, to: Pcpu, mayLeave: (vcpu: Vcpu) => boolean): void {
  // One whose registers are still on its core cannot go.
  const vcpu = from.scheduler.spare(from.core.clock, (waiting) => waiting !== from.current && mayLeave(waiting));
  if (vcpu === undefined) return;
  from.core.charge(from.vmm.costs.vcpuMove);
  vcpu.home = to;
  to.notify(from, { kind: 'changed', vcpu });
}
