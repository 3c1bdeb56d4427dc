/**
 * The first-order model of a shootdown that waits for preempted targets: M virtual machines share each core round robin with slice T and independent
 * phases. A target's wait is 0 with probability 1/M, else uniform over (0, (M - 1) T). Work, messages and hypervisor cost nothing.
 */
export interface SharedCores {
  readonly vms: number;
  /** Slice in any unit; results have the same. */
  readonly slice: number;
}

/** Mean of the longest of k waits. For M = 2: T (1 - 2 (1 - 2^-(k+1)) / (k + 1)). */
export function meanLongestWait({ vms, slice }: SharedCores, targets: number): number {
  if (vms === 1) return 0;
  return slice * (vms - 1 - (vms * (1 - vms ** -(targets + 1))) / (targets + 1));
}

/** Share of the k longest waits that do not exceed `wait`: the distribution whose mean is `meanLongestWait`. */
export function longestWaitDistribution({ vms, slice }: SharedCores, targets: number, wait: number): number {
  if (wait < 0) return 0;
  if (vms === 1 || wait >= (vms - 1) * slice) return 1;
  return (1 / vms + wait / (vms * slice)) ** targets;
}

const INTERVALS = 20_000;

/**
 * Mean time from begin to end when the initiator shares its core like everybody: it is at a random place of its own slice, loses the core when the
 * slice ends before the longest wait does, and sees the end only when its turn comes again, (M - 1) T later. By numerical integration.
 */
export function meanOwnLatency(cores: SharedCores, targets: number): number {
  const { vms, slice } = cores;
  if (vms === 1) return 0;
  const away = (vms - 1) * slice;
  // What the initiator sees of a wait w, over all places in its slice: w when the slice lasts longer, else slice end and absence.
  const seen = (wait: number): number => {
    const lost = Math.min(wait, slice);
    return wait * (1 - lost / slice) + (lost ** 2 / 2 + away * lost) / slice;
  };
  let mean = 0;
  let before = longestWaitDistribution(cores, targets, 0);
  for (let step = 1; step <= INTERVALS; step++) {
    const after = longestWaitDistribution(cores, targets, (away * step) / INTERVALS);
    mean += (after - before) * seen((away * (step - 0.5)) / INTERVALS);
    before = after;
  }
  return mean;
}
