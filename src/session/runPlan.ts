import { createHash } from 'node:crypto';
import type { GuestImage, GuestSegment } from '../arch/guestImage.ts';
import { PAGE_2M } from '../arch/paging.ts';
import { BOOT_STACK_TOP } from '../arch/platform.ts';
import { ENGINES, type EngineName } from '../cpu/engines/registry.ts';
import type { GuestDefinition } from '../kernels/guest.ts';
import { buildGuest, GUESTS } from '../kernels/guests.ts';
import type { LockAlgorithm } from '../kernels/lib/locks/lock.ts';
import { LOCKS } from '../kernels/lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from '../kernels/lib/shootdown/schemes.ts';
import type { ShootdownScheme } from '../kernels/lib/shootdown/shootdown.ts';
import { ImageError } from '../machine/imageError.ts';
import { checkSegments } from '../machine/loadSegments.ts';
import { isRamSize, MAX_RAM, MIN_RAM } from '../machine/memoryLayout.ts';
import type { MultibootMemory, MultibootModule } from '../machine/multibootInformation.ts';
import type { Profile } from '../machine/profiles/profile.ts';
import { PROFILES, profileNamed } from '../machine/profiles/registry.ts';
import { scaledProfile } from '../machine/profiles/scaledProfile.ts';
import { MOST_COHERENT_CORES } from '../mmu/cacheLines.ts';
import { type PauseLoopExiting, PLE_DEFAULTS } from '../vmm/pauseLoop.ts';
import type { Placement } from '../vmm/placements/placement.ts';
import { SCHEDULERS } from '../vmm/schedulers/registry.ts';
import type { SchedulerKind } from '../vmm/schedulers/scheduler.ts';
import { vmmReserve } from '../vmm/vmm.ts';
import { readOutsideKernel } from './outsideKernel.ts';
import type { RunOptions } from './runOptions.ts';
import { checkNeeds } from './schemeNeeds.ts';
import { UnusableInput } from './unusableInput.ts';
import { planPauseLoopExiting, planPlacement, planWeights } from './vmmChoices.ts';

export const MAX_CORES = 64;
const DEFAULT_MEMORY = 64 * 1024 ** 2;
const DEFAULT_SLICE_SECONDS = 6e-3;

/** A run with every choice made and checked. */
export interface RunPlan {
  readonly guest: string;
  readonly image: GuestImage;
  /** Undefined: the image has a direct entry. */
  readonly multiboot: MultibootMemory | undefined;
  readonly modules: readonly MultibootModule[];
  /** SHA-256 of the image's segments, its entry and the modules, hexadecimal. */
  readonly imageHash: string;
  readonly cores: number;
  /** RAM of the machine, or of each VM. */
  readonly memoryBytes: number;
  readonly engine: EngineName;
  readonly profile: Profile;
  readonly seed: number;
  readonly commandLine: string;
  readonly parameters: Readonly<Record<string, number | string>>;
  /** Undefined for outside kernels. */
  readonly scheme: ShootdownScheme | undefined;
  readonly lock: string | undefined;
  readonly virtual: VirtualPlan | undefined;
  readonly maxCycles: number;
  readonly checkTlb: boolean;
  readonly coherence: boolean;
}

export interface VirtualPlan {
  readonly vms: number;
  readonly vcpus: number;
  readonly scheduler: SchedulerKind;
  readonly sliceCycles: number;
  /** Whether HLT leaves a guest. */
  readonly haltExits: boolean;
  readonly placement: Placement;
  /** By VM; undefined: all the same. */
  readonly weights: readonly number[] | undefined;
  readonly pauseLoopExiting: PauseLoopExiting | undefined;
  /** What every VM but the first runs, until the first one ends. */
  readonly coGuest: CoGuestPlan | undefined;
}

export interface CoGuestPlan {
  readonly guest: string;
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly image: GuestImage;
  readonly imageHash: string;
  /** Whether HLT leaves these guests. */
  readonly haltExits: boolean;
  /** The first VM starts when these guests have begun their measured parts. */
  readonly headStart: boolean;
}

