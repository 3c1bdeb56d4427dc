import { PARSEC_PROFILES } from '../../kernels/workloads/parsecProfiles.ts';
import type { Point, Scale } from '../experiment.ts';
import { schemesPresent, seeds } from '../runSettings.ts';
import { parsecPoint } from './parsecPoint.ts';
import { ratePoints } from './parsecRates.ts';

/** Schemes of the comparison: the paper's three, and those that came since. */
const PUBLISHED_SCHEMES = ['ipi', 'kvmtlb', 'shoot4u'];
const LATER_SCHEMES = ['ipi-ple', 'kvm-pv', 'shoot4u-multicast', 'hyperv', 'invlpgb', 'rar'];
/** Programs that the later schemes, too, are measured with. */
const SHOOTDOWN_BOUND = ['dedup', 'vips'];

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

const SIZES = {
  full: {
    work: 2600,
    slice: 12,
    seeds: 1,
    sensitivity: { work: 260, seeds: 1 },
    rates: { work: 130 },
    programs: PARSEC_PROFILES.map(({ name }) => name),
    later: true,
  },
  quick: { work: 6, slice: 3, seeds: 1, sensitivity: undefined, rates: undefined, programs: ['dedup', 'blackscholes'], later: false },
} as const;

/** Three sweeps by the label `sweep`: `programs`, `rates` (parsecRates.ts), and `costs` with one price multiplied. */
export function parsecPoints(scale: Scale): readonly Point[] {
  const { work, slice, programs, later, sensitivity, rates, seeds: count } = SIZES[scale];
  const points: Point[] = [];
  for (const program of programs) {
    const wanted = later && SHOOTDOWN_BOUND.includes(program) ? [...PUBLISHED_SCHEMES, ...LATER_SCHEMES] : PUBLISHED_SCHEMES;
    for (const scheme of schemesPresent(wanted)) {
      for (const vms of [1, 2]) {
        for (const seed of seeds(count)) {
          points.push(parsecPoint({ sweep: 'programs', program, scheme, vms }, { program, scheme, vms, seed, work, slice }));
        }
      }
    }
  }
  if (rates !== undefined) points.push(...ratePoints(rates.work, slice));
  if (sensitivity === undefined) return points;
  const variants: (readonly [cost: string, factor: number])[] = [
    ['none', 1],
    ...SENSITIVE_COSTS.flatMap((cost) => COST_FACTORS.map((factor) => [cost, factor] as const)),
  ];
  for (const [cost, factor] of variants) {
    for (const scheme of schemesPresent(HEADLINE_SCHEMES)) {
      for (const seed of seeds(sensitivity.seeds)) {
        const setting = { program: HEADLINE_PROGRAM, scheme, vms: 2, seed, work: sensitivity.work, slice };
        const costs = cost === 'none' ? {} : { [cost]: factor };
        points.push(parsecPoint({ sweep: 'costs', cost, factor, scheme }, { ...setting, costs }));
      }
    }
  }
  return points;
}
