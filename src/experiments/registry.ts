import type { Experiment } from './experiment.ts';
import { shootdownLatency } from './shootdown/shootdownLatency.ts';

/** Experiments in the order of `parapet list experiments`. */
export const EXPERIMENTS: readonly Experiment[] = [shootdownLatency];
