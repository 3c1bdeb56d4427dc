import { costsOf } from '../../machine/cost.ts';
import { profileNamed } from '../../machine/profiles/registry.ts';
import { check } from '../check.ts';
import type { Scale, ShapeCheck } from '../experiment.ts';
import type { Measurement } from '../measurement.ts';
import type { ResultSet } from '../resultSet.ts';
import { profileOf } from '../runSettings.ts';
import { fitLine, quantile } from '../statistics.ts';
import { formatMicros } from './latencyFigures.ts';
import { latenciesMicros, medianLatency, undisturbedMicros } from './latencyOf.ts';
import { latencySizes, MODEL_TARGETS, RACE_SCHEMES } from './latencySetup.ts';
import { modelRows } from './latencyTables.ts';

const MODEL_TOLERANCE = 0.15;
/** A wait of this length is one for a scheduler, not for a message. In µs. */
const SCHEDULER_MICROS = 1000;

/** The shapes of the publication, and the model, as far as this experiment shows them. */
export function latencyChecks(results: ResultSet, scale: Scale): ShapeCheck[] {
  const { slice, modelTargets } = latencySizes(scale);
  return [
    modelCheck(results, slice, scale === 'full' ? MODEL_TARGETS : modelTargets),
    sliceCheck(results),
    nativeCheck(results, slice),
    flatCheck(results),
    noTailCheck(results),
    boundCheck(results),
    linearCheck(results),
    parCheck(results),
    taxCheck(results),
    thinTailCheck(results),
    raceCheck(results, slice),
    multicastCheck(results),
  ];
}

function modelCheck(results: ResultSet, slice: number, targets: readonly number[]): ShapeCheck {
  const rows = modelRows(results).filter((row) => row.vms === 2 && row.slice === slice);
  return check(
    'native follows the model',
    `two VMs, slice ${slice} ms, initiator undisturbed: mean latency within 15 % of E[max] for k = ${targets.join(', ')}`,
    rows.length === targets.length,
    () => rows.every(({ ratio }) => Math.abs(ratio - 1) <= MODEL_TOLERANCE),
    () =>
      rows
        .map(({ k, mean, expected, ratio }) => `k=${k}: ${mean.toFixed(2)} of ${expected.toFixed(2)} ms (${percent(ratio - 1)})`)
        .join('; '),
  );
}

function sliceCheck(results: ResultSet): ShapeCheck {
  const rows = modelRows(results).filter(({ vms }) => vms === 2);
  const most = Math.max(...rows.map(({ k }) => k));
  const ofMost = rows.filter(({ k }) => k === most);
  const [shortest, longest] = [ofMost[0], ofMost.at(-1)];
  const ratio = shortest && longest ? longest.mean / shortest.mean / (longest.slice / shortest.slice) : Number.NaN;
  return check(
    'native scales with the slice',
    'initiator undisturbed, most targets: latency grows as the slice does, within 15 %',
    shortest !== undefined && shortest !== longest,
    () => Math.abs(ratio - 1) <= MODEL_TOLERANCE,
    () =>
      `slice ${shortest!.slice} to ${longest!.slice} ms: ${shortest!.mean.toFixed(2)} to ${longest!.mean.toFixed(2)} ms, ${ratio.toFixed(2)} of the ratio of the slices`,
  );
}

function nativeCheck(results: ResultSet, slice: number): ShapeCheck {
  const alone = latencies(results, 'ipi', 1);
  const shared = latencies(results, 'ipi', 2);
  return check(
    'native: microseconds alone, slices when shared',
    'one VM: 99 % below 100 µs; two VMs: 99 % longer than half a slice',
    alone.length > 0 && shared.length > 0,
    () => quantile(alone, 0.99) < 100 && quantile(shared, 0.99) > (slice * 1000) / 2,
    () => `99 %: ${formatMicros(quantile(alone, 0.99))} alone, ${formatMicros(quantile(shared, 0.99))} with two VMs`,
  );
}

