import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import type { HypercallCall } from './hypercall.ts';

/** Targets of a Shoot4U call from number `from` on, the caller not among them, with where they last ran. One that never ran has no translations. */
export function* shoot4uTargets(
  { vcpu, arguments: [mask] }: HypercallCall,
  from: number,
): Generator<{ readonly target: Vcpu; readonly where: Pcpu }> {
  const { vcpus } = vcpu.vm;
  for (let id = from; id < vcpus.length; id++) {
    const target = vcpus[id]!;
    if (target !== vcpu && mask & (1n << BigInt(id)) && target.lastRan !== undefined) yield { target, where: target.lastRan };
  }
}
