/** The lock algorithms by name. */
import type { LockAlgorithm } from './lock.ts';
import { mcs } from './mcs.ts';
import { preemptableV1 } from './preemptableV1.ts';
import { preemptableV2 } from './preemptableV2.ts';
import { preemptable, preemptableV3 } from './preemptableV3.ts';
import { pvPreemptable } from './pvPreemptable.ts';
import { pvQspinlock } from './pvQspinlock.ts';
import { pvTicket } from './pvTicket.ts';
import { qspinlock } from './qspinlock.ts';
import { tas } from './tas.ts';
import { ticket } from './ticket.ts';

export const LOCKS: readonly LockAlgorithm[] = [
  ticket,
  tas,
  mcs,
  qspinlock,
  preemptable,
  preemptableV1,
  preemptableV2,
  preemptableV3,
  pvTicket,
  pvPreemptable,
  pvQspinlock,
];
