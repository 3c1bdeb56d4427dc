import { PLE_DEFAULTS } from '../../vmm/pauseLoop.ts';
import type { Labels, Point } from '../experiment.ts';
import { parameters, profileOf, runOptions } from '../runSettings.ts';

const CORES = 12;
/** Millions of instructions of a thread that has a core for itself for a second. */
export const SECOND_OF_WORK = 2600;
const MEGABYTE = 1024 ** 2;

/** Everything about one run of a program. */
export interface ParsecSetting {
  readonly program: string;
  readonly scheme: string;
  readonly vms: number;
  readonly seed: number;
  /** Millions of instructions of each thread: 2600 are a second. */
  readonly work: number;
  /** In milliseconds. */
  readonly slice: number;
  readonly costs?: Readonly<Record<string, number>>;
  /** Rates of giving memory back, in percent of the profile's. */
  readonly memoryRate?: number;
  /** Waiters for the mmap lock spin; otherwise they sleep. */
  readonly spinningMmapLock?: boolean;
  /** Of the VMM; absent: off, and its defaults. */
  readonly pauseLoopExiting?: boolean;
  readonly scheduler?: string;
  readonly placement?: string;
}

/**
 * A program with 12 threads in a VM of 12 vCPUs on 12 cores, alone or beside neighbours that take every core they can get. The program's own idle vCPUs
 * give their cores away; the neighbours' halted ones do not (their guests never leave HLT), so that they are as good as computing. The neighbours
 * are there before the program starts.
 */
export function parsecPoint(labels: Labels, setting: ParsecSetting): Point {
  const { program, scheme, vms, seed, work, slice, costs, memoryRate, spinningMmapLock = false, pauseLoopExiting = false } = setting;
  const coGuest = { guest: 'cpu-bound', params: parameters({ work: 'halt' }), haltExits: false, headStart: true };
  const options = runOptions({
    guest: 'parsec',
    cores: CORES,
    memoryBytes: 256 * MEGABYTE,
    seed,
    shootdown: scheme,
    profile: profileOf(scheme),
    costs,
    params: parameters({
      program,
      work,
      threads: 0,
      ...(memoryRate === undefined ? {} : { 'memory-rate': memoryRate }),
      ...(spinningMmapLock ? { 'mmap-lock': 1 } : {}),
    }),
    vmm: {
      ...{ vms, vcpus: CORES, scheduler: setting.scheduler, placement: setting.placement },
      pauseLoopExiting: pauseLoopExiting ? PLE_DEFAULTS : undefined,
      slice: { seconds: slice * 1e-3 },
      ...(vms > 1 ? { coGuest } : {}),
    },
  });
  // Halted neighbours cost the host nothing.
  const weight = (CORES * work) / SECOND_OF_WORK;
  return { labels: { ...labels, work, seed }, weight, run: { options, seconds: undefined, observeFills: false } };
}