/** Makes and checks every choice. @throws UnusableInput. */
export function planRun(options: RunOptions): RunPlan {
  const profile = priced(profileFor(options.profile), options.costs ?? {});
  const engine = engineNamed(options.engine);
  const builtIn = builtInNamed(options.guest);
  const cores = options.cores ?? builtIn?.defaultCores ?? builtIn?.minCores ?? 1;
  if (cores < 1 || cores > MAX_CORES) throw new UnusableInput(`--cores: ${cores} is not from 1 to ${MAX_CORES}`);
  if (options.coherence && cores > MOST_COHERENT_CORES) throw new UnusableInput(`--coherence: at most ${MOST_COHERENT_CORES} cores`);
  const machines = planVirtual(options, cores, profile);
  const guestCores = machines?.vcpus ?? cores;
  const memoryBytes = options.memoryBytes ?? DEFAULT_MEMORY;
  checkMemory(memoryBytes, machines);

  const coGuest = planCoGuest(options, guestCores, memoryBytes);
  const scheme = builtIn === undefined ? undefined : schemeNamed(options.shootdown);
  const pauseLoopExiting = machines?.pauseLoopExiting ?? (scheme?.needs?.pauseLoopExiting ? PLE_DEFAULTS : undefined);
  const virtual = machines && { ...machines, pauseLoopExiting, coGuest };
  const lock = builtIn === undefined ? undefined : lockNamed(options.lock);
  const parameters = builtIn === undefined ? {} : parseParameters(builtIn, options.params);
  let image: GuestImage;
  let multiboot: MultibootMemory | undefined;
  let modules: readonly MultibootModule[] = [];
  if (builtIn === undefined) {
    for (const [option, given] of [
      ['--shootdown', options.shootdown],
      ['--lock', options.lock],
    ] as const) {
      if (given !== undefined) throw new UnusableInput(`${option} is for built-in guests; '${options.guest}' is a file`);
    }
    if (Object.keys(options.params).length > 0) throw new UnusableInput(`--param is for built-in guests; '${options.guest}' is a file`);
    ({ image, multiboot, modules } = readOutsideKernel(options.guest, options.modules ?? [], options.append, memoryBytes));
  } else {
    if ((options.modules ?? []).length > 0) throw new UnusableInput(`--module is for Multiboot kernels; '${builtIn.name}' is built in`);
    checkCores(builtIn, guestCores);
    checkNeeds(scheme!, virtual !== undefined, profile);
    if (lock!.hypercall !== undefined && virtual === undefined)
      throw new UnusableInput(`--lock ${lock!.name} needs a hypervisor: give --vms or --vcpus, too`);
    image = buildBuiltIn(builtIn.name, parameters, lock!.name, scheme!.name);
  }
  if (multiboot === undefined) checkFits(image, memoryBytes);
  else checkRoom(multiboot.segments, memoryBytes);
  return {
    guest: options.guest,
    image,
    multiboot,
    modules,
    imageHash: hashOf(image, modules),
    cores,
    memoryBytes,
    engine,
    profile,
    seed: options.seed,
    commandLine: options.append,
    parameters,
    scheme,
    lock: lock?.name,
    virtual,
    maxCycles: options.maxCycles,
    checkTlb: options.checkTlb,
    coherence: options.coherence ?? false,
  };
}

interface MemoryPlan {
  readonly virtual: Pick<VirtualPlan, 'vms' | 'vcpus'> | undefined;
  readonly memoryBytes: number;
}

/** Bytes of RAM of the machine that the plan runs on. */
export function machineMemory({ virtual, memoryBytes }: MemoryPlan): number {
  return virtual === undefined ? memoryBytes : vmmReserve({ ...virtual, vmMemory: memoryBytes }) + virtual.vms * memoryBytes;
}

function planVirtual({ vmm }: RunOptions, cores: number, profile: Profile): Omit<VirtualPlan, 'coGuest'> | undefined {
  if (vmm === undefined) return undefined;
  const vcpus = vmm.vcpus ?? cores;
  if (vmm.vms < 1 || vmm.vms > 64) throw new UnusableInput(`--vms: ${vmm.vms} is not from 1 to 64`);
  if (vcpus < 1 || vcpus > MAX_CORES)
    throw new UnusableInput(`--vcpus: ${vcpus} is not from 1 to ${MAX_CORES} (vCPU sets are 64-bit masks)`);
  const slice = vmm.slice ?? { seconds: DEFAULT_SLICE_SECONDS };
  const sliceCycles = Math.round('cycles' in slice ? slice.cycles : slice.seconds * profile.frequencyHz);
  const worldSwitch = profile.costs.vmExit.cycles + profile.costs.vcpuSwitch.cycles + profile.costs.vmEntry.cycles;
  if (sliceCycles <= worldSwitch)
    throw new UnusableInput(`--slice: ${sliceCycles} cycles are no more than the ${worldSwitch} of a world switch`);
  const scheduler = named(SCHEDULERS, 'scheduler', vmm.scheduler);
  return {
    vms: vmm.vms,
    vcpus,
    scheduler,
    placement: planPlacement(scheduler, vmm.placement, { cores, vms: vmm.vms, vcpus }),
    weights: planWeights(vmm.weights, vmm.vms, scheduler),
    sliceCycles,
    haltExits: vmm.haltExits ?? true,
    pauseLoopExiting: planPauseLoopExiting(vmm.pauseLoopExiting),
  };
}

