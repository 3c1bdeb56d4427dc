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

const ABSTRACT = 'abstract of "Preemptable Ticket Spinlocks: Improving Consolidated Performance in the Cloud", VEE 2013';

export const SPEEDUP_FACT: Fact = {
  statement: 'Preemptable ticket locks are on average 5.32 times as fast as ticket locks without paravirtual help, and 7.91 times with it',
  certainty: 'found',
  source: ABSTRACT,
};
export const LOADS_FACT: Fact = {
  statement:
    'Speed-ups of preemptable and pv-preemptable: hackbench 4.82 and 7.08, Dell DVD Store 11.68 and 19.52, ebizzy less; of pv-preemptable over pv-ticket on average 1.08',
  certainty: 'recalled',
  source: 'not verified',
};
export const MACHINE_FACT: Fact = {
  statement: '8 cores, identical VMs of 8 vCPUs, one to three of them, Linux 3.5 and KVM; hackbench, ebizzy, Dell DVD Store',
  certainty: 'recalled',
  source: 'not verified',
};
