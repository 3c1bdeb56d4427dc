import { PARSEC_PROFILES } from '../../kernels/workloads/parsecProfiles.ts';
import type { Point, Scale } from '../experiment.ts';
import { schemesPresent, seeds } from '../runSettings.ts';
import { assumptionPoints } from './parsecAssumptions.ts';
import { parsecPoint, SECOND_OF_WORK } from './parsecPoint.ts';
import { ratePoints } from './parsecRates.ts';

/** Schemes of the comparison: the paper's three, and those that came since. */
const PUBLISHED_SCHEMES = ['ipi', 'kvmtlb', 'shoot4u'];
const LATER_SCHEMES = ['ipi-ple', 'kvm-pv', 'shoot4u-multicast', 'hyperv', 'invlpgb', 'rar'];
/** Programs that the later schemes, too, are measured with. */
const SHOOTDOWN_BOUND = ['dedup', 'vips'];
/** Programs that give nothing back. */
export const CONTROLS = ['blackscholes', 'swaptions'];

/** The costs whose influence on the headline is measured: those that a shootdown or its absence pays. */
export const SENSITIVE_COSTS = [
  'vmExit',
  'vmEntry',
  'exitDispatch',
  'icrEmulation',
  'icrTarget',
  'hostInterrupt',
  'ipiLatency',
  'invvpid',
  'vcpuSwitch',
  'walkReference',
] as const;
export const COST_FACTORS = [0.5, 2] as const;
/** The program and the pair of the headline. */
export const HEADLINE_PROGRAM = 'dedup';
const HEADLINE_SCHEMES = ['ipi', 'kvmtlb', 'shoot4u'];

/** `work` of each thread alone, and beside one neighbour: half of it takes as long there, since half of the cores is what a VM gets. */
const SIZES = {
  full: {
    work: { 1: SECOND_OF_WORK, 2: SECOND_OF_WORK / 2 },
    slice: 12,
    seeds: 1,
    sensitivity: { work: 260, nativeWork: 130, seeds: 2 },
    rates: { work: 260 },
    assumptions: { work: 200 },
    programs: PARSEC_PROFILES.map(({ name }) => name),
    later: true,
  },
  quick: {
    work: { 1: 60, 2: 200 },
    slice: 3,
    seeds: 1,
    sensitivity: undefined,
    rates: undefined,
    assumptions: undefined,
    programs: ['dedup', 'vips', 'blackscholes'],
    later: false,
  },
} as const;

/**
 * Four sweeps by the label `sweep`: `programs`, `assumptions` (parsecAssumptions.ts), `costs` with one price multiplied, and `rates` (parsecRates.ts). What the
 * publication is about comes first, so that a run that is interrupted has it.
 */
export function parsecPoints(scale: Scale): readonly Point[] {
  const { programs, later, slice, rates, assumptions } = SIZES[scale];
  const all: readonly string[] = programs;
  const first = [...SHOOTDOWN_BOUND, ...CONTROLS].filter((name) => all.includes(name));
  const ordered = [...first, ...all.filter((name) => !first.includes(name))];
  return [
    ...ordered.flatMap((program) => programPoints(scale, program, PUBLISHED_SCHEMES)),
    ...(rates === undefined ? [] : ratePoints(rates.work, slice)),
    ...(assumptions === undefined ? [] : assumptionPoints(SHOOTDOWN_BOUND, assumptions.work, slice)),
    ...costPoints(scale),
    ...(later ? SHOOTDOWN_BOUND.flatMap((program) => programPoints(scale, program, LATER_SCHEMES)) : []),
  ];
}

function programPoints(scale: Scale, program: string, schemes: readonly string[]): Point[] {
  const { work, slice, seeds: count } = SIZES[scale];
  return schemesPresent(schemes).flatMap((scheme) =>
    ([1, 2] as const).flatMap((vms) =>
      seeds(count).map((seed) =>
        parsecPoint({ sweep: 'programs', program, scheme, vms }, { program, scheme, vms, seed, work: work[vms], slice }),
      ),
    ),
  );
}

function costPoints(scale: Scale): Point[] {
  const { sensitivity, slice } = SIZES[scale];
  if (sensitivity === undefined) return [];
  const variants: (readonly [cost: string, factor: number])[] = [
    ['none', 1],
    ...SENSITIVE_COSTS.flatMap((cost) => COST_FACTORS.map((factor) => [cost, factor] as const)),
  ];
  return variants.flatMap(([cost, factor]) =>
    schemesPresent(HEADLINE_SCHEMES).flatMap((scheme) =>
      seeds(sensitivity.seeds).map((seed) => {
        // Native runs take the host ten times as long.
        const work = scheme === 'ipi' ? sensitivity.nativeWork : sensitivity.work;
        const setting = { program: HEADLINE_PROGRAM, scheme, vms: 2, seed, work, slice };
        return parsecPoint({ sweep: 'costs', cost, factor, scheme }, { ...setting, costs: cost === 'none' ? {} : { [cost]: factor } });
      }),
    ),
  );
}
