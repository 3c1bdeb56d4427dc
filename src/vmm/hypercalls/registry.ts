import type { Hypercall } from './hypercall.ts';
import { hyperv } from './hyperv.ts';
import { kickCpu } from './kickCpu.ts';
import { schedYield } from './schedYield.ts';
import { sendIpi } from './sendIpi.ts';
import { shoot4u } from './shoot4u.ts';

/** Hypercalls by number. */
export const HYPERCALLS: ReadonlyMap<number, Hypercall> = new Map(
  [kickCpu, sendIpi, schedYield, shoot4u, hyperv].map((hypercall) => [hypercall.number, hypercall]),
);
