import type { Experiment } from './experiment.ts';
import { locksFairness } from './locks/locksFairness.ts';
import { locksLatency } from './locks/locksLatency.ts';
import { locksPreemption } from './locks/locksPreemption.ts';
import { locksSpeedup } from './locks/locksSpeedup.ts';
import { shootdownAndLocks } from './locks/shootdownAndLocks.ts';
import { shoot4uParsec } from './parsec/shoot4uParsec.ts';
import { shootdownBest } from './shootdown/shootdownBest.ts';
import { shootdownBreakdown } from './shootdown/shootdownBreakdown.ts';
import { shootdownLatency } from './shootdown/shootdownLatency.ts';
import { shootdownSchedulers } from './shootdown/shootdownSchedulers.ts';

/** Experiments in the order of `parapet list experiments`. */
export const EXPERIMENTS: readonly Experiment[] = [
  shootdownLatency,
  shootdownSchedulers,
  shootdownBreakdown,
  shootdownBest,
  shoot4uParsec,
  locksSpeedup,
  locksPreemption,
  locksFairness,
  locksLatency,
  shootdownAndLocks,
];
