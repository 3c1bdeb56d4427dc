import { balance } from './balance.ts';
import { fair } from './fair.ts';
import { gang } from './gang.ts';
import { roundRobin } from './roundRobin.ts';
import type { SchedulerKind } from './scheduler.ts';

/** Schedulers by name; the first is the default. */
export const SCHEDULERS: ReadonlyMap<string, SchedulerKind> = new Map([roundRobin, fair, balance, gang].map((kind) => [kind.name, kind]));
