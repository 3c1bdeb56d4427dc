import type { Fact } from '../experiment.ts';

/** What is known of the work on preemptable ticket locks (VEE 2013) besides its abstract, whose figures are about other loads. */
export const WAITER_FACT: Fact = {
  statement: 'With ticket locks the preemption of waiters is about 90 % of the trouble at two VMs, and its share rises with overcommit',
  certainty: 'recalled',
  source: 'not verified',
};
export const UNIT_FACT: Fact = {
  statement: 'A smaller unit of the timeout makes the lock less fair and faster; the authors sweep it from 2^0 to 2^14',
  certainty: 'found',
  source: 'the authors’ published source, comments and scripts',
};
export const PREEMPTION_FACT: Fact = {
  statement:
    'A waiter whose ticket is next and whose vCPU is preempted holds up all later ones, though the lock is free; the more waiters, the likelier',
  certainty: 'found',
  source: 'the authors’ slides on Shoot4U, about VEE 2013',
};
