import { askMostCrowded, level, sendToIdleCore, wakeOnIdleCore } from './balancing.ts';
import type { Placement } from './placement.ts';

const anywhere = (): boolean => true;

/**
 * vCPUs go where a core is free: a woken one to an idle core, a waiting one from a crowded core to an idle one. Where none is free, the longer of two
 * run queues gives to the shorter one until they differ by no more than one, as Linux's load balancer does.
 *
 * Deviation: queues are levelled at the ends of turns, by the core with more to run; Linux looks every few ticks, from the one with less. Who has to share a
 * core when vCPUs do not divide evenly stays where it is.
 */
export const floating: Placement = {
  name: 'floating',
  doc: 'a vCPU that wakes goes to an idle core; idle cores take waiting vCPUs from crowded ones, and busy cores level their queues',
  moves: true,
  check: () => undefined,
  start: (_vm, vcpu, { cores }) => vcpu % cores,
  wake: (vcpu, from) => wakeOnIdleCore(vcpu, from, anywhere),
  idle: askMostCrowded,
  crowded: (pcpu) => sendToIdleCore(pcpu, anywhere),
  turned: level,
  mayMove: anywhere,
};
