/** What can be chosen about the full-weight kernel when it is built. */
import type { GuestParameter } from '../parameter.ts';

/** Parameters of every guest that runs on this kernel. */
export const KERNEL_PARAMETERS = [
  { name: 'hz', default: 250, min: 1, max: 10_000, doc: 'timer ticks per second and core' },
  { name: 'slice-ticks', default: 3, min: 1, max: 1000, doc: 'ticks until a thread makes room for another' },
  { name: 'pcid', default: 1, min: 0, max: 1, doc: '1: every address space has a PCID of its own; 0: one for all, as before Linux 4.14' },
  { name: 'mmap-lock', default: 0, min: 0, max: 1, doc: 'who waits for the mmap lock 0: sleeps, 1: spins' },
  { name: 'lazy-leave', default: 1, min: 0, max: 1, doc: 'an idle core that is asked to flush 1: leaves the address space, 0: flushes' },
  {
    name: 'syscall-work',
    default: 0,
    min: 0,
    max: 1_000_000,
    doc: 'instructions of kernel work in each system call, besides what it does',
  },
  { name: 'tick-work', default: 500, min: 0, max: 10_000_000, doc: 'instructions of kernel work in each tick' },
  { name: 'worker-ticks', default: 25, min: 1, max: 1_000_000, doc: 'ticks between two runs of each core’s kernel thread' },
  { name: 'worker-work', default: 20_000, min: 0, max: 100_000_000, doc: 'instructions of each such run' },
  {
    name: 'stagger',
    default: 0,
    min: 0,
    max: 3_600_000_000,
    doc: 'cores start up to so many microseconds after each other, at random, and wait for each other; 0: at once',
  },
] as const satisfies readonly GuestParameter[];

/** The same parameters, some of them with other defaults. */
export const withDefaults = (defaults: Readonly<Record<string, number>>): readonly GuestParameter[] =>
  KERNEL_PARAMETERS.map((parameter) => ({ ...parameter, default: defaults[parameter.name] ?? parameter.default }));

/** The same, as the parts of the kernel take them. */
export interface KernelChoices {
  readonly hz: number;
  readonly sliceTicks: number;
  readonly pcid: boolean;
  readonly spinningMmapLock: boolean;
  readonly lazyLeave: boolean;
  readonly syscallWork: number;
  readonly tickWork: number;
  readonly workerTicks: number;
  readonly workerWork: number;
  readonly staggerMicros: number;
}

/** The choices among a guest's parameters. */
export const kernelChoices = (parameters: Readonly<Record<string, number>>): KernelChoices => ({
  hz: parameters['hz']!,
  sliceTicks: parameters['slice-ticks']!,
  pcid: parameters['pcid'] === 1,
  spinningMmapLock: parameters['mmap-lock'] === 1,
  lazyLeave: parameters['lazy-leave'] === 1,
  syscallWork: parameters['syscall-work']!,
  tickWork: parameters['tick-work']!,
  workerTicks: parameters['worker-ticks']!,
  workerWork: parameters['worker-work']!,
  staggerMicros: parameters['stagger']!,
});
