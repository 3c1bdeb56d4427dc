import { basename, join } from 'node:path';
import { PAGE_SIZE } from '../arch/addresses.ts';
import { BOOT_COMMAND_LINE_MAX } from '../arch/platform.ts';
import { DEFAULT_EVENTS, selectEvents } from '../trace/eventSelection.ts';
import { TRACE_EXTENSIONS, traceExtension } from '../trace/traceSink.ts';
import { PLE_DEFAULTS } from '../vmm/pauseLoop.ts';
import type { TimeSpan } from './quantities.ts';
import { UsageError } from './usageError.ts';

/**
 * What `boot` was asked for: parsed, and checked as far as that needs no registry. `undefined` leaves the choice to the guest or the profile. Names (of
 * guests, profiles, schemes, locks, schedulers) are as given.
 */
export interface BootOptions {
  readonly guest: string;
  readonly cores: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly engine: EngineName | undefined;
  readonly profile: string | undefined;
  /** Factors on prices of the profile, by name. */
  readonly costs: Readonly<Record<string, number>>;
  readonly seed: number;
  /** Kernel command line. */
  readonly append: string;
  /** Files for a Multiboot kernel. */
  readonly modules: readonly ModuleOption[];
  readonly params: Readonly<Record<string, string>>;
  readonly shootdown: string | undefined;
  readonly lock: string | undefined;
  /** Present: run under the VMM. */
  readonly vmm: VmmOptions | undefined;
  /** Infinity: until the guest ends. */
  readonly maxCycles: number;
  /** Check every use of a cached translation. */
  readonly checkTlb: boolean;
  readonly coherence: boolean;
  readonly trace: TraceOptions | undefined;
}

export interface ModuleOption {
  readonly path: string;
  /** What the kernel is told about it. */
  readonly text: string;
}

export const ENGINE_NAMES = ['jit', 'reference'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export interface VmmOptions {
  readonly vms: number;
  /** Per VM; undefined: as many as there are cores. */
  readonly vcpus: number | undefined;
  readonly scheduler: string | undefined;
  readonly placement: string | undefined;
  readonly weights: readonly number[] | undefined;
  readonly slice: TimeSpan | undefined;
  readonly haltExits: boolean;
  readonly pauseLoopExiting: PauseLoopOption | undefined;
  readonly coGuest: CoGuestOption | undefined;
}

/** Gap and window of PAUSE-loop exiting in cycles. */
export interface PauseLoopOption {
  readonly gap: number;
  readonly window: number;
}

/** What the VMs beside the first run. */
export interface CoGuestOption {
  readonly guest: string;
  readonly params: Readonly<Record<string, string>>;
}

export interface TraceOptions {
  readonly path: string;
  /** Mask over trace/events. */
  readonly events: number;
}

/** Options of `boot` as commander hands them over, each already through its own parser. */
export interface RawBootOptions {
  readonly cores?: number;
  readonly memory?: number;
  readonly engine?: EngineName;
  readonly profile?: string;
  readonly cost?: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly append?: string;
  readonly module?: readonly ModuleOption[];
  readonly param?: Readonly<Record<string, string>>;
  readonly vms?: number;
  readonly vcpus?: number;
  readonly scheduler?: string;
  readonly slice?: TimeSpan;
  /** Commander's: true unless `--no-halt-exits` is given. */
  readonly haltExits?: boolean;
  readonly placement?: string;
  readonly weights?: readonly number[];
  readonly ple?: PauseLoopOption | true;
  readonly coGuest?: string;
  readonly coParam?: Readonly<Record<string, string>>;
  readonly shootdown?: string;
  readonly lock?: string;
  readonly maxCycles?: number;
  readonly checkTlb?: boolean;
  readonly coherence?: boolean;
  readonly trace?: string;
  readonly traceEvents?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** Puts the options together and checks them against each other. Raises: UsageError. */
export function resolveBootOptions(guest: string, raw: RawBootOptions): BootOptions {
  if (raw.memory !== undefined && raw.memory % PAGE_SIZE !== 0) {
    throw new UsageError(`--memory: ${raw.memory} bytes are not whole pages of ${PAGE_SIZE}`);
  }
  const append = raw.append ?? '';
  if (append.includes('\0')) throw new UsageError('--append: a command line cannot hold a zero byte');
  const appendBytes = Buffer.byteLength(append);
  if (appendBytes >= BOOT_COMMAND_LINE_MAX) {
    throw new UsageError(`--append: ${appendBytes} bytes are more than the ${BOOT_COMMAND_LINE_MAX - 1} a command line may have`);
  }
  return {
    guest,
    cores: raw.cores,
    memoryBytes: raw.memory,
    engine: raw.engine,
    profile: raw.profile,
    costs: raw.cost ?? {},
    seed: raw.seed ?? 0,
    append,
    modules: raw.module ?? [],
    params: raw.param ?? {},
    shootdown: raw.shootdown,
    lock: raw.lock,
    vmm: resolveVmm(raw),
    maxCycles: raw.maxCycles ?? Number.POSITIVE_INFINITY,
    checkTlb: raw.checkTlb ?? false,
    coherence: raw.coherence ?? false,
    trace: resolveTrace(raw),
  };
}

/** Options that say nothing without virtual machines, by the names that users give them. */
const VIRTUAL_OPTIONS = {
  scheduler: '--scheduler',
  slice: '--slice',
  placement: '--placement',
  weights: '--weights',
  ple: '--ple',
  coGuest: '--co-guest',
} as const;

function resolveVmm(raw: RawBootOptions): VmmOptions | undefined {
  if (raw.coParam !== undefined && raw.coGuest === undefined) throw new UsageError('--co-param is for another guest: give --co-guest, too');
  if (raw.vms === undefined && raw.vcpus === undefined) {
    for (const [option, spelled] of Object.entries(VIRTUAL_OPTIONS)) {
      if (raw[option as keyof typeof VIRTUAL_OPTIONS] !== undefined)
        throw new UsageError(`${spelled} is for virtual machines: give --vms or --vcpus, too`);
    }
    if (raw.haltExits === false) throw new UsageError('--no-halt-exits is for virtual machines: give --vms or --vcpus, too');
    return undefined;
  }
  const coGuest = raw.coGuest === undefined ? undefined : { guest: raw.coGuest, params: raw.coParam ?? {} };
  const pauseLoopExiting = raw.ple === true ? PLE_DEFAULTS : raw.ple;
  const { vms = 1, vcpus, scheduler, placement, weights, slice, haltExits = true } = raw;
  return { vms, vcpus, scheduler, placement, weights, slice, haltExits, pauseLoopExiting, coGuest };
}

function resolveTrace(raw: RawBootOptions): TraceOptions | undefined {
  if (raw.trace === undefined) {
    if (raw.traceEvents !== undefined) throw new UsageError('--trace-events is for a trace: give --trace, too');
    return undefined;
  }
  if (traceExtension(raw.trace) === undefined) {
    throw new UsageError(`--trace: '${raw.trace}' must end in ${TRACE_EXTENSIONS.join(', ')}`);
  }
  // A bare file name belongs with the other results.
  const path = raw.out !== undefined && basename(raw.trace) === raw.trace ? join(raw.out, raw.trace) : raw.trace;
  try {
    return { path, events: selectEvents(raw.traceEvents ?? DEFAULT_EVENTS) };
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--trace-events: ${error.message}`);
    throw error;
  }
}
