import { roundRobin } from './roundRobin.ts';
import type { SchedulerKind } from './scheduler.ts';

/** Schedulers by name; the first is the default. */
export const SCHEDULERS: ReadonlyMap<string, SchedulerKind> = new Map([roundRobin].map((kind) => [kind.name, kind]));
