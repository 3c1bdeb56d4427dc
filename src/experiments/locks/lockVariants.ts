/** A lock as it is compared: an algorithm, and whether its VM has PAUSE-loop exiting. */
export interface LockVariant {
  readonly name: string;
  readonly lock: string;
  readonly ple: boolean;
}

const plain = (lock: string): LockVariant => ({ name: lock, lock, ple: false });
const withPle = (lock: string): LockVariant => ({ name: `${lock}, PLE`, lock, ple: true });

/** What all others are compared with. */
export const BASELINE = 'ticket';
/** The four of the publication, the first of which is what it compares with. */
export const PUBLISHED_VARIANTS: readonly LockVariant[] = [BASELINE, 'pv-ticket', 'preemptable', 'pv-preemptable'].map(plain);
/** Older locks, Linux’s since, and what hardware does for spinners. */
export const OTHER_VARIANTS: readonly LockVariant[] = [
  ...['tas', 'mcs', 'qspinlock', 'pv-qspinlock'].map(plain),
  ...['ticket', 'preemptable', 'pv-ticket', 'pv-preemptable'].map(withPle),
];
