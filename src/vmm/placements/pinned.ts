import type { Placement } from './placement.ts';

/** vCPU i of every VM lives on core i modulo the number of cores, for good. */
export const pinned: Placement = {
  name: 'pinned',
  doc: 'vCPU i of every VM stays on core i modulo the number of cores',
  moves: false,
  check: () => undefined,
  start: (_vm, vcpu, { cores }) => vcpu % cores,
  wake: (vcpu) => vcpu.home,
  idle() {},
  crowded() {},
  turned() {},
  mayMove: () => false,
};
