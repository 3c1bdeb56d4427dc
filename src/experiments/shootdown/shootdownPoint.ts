import type { Labels, Point } from '../experiment.ts';
import { parameters, profileOf, runOptions } from '../runSettings.ts';

/** What can be chosen of a run of the guest `shootdown` with one initiator. */
export interface ShootdownSetting {
  readonly scheme: string;
  readonly targets: number;
  readonly pages: number;
  readonly vms: number;
  /** Of the scheduler, in seconds. */
  readonly slice: number;
  readonly seed: number;
  /** Whether the neighbours leave the initiator's core alone, so that it is never descheduled. */
  readonly undisturbed: boolean;
  readonly scheduler?: string;
  readonly profile?: string;
  /** Factors on prices. */
  readonly costs?: Readonly<Record<string, number>>;
  /** Reads of the targets between waits: 0 lets them only wait. */
  readonly reads?: number;
  /** Mean instructions between two shootdowns. Absent: as below, for any phase of the cores to be as likely as any other. */
  readonly think?: number;
}

export const PUBLISHED_CORES = 12;
const FREQUENCY_HZ = 2.6e9;
/** Never reached: the measured time ends the run. */
const ITERATIONS = 1_000_000;
/** The largest `think`. */
const LONGEST_THINK = 1e9;

/**
 * One initiator on the last core that unmaps at random times, `targets` other cores, and neighbours that take every core they can get. As many cores
 * as vCPUs of a VM: 12 as published, more when the targets need them.
 *
 * Targets and neighbours halt, and HLT does not leave a guest: to every scheduler and every sender of an interrupt such a vCPU is one that computes,
 * but for the price of leaving HLT, and the host has nothing to execute.
 *
 * Between two shootdowns the initiator computes for a random time, uniform over one turn of its core (M slices): then a shootdown begins at any
 * phase of any other core with the same probability, though the one before ended with the slice of a target.
 */
export function shootdownPoint(labels: Labels, setting: ShootdownSetting, seconds: number, observeFills = false): Point {
  const { scheme, targets, pages, vms, slice, seed, undisturbed, scheduler, profile, costs, reads = 0 } = setting;
  const cores = Math.max(PUBLISHED_CORES, targets + 1);
  // A VM alone has no slices whose phase could matter.
  const usual = vms === 1 ? 500_000 : Math.min(LONGEST_THINK, Math.round((vms * slice * FREQUENCY_HZ) / 2));
  const think = setting.think ?? usual;
  const coGuest = { guest: 'cpu-bound', params: parameters({ work: 'halt', cores: undisturbed ? cores - 1 : cores }), headStart: true };
  const options = runOptions({
    guest: 'shootdown',
    cores,
    seed,
    shootdown: scheme,
    profile: profile ?? profileOf(scheme),
    costs,
    params: parameters({ iterations: ITERATIONS, initiators: 1, targets, pages, slots: Math.max(16, pages), think, reads, waits: 'halt' }),
    vmm: { vms, vcpus: cores, scheduler, slice: { seconds: slice }, haltExits: false, ...(vms > 1 ? { coGuest } : {}) },
  });
  return { labels: { ...labels, seed }, run: { options, seconds, observeFills } };
}
