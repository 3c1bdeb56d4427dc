import type { PauseLoopExiting } from '../vmm/pauseLoop.ts';

/** A file that a Multiboot kernel gets, and what it is told about it. */
export interface ModuleFile {
  readonly path: string;
  readonly text: string;
}

/** A built-in guest for the VMs that keep the measured one company. Scheme and lock are those of the run. */
export interface CoGuestOptions {
  readonly guest: string;
  readonly params: Readonly<Record<string, string>>;
  /** As `haltExits` of the run, for these VMs alone. Absent: as for the first one. */
  readonly haltExits?: boolean | undefined;
  /** The first VM starts when these guests have begun their measured parts, so that it never finds the host less crowded. Absent: all start at once. */
  readonly headStart?: boolean | undefined;
}

/** What a run is asked to be, in names and numbers; `planRun` turns it into a plan. `undefined` takes the default. */
export interface RunOptions {
  /** A built-in guest, or the path of a kernel: Multiboot 1, or a plain ELF64 entry. */
  readonly guest: string;
  readonly cores: number | undefined;
  /** RAM in bytes: of the machine, or of each VM. */
  readonly memoryBytes: number | undefined;
  readonly engine: string | undefined;
  readonly profile: string | undefined;
  /** Factors on prices of the profile, by name; none by default. */
  readonly costs?: Readonly<Record<string, number>> | undefined;
  readonly seed: number;
  /** Kernel command line. */
  readonly append: string;
  /** Files for a Multiboot kernel; none by default. */
  readonly modules?: readonly ModuleFile[] | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly shootdown: string | undefined;
  readonly lock: string | undefined;
  /** Present: run under the VMM. */
  readonly vmm:
    | {
        readonly vms: number;
        /** Of each VM; undefined: as many as there are cores. */
        readonly vcpus: number | undefined;
        readonly scheduler: string | undefined;
        /** `pinned`, `floating`; undefined: the scheduler's own. */
        readonly placement?: string | undefined;
        /** Weights of the VMs, by VM; undefined: all the same. */
        readonly weights?: readonly number[] | undefined;
        /** PAUSE-loop exiting, with gap and window in cycles; undefined: off. */
        readonly pauseLoopExiting?: PauseLoopExiting | undefined;
        /** Slice in seconds or in cycles. */
        readonly slice: { readonly seconds: number } | { readonly cycles: number } | undefined;
        /** False: HLT does not leave a guest, so a halted vCPU keeps its core until its slice ends. Absent: it gives the core away. */
        readonly haltExits?: boolean | undefined;
        /** What every VM but the first runs, and for how long: until the first one ends. Absent: all run `guest`, until all have ended. */
        readonly coGuest?: CoGuestOptions | undefined;
      }
    | undefined;
  readonly maxCycles: number;
  /** Check every use of a cached translation against what the page tables allowed. */
  readonly checkTlb: boolean;
  /** Cache lines that move between cores have a price. Absent: they have none. */
  readonly coherence?: boolean | undefined;
}
