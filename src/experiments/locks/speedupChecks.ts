import { check } from '../check.ts';
import type { Scale, ShapeCheck } from '../experiment.ts';
import type { ResultSet } from '../resultSet.ts';
import { meanOf } from '../statistics.ts';
import { PUBLISHED_VARIANTS } from './lockVariants.ts';
import { averageSpeedup, lockLosses, meanWork, overShare, overWorkloads } from './speedup.ts';

/** Alone, a lock is about as fast as ticket: this share apart at most. Short runs differ by chance, too. */
const ALONE_APART: Readonly<Record<Scale, number>> = { full: 0.05, quick: 0.1 };
/** Beside neighbours, ticket takes at least so many times its share of the time to have collapsed, and another lock at most so many to have come through. */
const COLLAPSE = 2;
const GRACE = 1.5;
/** Of what ticket takes over its share, preemptable takes at most this much. */
const WON_BACK = 0.5;
/** Two averages that differ by no more than this share are equal. */
const TIE: Readonly<Record<Scale, number>> = { full: 0.03, quick: 0.1 };

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, values.length === 0 ? Number.NaN : 0);

/** The shapes of the publication, each looked at in the workloads; `two` VMs are its main case. */
export function speedupChecks(all: ResultSet, scale: Scale): ShapeCheck[] {
  const allowed = ALONE_APART[scale];
  const tie = TIE[scale];
  const results = all.where({ sweep: 'workloads' });
  const alone = results.where({ vms: 1 });
  const apart = PUBLISHED_VARIANTS.flatMap(({ name: variant }) =>
    overWorkloads(alone, (workload) => meanWork(workload.where({ variant })) / meanWork(workload.where({ variant: 'ticket' })) - 1),
  );
  const shares = (variant: string, vms = 2): number[] => overWorkloads(results, (workload) => overShare(workload, variant, vms));
  const worst = (values: readonly number[]): number => Math.max(...values.map(Math.abs));
  const times = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(', ');
  const average = (variant: string): number => averageSpeedup(results, variant, 2).arithmetic;
  const [preemptable, pvTicket, pvPreemptable] = ['preemptable', 'pv-ticket', 'pv-preemptable'].map(average) as [number, number, number];
  const excess = (variant: string): number => sum(shares(variant).map((value) => Math.max(0, value - 1)));
  const shootdowns = overWorkloads(results.where({ vms: 2, variant: 'preemptable' }), (workload) =>
    meanOf(workload.measurements.map((one) => lockLosses(one).tlb)),
  );
  const percents = (values: readonly number[]): string => values.map((value) => `${(100 * value).toFixed(0)} %`).join(', ');
  const known = (...values: readonly number[]): boolean => values.every(Number.isFinite);
  return [
    check(
      'alone all are equal',
      `one VM: every lock of the publication within ${100 * allowed} % of ticket on every workload`,
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
      () =>
        `${times(shares('preemptable'))} of its share, by workload; TLB shootdowns, which no lock changes, took ${percents(shootdowns)} of its time`,
    ),
    ...(scale === 'full' ? [withThree(shares)] : []),
    check(
      'it wins back most of what ticket loses',
      `two VMs: of what ticket takes over its share, preemptable takes at most ${100 * WON_BACK} %, summed over the workloads`,
      excess('ticket') > 0 && known(excess('preemptable')),
      () => excess('preemptable') <= WON_BACK * excess('ticket'),
      () => `${excess('preemptable').toFixed(2)} shares over, where ticket has ${excess('ticket').toFixed(2)}`,
    ),
    check(
      'preemptable is faster than ticket',
      'two VMs: average speed-up over 1',
      known(preemptable),
      () => preemptable > 1,
      () => preemptable.toFixed(2),
    ),
    check(
      'paravirtual help does no harm',
      `two VMs: average speed-up of pv-preemptable not below that of preemptable by more than ${100 * tie} %`,
      known(preemptable, pvPreemptable),
      () => pvPreemptable >= (1 - tie) * preemptable,
      () => `${pvPreemptable.toFixed(2)} against ${preemptable.toFixed(2)}`,
    ),
    check(
      'pv-preemptable is at least as fast as pv-ticket',
      `two VMs: average speed-up not below that of pv-ticket by more than ${100 * tie} %`,
      known(pvTicket, pvPreemptable),
      () => pvPreemptable >= (1 - tie) * pvTicket,
      () => `${pvPreemptable.toFixed(2)} against ${pvTicket.toFixed(2)}`,
    ),
  ];
}

/** Both shapes once more, one VM further. @param shares of the time that a lock takes, by workload. */
function withThree(shares: (variant: string, vms: number) => number[]): ShapeCheck {
  const [ticket, preemptable] = [shares('ticket', 3), shares('preemptable', 3)];
  const texts = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(', ');
  return check(
    'and so it is with three VMs',
    `three VMs: ticket at least ${COLLAPSE} times its share on at least one workload, preemptable at most ${GRACE} times on every one`,
    ticket.length > 0 && preemptable.length > 0,
    () => Math.max(...ticket) >= COLLAPSE && Math.max(...preemptable) <= GRACE,
    () => `ticket ${texts(ticket)}; preemptable ${texts(preemptable)}`,
  );
}
