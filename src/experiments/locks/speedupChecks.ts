import { check } from '../check.ts';
import type { Scale, ShapeCheck } from '../experiment.ts';
import type { ResultSet } from '../resultSet.ts';
import { averageSpeedup, meanWork, overShare, overWorkloads } from './speedup.ts';

/** Alone, a lock is about as fast as ticket: this share apart at most. Short runs differ by chance, too. */
const ALONE_APART: Readonly<Record<Scale, number>> = { full: 0.05, quick: 0.1 };
/** Beside neighbours, ticket takes at least so many times its share of the time to have collapsed, and another lock at most so many to have come through. */
const COLLAPSE = 2;
const GRACE = 1.5;
/** pv-preemptable is not slower than pv-ticket: but for this share. */
const PV_TIE = 0.03;

/** The shapes of the publication, each looked at in the workloads; `two` VMs are its main case. */
export function speedupChecks(all: ResultSet, scale: Scale): ShapeCheck[] {
  const allowed = ALONE_APART[scale];
  const results = all.where({ sweep: 'workloads' });
  const alone = results.where({ vms: 1 });
  const apart = [...alone.by('variant').keys()].flatMap((variant) =>
    overWorkloads(alone, (workload) => meanWork(workload.where({ variant })) / meanWork(workload.where({ variant: 'ticket' })) - 1),
  );
  const shares = (variant: string, vms = 2): number[] => overWorkloads(results, (workload) => overShare(workload, variant, vms));
  const worst = (values: readonly number[]): number => Math.max(...values.map(Math.abs));
  const times = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(', ');
  const average = (variant: string): number => averageSpeedup(results, variant, 2).arithmetic;
  const [preemptable, pvTicket, pvPreemptable] = ['preemptable', 'pv-ticket', 'pv-preemptable'].map(average) as [number, number, number];
  const known = (...values: readonly number[]): boolean => values.every(Number.isFinite);
  return [
    check(
      'alone all are equal',
      `one VM: every lock within ${100 * allowed} % of ticket on every workload`,
      apart.length > 0,
      () => worst(apart) <= allowed,
      () => `at most ${(100 * worst(apart)).toFixed(1)} % apart`,
    ),
    check(
      'ticket collapses under overcommit',
      `two VMs: at least ${COLLAPSE} times its share of the time on at least one workload`,
      shares('ticket').length > 0,
      () => worst(shares('ticket')) >= COLLAPSE,
      () => `${times(shares('ticket'))} of its share, by workload`,
    ),
    check(
      'preemptable does not',
      `two VMs: at most ${GRACE} times its share on every workload`,
      shares('preemptable').length > 0,
      () => worst(shares('preemptable')) <= GRACE,
      () => `${times(shares('preemptable'))} of its share, by workload`,
    ),
    check(
      'preemptable is faster than ticket',
      'two VMs: average speed-up over 1',
      known(preemptable),
      () => preemptable > 1,
      () => preemptable.toFixed(2),
    ),
    check(
      'paravirtual help makes it faster still',
      'two VMs: average speed-up of pv-preemptable not below that of preemptable',
      known(preemptable, pvPreemptable),
      () => pvPreemptable >= preemptable,
      () => `${pvPreemptable.toFixed(2)} against ${preemptable.toFixed(2)}`,
    ),
    check(
      'pv-preemptable is at least as fast as pv-ticket',
      `two VMs: average speed-up not below that of pv-ticket by more than ${100 * PV_TIE} %`,
      known(pvTicket, pvPreemptable),
      () => pvPreemptable >= (1 - PV_TIE) * pvTicket,
      () => `${pvPreemptable.toFixed(2)} against ${pvTicket.toFixed(2)}`,
    ),
  ];
}
