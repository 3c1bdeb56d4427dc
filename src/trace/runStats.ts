import type { CpuTime } from './cpuTime.ts';
import type { LatencySummary } from './latencySummary.ts';
import type { LockStats } from './lockStats.ts';

/**
 * What a run measured: the object that `--json` prints and `stats.json` holds. It is a function of image, configuration and seed; host time has no
 * place in it.
 */
export interface RunStats {
  /** Name of a built-in guest, or the path given. */
  readonly guest: string;
  readonly engine: string;
  readonly seed: number;
  readonly instructions: number;
  /** Virtual time at the end, in cycles; and in seconds. */
  readonly cycles: number;
  readonly seconds: number;
  /** Status that the process exits with. */
  readonly exitStatus: number;
  /** Of all VMs together; `vms` tells them apart. */
  readonly shootdown: {
    /** Name of the scheme, or null when the guest has none. */
    readonly scheme: string | null;
    readonly count: number;
    readonly latencyCycles: Omit<LatencySummary, 'count'>;
  };
  readonly locks: { /** Name of the algorithm, or null when the guest has none. */ readonly algorithm: string | null } & LockStats;
  /** Exits of all VMs by the name of their reason; only those that occurred. */
  readonly vmExits: Readonly<Record<string, number>>;
  readonly ipis: { readonly sent: number; readonly delivered: number };
  /** Invalidations by the name of their operation; only those that occurred. */
  readonly invalidations: Readonly<Record<string, number>>;
  /** Sum over all vCPUs, or over all cores without the VMM. */
  readonly cpuTime: CpuTime;
  readonly cores: readonly CoreStats[];
  /** Empty without the VMM. */
  readonly vms: readonly VmStats[];
  readonly vcpus: readonly VcpuStats[];
}

/** What one virtual machine did: neighbours that run another guest do not mix with the one that is measured. */
export interface VmStats {
  readonly vm: number;
  /** What it runs. */
  readonly guest: string;
  /** By the run's scheme. */
  readonly shootdown: { readonly count: number; readonly latencyCycles: Omit<LatencySummary, 'count'> };
  readonly vmExits: Readonly<Record<string, number>>;
}

export interface CoreStats {
  /** Where the cycles went; absent under the VMM, where vCPUs have them. */
  readonly cpuTime?: CpuTime;
  readonly busyCycles: number;
  readonly idleCycles: number;
}

export interface VcpuStats {
  readonly vm: number;
  readonly id: number;
  /** Where `runCycles` went, and `haltCycles`, which are idle. */
  readonly cpuTime: CpuTime;
  readonly runCycles: number;
  /** Runnable, but another had the core. */
  readonly stealCycles: number;
  /** On a core, in a wait loop. */
  readonly spinCycles: number;
  readonly haltCycles: number;
  /** Not started yet, or its VM has ended. With run, steal and halt cycles this is all the time of the run; spin cycles are run cycles. */
  readonly offlineCycles: number;
}
