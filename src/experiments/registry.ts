import type { Experiment } from './experiment.ts';
import { shootdownBreakdown } from './shootdown/shootdownBreakdown.ts';
import { shootdownLatency } from './shootdown/shootdownLatency.ts';
import { shootdownSchedulers } from './shootdown/shootdownSchedulers.ts';

/** Experiments in the order of `parapet list experiments`. */
export const EXPERIMENTS: readonly Experiment[] = [shootdownLatency, shootdownSchedulers, shootdownBreakdown];
