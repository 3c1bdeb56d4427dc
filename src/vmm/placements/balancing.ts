/** How vCPUs that may move find a core: the moves that `floating` and `spread` have in common. */
import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { giveTo } from '../vcpuMove.ts';

/** Load of `core` as `reader` knows it. */
const loadOf = (core: Pcpu, reader: Pcpu): number => reader.vmm.loads.seen(core.id, reader.id, reader.core.clock);

/** The first core with this property, going round from the one behind `start`. Cost: `placementLook` for each one looked at. */
function firstFrom(start: Pcpu, reader: Pcpu, fits: (pcpu: Pcpu) => boolean): Pcpu | undefined {
  const { pcpus, costs } = reader.vmm;
  for (let step = 1; step <= pcpus.length; step++) {
    const pcpu = pcpus[(start.id + step) % pcpus.length]!;
    reader.core.charge(costs.placementLook);
    if (fits(pcpu)) return pcpu;
  }
  return undefined;
}

/** Where a vCPU wakes: at home if nobody runs there, else on an idle core, else at home. */
export function wakeOnIdleCore(vcpu: Vcpu, from: Pcpu, mayMove: (vcpu: Vcpu, to: Pcpu) => boolean): Pcpu {
  const { home } = vcpu;
  if (loadOf(home, from) === 0) return home;
  return firstFrom(home, from, (pcpu) => loadOf(pcpu, from) === 0 && mayMove(vcpu, pcpu)) ?? home;
}

/** An idle core asks the most crowded one for a vCPU. */
export function askMostCrowded(pcpu: Pcpu): void {
  let most = 1;
  let victim: Pcpu | undefined;
  firstFrom(pcpu, pcpu, (other) => {
    const load = loadOf(other, pcpu);
    if (load > most) {
      most = load;
      victim = other;
    }
    return false;
  });
  victim?.notify(pcpu, { kind: 'pull', core: pcpu.id });
}

/** A crowded core sends one of its vCPUs to an idle core, if it knows of one. */
export function sendToIdleCore(pcpu: Pcpu, mayMove: (vcpu: Vcpu, to: Pcpu) => boolean): void {
  const idle = firstFrom(pcpu, pcpu, (other) => other !== pcpu && loadOf(other, pcpu) === 0);
  if (idle !== undefined) giveTo(pcpu, idle, (vcpu) => mayMove(vcpu, idle));
}

/**
 * At the end of a turn: a core that has at least two vCPUs more to run than another sends one to the core with the least. One with a difference of
 * one keeps it, or the vCPU would only change who waits.
 */
export function level(pcpu: Pcpu): void {
  let least = pcpu.scheduler.load - 1;
  let to: Pcpu | undefined;
  firstFrom(pcpu, pcpu, (other) => {
    if (other === pcpu) return false;
    const load = loadOf(other, pcpu);
    if (load < least) {
      least = load;
      to = other;
    }
    // Nobody has less than an idle core.
    return least === 0;
  });
  if (to !== undefined) giveTo(pcpu, to, () => true);
}