function flatCheck(results: ResultSet): ShapeCheck {
  const medians = [...results.where({ sweep: 'overcommit', scheme: 'shoot4u' }).by('vms')].map(
    ([vms, group]) => [Number(vms), quantile(group.measurements.flatMap(latenciesMicros), 0.5)] as const,
  );
  const alone = medians.find(([vms]) => vms === 1)?.[1] ?? Number.NaN;
  return check(
    'Shoot4U is flat in overcommit',
    'median with several VMs within 25 % of the median alone: the host IPI finds another VM on the core, not another latency',
    medians.length > 1,
    () => medians.every(([, median]) => Math.abs(median / alone - 1) <= 0.25),
    () => medians.map(([vms, median]) => `M=${vms}: ${formatMicros(median)}`).join('; '),
  );
}

function noTailCheck(results: ResultSet): ShapeCheck {
  const shared = results.where({ sweep: 'overcommit', scheme: 'shoot4u', vms: 2 }).measurements.flatMap(undisturbedMicros);
  return check(
    'Shoot4U has no tail of milliseconds',
    'two VMs: the longest shootdown in whose middle the initiator kept its core is below 1 ms',
    shared.length > 0,
    () => quantile(shared, 1) < SCHEDULER_MICROS,
    () => `longest of ${shared.length}: ${formatMicros(quantile(shared, 1))}`,
  );
}

/** What k targets can cost at most in messages and work: each may be in the middle of switching its vCPU, where host code is not interrupted. */
function longestShoot4uMicros(targets: number): number {
  const { costs: priced, frequencyHz } = profileNamed(profileOf('shoot4u'))!;
  const costs = costsOf(priced);
  const exit = costs.vmExit + costs.exitDispatch;
  const there = costs.remoteCall + costs.apicAccess + costs.ipiLatency;
  const busy = exit + costs.hostInterrupt + costs.vcpuSwitch + costs.vmEntry;
  const work = exit + costs.wake + costs.hostInterrupt + costs.invvpid + costs.cacheLineTransfer;
  // The initiator is interrupted by its own timer once, on top.
  const own = exit + costs.hypercall + costs.vmEntry + costs.invlpg + busy;
  return ((own + targets * (there + busy + work)) / frequencyHz) * 1e6;
}

function boundCheck(results: ResultSet): ShapeCheck {
  const shared = [...results.where({ sweep: 'overcommit', scheme: 'shoot4u', vms: 2 }).measurements, ...raceOf(results, 'shoot4u')];
  const all = shared.flatMap(undisturbedMicros);
  const bound = longestShoot4uMicros(11);
  return check(
    'Shoot4U’s longest is bounded by its messages',
    `two VMs, initiator kept its core: none longer than an exit and 11 round trips with INVVPID and a switch under way, ${formatMicros(bound)}`,
    all.length > 0,
    () => quantile(all, 1) <= bound,
    () => `longest of ${all.length}: ${formatMicros(quantile(all, 1))}`,
  );
}

function linearCheck(results: ResultSet): ShapeCheck {
  const points = overTargets(results, 'shoot4u');
  const { slope, intercept, explained } = points.length > 2 ? fitLine(points) : { slope: 0, intercept: 0, explained: 0 };
  return check(
    'Shoot4U is linear in its targets',
    'serial: a line explains at least 99 % of the variance of the median over k',
    points.length > 2,
    () => explained >= 0.99 && slope > 0,
    () => `${intercept.toFixed(2)} µs + ${slope.toFixed(2)} µs for each target, ${(100 * explained).toFixed(2)} % explained`,
  );
}

function parCheck(results: ResultSet): ShapeCheck {
  const [native, shoot4u] = ['ipi', 'shoot4u'].map((scheme) => quantile(latencies(results, scheme, 1), 0.5)) as [number, number];
  return check(
    'alone, Shoot4U is about par with native',
    'one VM, 11 targets: medians within a factor of 1.5',
    Number.isFinite(native) && Number.isFinite(shoot4u),
    () => shoot4u / native < 1.5 && native / shoot4u < 1.5,
    () => `native ${formatMicros(native)}, Shoot4U ${formatMicros(shoot4u)}`,
  );
}

