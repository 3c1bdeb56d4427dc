import type { Fact } from '../experiment.ts';

/** What is known of the Shoot4U publication: its abstract was found, its text was not. */
const ABSTRACT = 'abstract of "Shoot4U: Using VMM Assists to Optimize TLB Operations on Preempted vCPUs", VEE 2016';

export const SHARE_FACT: Fact = {
  statement: 'TLB shootdowns take up to 64 % of the CPU time of a VM',
  certainty: 'found',
  source: ABSTRACT,
};
export const RUNTIME_FACT: Fact = {
  statement: 'Shoot4U reduces the run time of applications by up to 85 % compared to an unmodified kernel',
  certainty: 'found',
  source: ABSTRACT,
};
export const KVMTLB_FACT: Fact = {
  statement: 'Shoot4U reduces the run time of applications by up to 44 % compared to the paravirtual TLB shootdown of KVM (kvmtlb)',
  certainty: 'found',
  source: ABSTRACT,
};
export const UNITS_FACT: Fact = {
  statement:
    'The authors’ scripts record the latency of the native flush in milliseconds over 600 s, that of kvmtlb and Shoot4U in microseconds over 30 s',
  certainty: 'found',
  source: 'ktap scripts in the authors’ published source',
};
export const SERIAL_FACT: Fact = {
  statement: 'Shoot4U’s host code calls the flush function on one target’s core after the other and waits for each',
  certainty: 'found',
  source: 'the authors’ published source, host patch',
};
export const MODEL_FACT: Fact = {
  statement:
    'With M VMs per core, round robin, slice T and independent phases, a target’s wait is 0 with probability 1/M, else uniform over (0, (M−1)T); for M = 2 the mean of the longest of k waits is T (1 − 2 (1 − 2^−(k+1)) / (k+1))',
  certainty: 'derived',
  source: 'first-order model, derived here',
};
export const SETUP_FACT: Fact = {
  statement: '12 cores, VMs of 12 vCPUs, one VM alone and two VMs, the second with a CPU-bound load',
  certainty: 'recalled',
  source: 'not verified',
};
