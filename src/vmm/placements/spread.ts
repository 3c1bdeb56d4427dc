import type { Pcpu } from '../pcpu.ts';
import type { Vcpu } from '../vcpu.ts';
import { askMostCrowded, sendToIdleCore, wakeOnIdleCore } from './balancing.ts';
import type { Placement } from './placement.ts';

/** No sibling lives on that core, asleep or awake. */
const isFree = (vcpu: Vcpu, to: Pcpu): boolean => vcpu.vm.vcpus.every((sibling) => sibling === vcpu || sibling.home !== to);

/**
 * As `floating`, but no two vCPUs of a VM ever live on one core. So none waits for a sibling, which is what balance scheduling asks for (Sukwong and
 * Kim, EuroSys 2011).
 */
export const spread: Placement = {
  name: 'spread',
  doc: 'as floating, but never two vCPUs of one VM on one core',
  moves: true,
  check: ({ vcpus, cores }) =>
    vcpus > cores ? `keeps ${vcpus} vCPUs of a VM apart and needs as many cores; there are ${cores}` : undefined,
  start: (_vm, vcpu) => vcpu,
  wake: (vcpu, from) => wakeOnIdleCore(vcpu, from, isFree),
  idle: askMostCrowded,
  crowded: (pcpu) => sendToIdleCore(pcpu, isFree),
  turned: (pcpu) => sendToIdleCore(pcpu, isFree),
  mayMove: isFree,
};