function taxCheck(results: ResultSet): ShapeCheck {
  const [native, kvmtlb] = ['ipi', 'kvmtlb'].map((scheme) => quantile(latencies(results, scheme, 1), 0.5)) as [number, number];
  return check(
    'alone, kvmtlb pays a small tax at most',
    'one VM, 11 targets: median from a tenth below native’s to a quarter above: a word is exchanged at each entry and exit',
    Number.isFinite(native) && Number.isFinite(kvmtlb),
    () => kvmtlb >= 0.9 * native && kvmtlb <= 1.25 * native,
    () => `native ${formatMicros(native)}, kvmtlb ${formatMicros(kvmtlb)}`,
  );
}

/**
 * A target that was seen in its guest loses its core before it has answered: that takes until its next slice. An initiator that shared its core would
 * always lose it meanwhile, so this asks for one that does not.
 */
function raceCheck(results: ResultSet, slice: number): ShapeCheck {
  const [kvmtlb, shoot4u] = RACE_SCHEMES.map((scheme) => raceOf(results, scheme).flatMap(latenciesMicros)) as [number[], number[]];
  const long = (slice * 1000) / 10;
  const longer = (all: readonly number[]): number => all.filter((micros) => micros >= long).length;
  return check(
    'the race of kvmtlb leaves a tail, and Shoot4U has none',
    `two VMs, very many shootdowns, initiator undisturbed: of kvmtlb’s some, but at most 2 %, take a tenth of a slice or more; of Shoot4U’s none`,
    kvmtlb.length > 0 && shoot4u.length > 0,
    () => longer(kvmtlb) > 0 && longer(kvmtlb) <= 0.02 * kvmtlb.length && longer(shoot4u) === 0,
    () => `kvmtlb ${longer(kvmtlb)} of ${kvmtlb.length}, Shoot4U ${longer(shoot4u)} of ${shoot4u.length}`,
  );
}

const raceOf = (results: ResultSet, scheme: string): readonly Measurement[] => results.where({ sweep: 'race', scheme }).measurements;

function thinTailCheck(results: ResultSet): ShapeCheck {
  const alone = latencies(results, 'kvmtlb', 1);
  const shared = results.where({ sweep: 'overcommit', scheme: 'kvmtlb', vms: 2 }).measurements.flatMap(undisturbedMicros);
  const longer = shared.filter((micros) => micros >= SCHEDULER_MICROS).length;
  return check(
    'kvmtlb: near its value alone, with at most a thin tail',
    'two VMs, initiator kept its core: median at most twice the median alone; at most 5 % reach 1 ms (the race of check and IPI)',
    alone.length > 0 && shared.length > 0,
    () => quantile(shared, 0.5) <= 2 * quantile(alone, 0.5) && longer <= 0.05 * shared.length,
    () =>
      `median ${formatMicros(quantile(alone, 0.5))} alone, ${formatMicros(quantile(shared, 0.5))} with two VMs; ${longer} of ${shared.length} reach 1 ms`,
  );
}

function multicastCheck(results: ResultSet): ShapeCheck {
  const [serial, multicast] = ['shoot4u', 'shoot4u-multicast'].map((scheme) => overTargets(results, scheme)) as [Point2[], Point2[]];
  const slopes = [serial, multicast].map((points) => (points.length > 2 ? fitLine(points).slope : Number.NaN)) as [number, number];
  return check(
    'multicast grows less with its targets than serial',
    'median over k: less than half the slope',
    slopes.every(Number.isFinite),
    () => slopes[1] < slopes[0] / 2,
    () => `${slopes[0].toFixed(2)} µs for each target serial, ${slopes[1].toFixed(2)} µs multicast`,
  );
}

type Point2 = readonly [x: number, y: number];

const latencies = (results: ResultSet, scheme: string, vms: number): number[] =>
  results.where({ sweep: 'overcommit', scheme, vms }).measurements.flatMap(latenciesMicros);

const overTargets = (results: ResultSet, scheme: string): Point2[] =>
  results
    .where({ sweep: 'targets', scheme })
    .entries.map(({ point, measurement }) => [Number(point.labels['k']), medianLatency(measurement)] as const);

const percent = (value: number): string => `${value >= 0 ? '+' : ''}${(100 * value).toFixed(1)} %`;
