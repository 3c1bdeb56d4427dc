import { check } from '../check.ts';
import type { Scale, ShapeCheck } from '../experiment.ts';
import type { ResultSet } from '../resultSet.ts';
import { fitLine, geometricMean } from '../statistics.ts';
import { SPINNING } from './parsecAssumptions.ts';
import { CONTROLS, HEADLINE_PROGRAM } from './parsecSetup.ts';
import { meanRun, meanShare, meanTlbShare, percent, reduction, shootdownRate } from './parsecTables.ts';

/** The shapes of the publication, as far as run times and the split of processor time show them. */
export function parsecChecks(results: ResultSet, scale: Scale): ShapeCheck[] {
  const programs = results.where({ sweep: 'programs' });
  const alone = programs.where({ vms: 1 });
  const shared = programs.where({ vms: 2 });
  return [
    ...gainChecks(shared),
    rateCheck(alone, shared),
    collapseCheck(shared),
    ...(scale === 'full' ? [remainderCheck(results.where({ sweep: 'assumptions', assumption: SPINNING }))] : []),
    parCheck(alone),
    taxCheck(alone),
  ];
}

function gainChecks(shared: ResultSet): ShapeCheck[] {
  const cut = reduction(shared.where({ program: HEADLINE_PROGRAM }), 'shoot4u', 'ipi');
  const controls = CONTROLS.map((program) => reduction(shared.where({ program }), 'shoot4u', 'ipi')).filter(Number.isFinite);
  return [
    check(
      'Shoot4U helps what is bound by shootdowns',
      `${HEADLINE_PROGRAM} at 2:1: run time at least 30 % less than native`,
      Number.isFinite(cut),
      () => cut >= 0.3,
      () => percent(cut),
    ),
    check(
      'and leaves alone what is not',
      'controls at 2:1: run time within 5 % of native',
      controls.length > 0,
      () => controls.every((value) => Math.abs(value) <= 0.05),
      () => controls.map(percent).join(', '),
    ),
  ];
}

/** What a program loses to native shootdowns, by how many it has. */
function rateCheck(alone: ResultSet, shared: ResultSet): ShapeCheck {
  const points = [...shared.by('program')]
    .map(([program, group]) => {
      const rate = shootdownRate(alone.where({ program, scheme: 'ipi' }));
      return [rate, meanRun(group.where({ scheme: 'ipi' })) - meanRun(group.where({ scheme: 'shoot4u' }))] as const;
    })
    .filter((point) => point.every(Number.isFinite));
  const known = points.length > 1;
  const { slope, explained } = known ? fitLine(points) : { slope: Number.NaN, explained: Number.NaN };
  return check(
    'the gain follows the rate of shootdowns',
    'over programs: the time that Shoot4U saves at 2:1 grows with the shootdowns of a second of work, and a line explains at least 70 % of its variance',
    known,
    () => slope > 0 && explained >= 0.7,
    () => `${slope.toFixed(2)} ms for each shootdown, ${(100 * explained).toFixed(1)} % explained, ${points.length} programs`,
  );
}

function collapseCheck(shared: ResultSet): ShapeCheck {
  const bound = shared.where({ program: HEADLINE_PROGRAM });
  const [native, shoot4u] = ['ipi', 'shoot4u'].map((scheme) => meanTlbShare(bound.where({ scheme }))) as [number, number];
  return check(
    'the share of shootdown collapses',
    `${HEADLINE_PROGRAM} at 2:1: share in shootdown under Shoot4U less than a third of native’s`,
    Number.isFinite(native) && Number.isFinite(shoot4u),
    () => shoot4u < native / 3,
    () => `${percent(native)} to ${percent(shoot4u)}`,
  );
}

/** The recalled statement is that spinning for locks is what is left to be done. Who sleeps does not spin. */
function remainderCheck(waiting: ResultSet): ShapeCheck {
  const under = waiting.where({ scheme: 'shoot4u' });
  const most = (part: 'lock' | 'tlb'): { share: number; program: string } =>
    [...under.by('program')]
      .map(([program, group]) => ({ share: meanShare(group, part), program: String(program) }))
      .reduce((one, other) => (other.share > one.share ? other : one), { share: Number.NEGATIVE_INFINITY, program: 'none' });
  const [lock, tlb] = [most('lock'), most('tlb')];
  return check(
    'what waiting is left is for locks',
    'under Shoot4U at 2:1, waiters for the mmap lock spin: the largest share of waiting for locks of any program is above the largest share of shootdown',
    !under.isEmpty,
    () => lock.share > tlb.share,
    () => `locks ${percent(lock.share)} (${lock.program}), shootdown ${percent(tlb.share)} (${tlb.program})`,
  );
}

function parCheck(alone: ResultSet): ShapeCheck {
  const par = reduction(alone.where({ program: HEADLINE_PROGRAM }), 'shoot4u', 'ipi');
  return check(
    'alone they are about par',
    `${HEADLINE_PROGRAM} at 1:1: run time within 10 % of native, or better`,
    Number.isFinite(par),
    () => par >= -0.1,
    () => percent(par),
  );
}

function taxCheck(alone: ResultSet): ShapeCheck {
  const ratios = [...alone.by('program').values()]
    .map((group) => meanRun(group.where({ scheme: 'kvmtlb' })) / meanRun(group.where({ scheme: 'ipi' })))
    .filter(Number.isFinite);
  return check(
    'alone, kvmtlb pays a small tax at most',
    'at 1:1, geometric mean over programs: run time at most 3 % above native’s',
    ratios.length > 0,
    () => geometricMean(ratios) <= 1.03,
    () => `${((geometricMean(ratios) - 1) * 100).toFixed(2)} % over ${ratios.length} programs`,
  );
}