function planCoGuest(options: RunOptions, vcpus: number, memoryBytes: number): CoGuestPlan | undefined {
  const { vms = 0, coGuest } = options.vmm ?? {};
  if (coGuest === undefined) return undefined;
  const builtIn = builtInNamed(coGuest.guest);
  if (builtIn === undefined)
    throw new UnusableInput(`--co-guest: no built-in guest '${coGuest.guest}'; there is ${GUESTS.map(({ name }) => name).join(', ')}`);
  if (vms < 2) throw new UnusableInput('--co-guest is for the VMs beside the first: give --vms 2 or more');
  checkCores(builtIn, vcpus);
  const parameters = parseParameters(builtIn, coGuest.params);
  const image = buildBuiltIn(builtIn.name, parameters, lockNamed(options.lock).name, schemeNamed(options.shootdown).name);
  checkFits(image, memoryBytes);
  return {
    guest: builtIn.name,
    parameters,
    image,
    imageHash: hashOf(image, []),
    haltExits: coGuest.haltExits ?? options.vmm?.haltExits ?? true,
    headStart: coGuest.headStart ?? false,
  };
}

function checkCores({ name, minCores }: GuestDefinition, cores: number): void {
  if (cores < minCores) throw new UnusableInput(`${name} needs at least ${minCores} cores`);
}

function checkMemory(memoryBytes: number, virtual: MemoryPlan['virtual']): void {
  if (virtual !== undefined && memoryBytes % PAGE_2M !== 0) throw new UnusableInput('--memory: the memory of a VM is a multiple of 2M');
  if (memoryBytes < MIN_RAM) throw new UnusableInput(`--memory: at least ${MIN_RAM / 1024 ** 2}M`);
  const total = machineMemory({ virtual, memoryBytes });
  if (!isRamSize(total))
    throw new UnusableInput(
      `--memory: the machine would have ${Math.ceil(total / 1024 ** 2)}M; the most is ${MAX_RAM / 1024 ** 2}M, in whole pages`,
    );
}

const builtInNamed = (guest: string): GuestDefinition | undefined => GUESTS.find(({ name }) => name === guest);

/** A profile, or one with features added. */
function profileFor(name: string | undefined): Profile {
  return (name === undefined ? undefined : profileNamed(name)) ?? named(PROFILES, 'profile', name);
}

function priced(profile: Profile, factors: Readonly<Record<string, number>>): Profile {
  try {
    return scaledProfile(profile, factors);
  } catch (error) {
    if (error instanceof RangeError) throw new UnusableInput(`--cost: ${error.message}`);
    throw error;
  }
}

function engineNamed(name: string | undefined): EngineName {
  const engine = name === undefined ? ENGINES[0] : ENGINES.find((known) => known === name);
  if (engine === undefined)
    throw new UnusableInput(`--engine: there is no engine '${name}' in this version; there is ${ENGINES.join(', ')}`);
  return engine;
}

function named<T>(registry: ReadonlyMap<string, T>, what: string, name: string | undefined): T {
  const found = name === undefined ? [...registry.values()][0] : registry.get(name);
  if (found === undefined) throw new UnusableInput(`no ${what} '${name}'; there is ${[...registry.keys()].join(', ')}`);
  return found;
}

function schemeNamed(name: string | undefined): ShootdownScheme {
  return named(new Map(SHOOTDOWN_SCHEMES.map((scheme) => [scheme.name, scheme])), 'shootdown scheme', name);
}

function lockNamed(name: string | undefined): LockAlgorithm {
  return named(new Map(LOCKS.map((lock) => [lock.name, lock])), 'lock', name);
}

/** Numbers, but for the guest's options, which are names. */
function parseParameters(guest: GuestDefinition, params: Readonly<Record<string, string>>): Record<string, number | string> {
  return Object.fromEntries(
    Object.entries(params).map(([key, text]) => {
      if (guest.options?.some(({ name }) => name === key)) return [key, text];
      if (!/^-?\d+$/.test(text)) throw new UnusableInput(`--param ${key}=${text}: not a whole number`);
      return [key, Number(text)];
    }),
  );
}

function buildBuiltIn(name: string, parameters: Readonly<Record<string, number | string>>, lock: string, shootdown: string): GuestImage {
  try {
    return buildGuest(name, { parameters, lock, shootdown }).image;
  } catch (error) {
    throw new UnusableInput((error as Error).message);
  }
}

function checkFits({ segments }: GuestImage, memoryBytes: number): void {
  const low = segments.find(({ address }) => address < BOOT_STACK_TOP);
  if (low !== undefined)
    throw new UnusableInput(`a segment at 0x${low.address.toString(16)} overlaps the boot area below 0x${BOOT_STACK_TOP.toString(16)}`);
  checkRoom(segments, memoryBytes);
}

function checkRoom(segments: readonly GuestSegment[], memoryBytes: number): void {
  try {
    checkSegments(segments, memoryBytes);
  } catch (error) {
    if (error instanceof ImageError) throw new UnusableInput(error.message);
    throw error;
  }
}

function hashOf({ entry, segments }: GuestImage, modules: readonly MultibootModule[]): string {
  const hash = createHash('sha256');
  hash.update(`${entry};`);
  for (const { address, bytes, memorySize } of segments) hash.update(`${address},${memorySize};`).update(bytes);
  for (const { text, bytes } of modules) hash.update(`${text},${bytes.length};`).update(bytes);
  return hash.digest('hex');
}
