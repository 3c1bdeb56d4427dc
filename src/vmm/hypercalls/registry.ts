import type { Hypercall } from './hypercall.ts';
import { kickCpu } from './kickCpu.ts';
import { schedYield } from './schedYield.ts';
import { shoot4u } from './shoot4u.ts';

/** Hypercalls by number. */
export const HYPERCALLS: ReadonlyMap<number, Hypercall> = new Map(
  [kickCpu, schedYield, shoot4u].map((hypercall) => [hypercall.number, hypercall]),
);
