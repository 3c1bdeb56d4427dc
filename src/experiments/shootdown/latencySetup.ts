import type { Point, Scale } from '../experiment.ts';
import { schemesPresent, seeds } from '../runSettings.ts';
import { type ShootdownSetting, shootdownPoint } from './shootdownPoint.ts';

/** Schemes of the figures, those that this version has. */
export const LATENCY_SCHEMES = [
  'ipi',
  'ipi-ple',
  'kvmtlb',
  'kvm-pv',
  'kvm-pv-ipi',
  'shoot4u',
  'shoot4u-multicast',
  'hyperv',
  'invlpgb',
  'rar',
] as const;

/** Targets of the first-order model. */
export const MODEL_TARGETS = [1, 3, 7, 11] as const;
const MS = 1e-3;
/** Schemes of the sweep `race`, and how long their initiator computes between two shootdowns: so briefly that what is rare occurs. In instructions. */
export const RACE_SCHEMES = ['kvmtlb', 'shoot4u'] as const;
const RACE_THINK = 20_000;

interface Sizes {
  readonly seconds: number;
  readonly modelSeeds: number;
  readonly seeds: number;
  /** Of the model's check, and of the sweep over slices, in milliseconds. */
  readonly modelSlices: readonly number[];
  readonly slices: readonly number[];
  readonly modelVms: readonly number[];
  readonly vms: readonly number[];
  readonly targets: readonly number[];
  readonly pages: readonly number[];
  readonly schemes: readonly string[];
  readonly modelTargets: readonly number[];
  /** Slice of everything but the sweep over slices, in milliseconds. */
  readonly slice: number;
  readonly raceSeconds: number;
}

const FULL: Sizes = {
  seconds: 1,
  modelSeeds: 12,
  seeds: 3,
  modelSlices: [6, 12, 24],
  slices: [1, 3, 6, 12, 24, 30],
  modelVms: [2, 3, 4],
  vms: [1, 2, 3, 4],
  targets: [1, 2, 3, 5, 7, 9, 11, 13, 15],
  pages: [1, 2, 4, 8, 16, 32, 33, 34, 48, 64],
  schemes: LATENCY_SCHEMES,
  modelTargets: MODEL_TARGETS,
  slice: 12,
  raceSeconds: 1,
};

const QUICK: Sizes = {
  seconds: 0.3,
  modelSeeds: 6,
  seeds: 1,
  modelSlices: [1, 3],
  slices: [1, 3],
  modelVms: [2],
  vms: [1, 2],
  targets: [1, 3, 7, 11],
  pages: [1, 33, 34],
  schemes: ['ipi', 'kvmtlb', 'shoot4u', 'shoot4u-multicast', 'hyperv'],
  modelTargets: [1, 11],
  slice: 3,
  raceSeconds: 0.15,
};

export const latencySizes = (scale: Scale): Sizes => (scale === 'full' ? FULL : QUICK);

/**
 * Six sweeps, told apart by the label `sweep`: `model` (initiator undisturbed), `overcommit` over M, `slice`, `targets`, `pages`, and `race` (very many
 * shootdowns beside one neighbour). But for `model` and `race`, where the initiator keeps its core, the neighbours use all cores.
 */
export function latencyPoints(scale: Scale): readonly Point[] {
  const sizes = latencySizes(scale);
  const { seconds } = sizes;
  const schemes = schemesPresent(sizes.schemes);
  const base = { targets: 11, pages: 1, vms: 2, slice: sizes.slice * MS, undisturbed: false };
  const points: Point[] = [];
  const add = (sweep: string, labels: Readonly<Record<string, number>>, setting: ShootdownSetting): void => {
    points.push(shootdownPoint({ sweep, scheme: setting.scheme, ...labels }, setting, seconds));
  };
  for (const seed of seeds(sizes.modelSeeds)) {
    for (const k of sizes.modelTargets) {
      for (const slice of sizes.modelSlices) {
        add('model', { vms: 2, k, slice }, { ...base, scheme: 'ipi', targets: k, slice: slice * MS, undisturbed: true, seed });
      }
      for (const vms of sizes.modelVms.filter((count) => count > 2)) {
        add('model', { vms, k, slice: sizes.slice }, { ...base, scheme: 'ipi', targets: k, vms, undisturbed: true, seed });
      }
    }
  }
  for (const scheme of schemes) {
    for (const seed of seeds(sizes.seeds)) {
      for (const vms of sizes.vms) add('overcommit', { vms }, { ...base, scheme, vms, seed });
      for (const slice of sizes.slices) add('slice', { slice }, { ...base, scheme, slice: slice * MS, seed });
    }
    for (const k of sizes.targets) add('targets', { k }, { ...base, scheme, targets: k, vms: 1, seed: 1 });
    for (const pages of sizes.pages) add('pages', { pages }, { ...base, scheme, pages, vms: 1, seed: 1 });
  }
  for (const scheme of schemesPresent(RACE_SCHEMES)) {
    const setting = { ...base, scheme, seed: 1, think: RACE_THINK, undisturbed: true };
    points.push(shootdownPoint({ sweep: 'race', scheme, vms: 2 }, setting, sizes.raceSeconds));
  }
  return points;
}
