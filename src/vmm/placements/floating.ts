import { askMostCrowded, sendToIdleCore, wakeOnIdleCore } from './balancing.ts';
import type { Placement } from './placement.ts';

const anywhere = (): boolean => true;

/** vCPUs go where a core is free: a woken one to an idle core, a waiting one from a crowded core to an idle one. */
export const floating: Placement = {
  name: 'floating',
  doc: 'a vCPU that wakes goes to an idle core; idle cores take waiting vCPUs from crowded ones',
  moves: true,
  check: () => undefined,
  start: (_vm, vcpu, { cores }) => vcpu % cores,
  wake: (vcpu, from) => wakeOnIdleCore(vcpu, from, anywhere),
  idle: askMostCrowded,
  crowded: (pcpu) => sendToIdleCore(pcpu, anywhere),
  mayMove: anywhere,
};
