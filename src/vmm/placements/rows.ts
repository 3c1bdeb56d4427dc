import type { Placement, PlacementSize } from './placement.ts';

/** VMs that fit beside each other on the cores. */
const besides = ({ cores, vcpus }: PlacementSize): number => Math.floor(cores / vcpus);

/** The row of a VM: the VMs of a row run at the same time. */
export const rowOf = (vm: number, size: PlacementSize): number => Math.floor(vm / besides(size));

/** Rows that there are. */
export const rowCount = (size: PlacementSize): number => rowOf(size.vms - 1, size) + 1;

/** Every vCPU of a VM has a core of its own; small VMs share a row, side by side (Ousterhout's matrix). */
export const rows: Placement = {
  name: 'rows',
  doc: 'every vCPU of a VM has a core of its own; as many VMs as fit stand side by side',
  moves: false,
  check: ({ vcpus, cores }) =>
    vcpus > cores ? `runs ${vcpus} vCPUs of a VM at once and needs as many cores; there are ${cores}` : undefined,
  start: (vm, vcpu, size) => (vm % besides(size)) * size.vcpus + vcpu,
  wake: (vcpu) => vcpu.home,
  idle() {},
  crowded() {},
  turned() {},
  mayMove: () => false,
};
