import type { Measurement } from '../measurement.ts';
import { ResultSet } from '../resultSet.ts';
import { geometricMean, meanOf } from '../statistics.ts';
import { throughput } from './fairbenchSweep.ts';
import { BASELINE } from './lockVariants.ts';
import { DVDSTORE, EBIZZY, HACKBENCH, machineTime } from './lockWorkloads.ts';

/** Mean machine time for the programs' own; NaN when nothing was measured. */
export const meanWork = (results: ResultSet): number => meanOf(results.values(machineTime));

/** Mean of the programs' own for machine time. */
const meanRate = (results: ResultSet): number => meanOf(results.values((one) => 1 / machineTime(one)));

/** Runs with the baseline lock and the seeds that there are of the variant: chance is the same for both. */
function baselineOf(results: ResultSet, variant: string): ResultSet {
  const seeds = new Set(results.where({ variant }).entries.map(({ point }) => point.labels['seed']));
  return new ResultSet(results.where({ variant: BASELINE }).entries.filter(({ point }) => seeds.has(point.labels['seed'])));
}

/** How many times as fast as with the baseline lock: of runs of the same workload, which differ in their lock only. */
export const speedup = (results: ResultSet, variant: string): number =>
  meanWork(baselineOf(results, variant)) / meanWork(results.where({ variant }));

/**
 * The same by rates: programs' own time in a given time, averaged over the seeds. Where a lock nearly stands still with one seed and not with another, its mean
 * time says how long the work takes on average, and its mean rate how much is done.
 */
export const rateGain = (results: ResultSet, variant: string): number =>
  meanRate(results.where({ variant })) / meanRate(baselineOf(results, variant));

/** The least and the most of `speedup` over the seeds. */
export function speedupRange(results: ResultSet, variant: string): readonly [least: number, most: number] {
  const values = [...results.by('seed').values()].map((ofSeed) => speedup(ofSeed, variant)).filter(Number.isFinite);
  return [Math.min(...values), Math.max(...values)];
}

/** The same of fairbench, where the time is given and the acquisitions count. */
export const throughputGain = (results: ResultSet, variant: string): number =>
  meanOf(results.where({ variant }).values(throughput)) / meanOf(results.where({ variant: BASELINE }).values(throughput));

/** Machine time beside neighbours as a multiple of that alone, with the same lock: 1 when every VM gets along as its share of the cores allows. */
export function overShare(results: ResultSet, variant: string, vms: number): number {
  const ofVariant = results.where({ variant });
  return meanWork(ofVariant.where({ vms })) / meanWork(ofVariant.where({ vms: 1 }));
}

const PUBLISHED_LOADS: readonly string[] = [HACKBENCH, EBIZZY, DVDSTORE].map(({ guest }) => guest);
/** The runs of those loads that the published averages are of. */
export const publishedLoads = (results: ResultSet): ResultSet =>
  new ResultSet(results.entries.filter(({ point }) => PUBLISHED_LOADS.includes(String(point.labels['workload']))));

/** The values of all workloads that have one. */
export const overWorkloads = (results: ResultSet, of: (workload: ResultSet) => number): number[] =>
  [...results.by('workload').values()].map(of).filter(Number.isFinite);

/** Averages over the published loads of the speed-up at an overcommit: arithmetic, as an abstract’s “average” most likely is, geometric, and arithmetic of rates. */
export function averageSpeedup(results: ResultSet, variant: string, vms: number): { arithmetic: number; geometric: number; rates: number } {
  const loads = publishedLoads(results).where({ vms });
  const values = overWorkloads(loads, (workload) => speedup(workload, variant));
  const rates = overWorkloads(loads, (workload) => rateGain(workload, variant));
  return { arithmetic: meanOf(values), geometric: geometricMean(values), rates: meanOf(rates) };
}

/** What locks cost in a run: shares of the time that the vCPUs of all VMs had on cores. */
export interface LockLosses {
  readonly holder: number;
  readonly waiter: number;
  readonly asleep: number;
  /** Of the first VM: in wait loops, of locks and of others; and in the kernel's TLB code, which with IPIs is waiting, too. */
  readonly spinning: number;
  readonly tlb: number;
}

export function lockLosses({ stats }: Measurement): LockLosses {
  const sum = (of: (vcpu: (typeof stats.vcpus)[number]) => number, vms = stats.vcpus): number =>
    vms.reduce((total, vcpu) => total + of(vcpu), 0);
  const run = sum(({ runCycles }) => runCycles);
  const first = stats.vcpus.filter(({ vm }) => vm === 0);
  const { holderPreemptions, waiterPreemptions, sleepingWaiters } = stats.locks;
  return {
    holder: holderPreemptions.cycles / run,
    waiter: waiterPreemptions.cycles / run,
    asleep: sleepingWaiters.cycles / run,
    spinning: sum(({ spinCycles }) => spinCycles, first) / sum(({ runCycles }) => runCycles, first),
    tlb: sum(({ cpuTime }) => cpuTime.kernelTlbCycles, first) / sum(({ runCycles }) => runCycles, first),
  };
}
