/**
 * What the PARSEC programs do to memory management and synchronization, in numbers, each with its source.
 *
 * Sources: `[R-hi]` recalled from the suite's characterization (Bienia and others, Princeton technical report TR-811-08, tables of instructions and
 * synchronization for simlarge with 8 threads, and of working sets), not verified against the report; `[M]` measured on this project's own `dedup`
 * (programs/dedup.c), by counting its system calls on Linux; `[D]` derived from numbers that are here; `[A]` assumed, with the range that is
 * plausible. No profile knows anything about shootdown schemes, locks or schedulers. docs/workloads.md prints this table.
 */

/** A number, and where it comes from. */
export interface Sourced {
  readonly value: number;
  readonly source: string;
}

/** How the threads of a program share the work. */
export type Structure =
  /** Each has its part from the start; all meet at barriers, if there are any. */
  | { readonly kind: 'data-parallel' }
  /** Items go through so many stages, each with as many threads as were asked for, between one thread that reads and one that writes. */
  | { readonly kind: 'pipeline'; readonly stages: number; readonly handoversPerSecond: Sourced };

/** Rates are for each thread, per second of its own work at the nominal rate of `NOMINAL_INSTRUCTIONS_PER_SECOND`. */
export interface ParsecProfile {
  readonly name: string;
  readonly doc: string;
  readonly structure: Structure;
  /** Of the whole run that the counts are from. */
  readonly instructions: Sourced;
  readonly lockCount: Sourced;
  /** Calls of barrier_wait, by all threads. */
  readonly barrierCount: Sourced;
  /** Mutexes that these locks are spread over, and instructions while one is held. */
  readonly locks: Sourced;
  readonly holdInstructions: Sourced;
  /** Memory that a thread uses all the time, and memory that all threads share; in KB. */
  readonly hotKilobytes: Sourced;
  readonly coldKilobytes: Sourced;
  /** A mapping of so many pages is made, written, and unmapped. */
  readonly mapsPerSecond: Sourced;
  readonly mapPages: Sourced;
  /** So many pages are written, and given back by madvise. */
  readonly trimsPerSecond: Sourced;
  readonly trimPages: Sourced;
  /** An arena grows by so many pages, by mprotect. */
  readonly growsPerSecond: Sourced;
  readonly growPages: Sourced;
}

/** Converts rates to instructions: 1 instruction a cycle at 2.6 GHz, as the default machine profile has it. */
export const NOMINAL_INSTRUCTIONS_PER_SECOND = 2.6e9;

const tr = (value: number): Sourced => ({ value, source: '[R-hi] TR-811-08' });
const none = (why: string): Sourced => ({ value: 0, source: why });
const assumed = (value: number, why: string): Sourced => ({ value, source: `[A] ${why}` });
const billions = (value: number): Sourced => tr(value * 1e9);

/** Nothing is given back while it runs. */
const NO_MEMORY_CHANGES = {
  mapsPerSecond: none('[A] memory is allocated at the start and kept'),
  mapPages: none('[A] no mapping'),
  trimsPerSecond: none('[A] as mapsPerSecond'),
  trimPages: none('[A] no trimming'),
  growsPerSecond: none('[A] as mapsPerSecond'),
  growPages: none('[A] no growth'),
} as const;

/** Blocks larger than 128 KB come and go as mappings; the arenas do not change. */
const mappings = (perSecond: number, pages: number, why: string) => ({
  ...NO_MEMORY_CHANGES,
  mapsPerSecond: assumed(perSecond, why),
  mapPages: assumed(pages, why),
});

/** The shared set of the report is cut to what a small machine has: beyond the reach of the TLBs its size does not matter to them. */
const cold = (kilobytes: number): Sourced =>
  kilobytes <= COLD_MOST
    ? tr(kilobytes)
    : { value: COLD_MOST, source: `[D] TR-811-08 [R-hi] has ${kilobytes / 1024} MB; cut to ${COLD_MOST / 1024}` };
const COLD_MOST = 8192;

const oneLock = assumed(1, 'one queue or counter');

export const PARSEC_PROFILES: readonly ParsecProfile[] = [
  {
    name: 'blackscholes',
    doc: 'prices options: computes, and hardly synchronizes; a control',
    structure: { kind: 'data-parallel' },
    instructions: billions(2.67),
    lockCount: tr(0),
    barrierCount: tr(8),
    locks: oneLock,
    holdInstructions: assumed(0, 'no locks'),
    hotKilobytes: tr(64),
    coldKilobytes: cold(2048),
    ...NO_MEMORY_CHANGES,
  },
  {
    name: 'bodytrack',
    doc: 'follows a body through images: a pool of threads that meet often',
    structure: { kind: 'data-parallel' },
    instructions: billions(14.03),
    lockCount: tr(114_621),
    barrierCount: tr(619),
    locks: assumed(2, 'the pool and its tickets'),
    holdInstructions: assumed(100, 'a ticket is drawn: 30 to 300'),
    hotKilobytes: tr(512),
    coldKilobytes: cold(8192),
    ...mappings(5, 64, 'images of four cameras are loaded for each frame: 1 to 20 a second, of 128 KB and more'),
  },
  {
    name: 'canneal',
    doc: 'anneals a netlist: all over a large memory, without locks',
    structure: { kind: 'data-parallel' },
    instructions: billions(7.33),
    lockCount: tr(34),
    barrierCount: tr(0),
    locks: oneLock,
    holdInstructions: assumed(100, 'start-up only'),
    hotKilobytes: tr(64),
    coldKilobytes: cold(256 * 1024),
    ...NO_MEMORY_CHANGES,
  },
  {
    name: 'dedup',
    doc: 'compresses and deduplicates in a pipeline: blocks are allocated in one thread and released in another',
    structure: {
      kind: 'pipeline',
      stages: 3,
      handoversPerSecond: { value: 2000, source: '[D] a sixth of its locks: two for each end of a queue, some for the table of contents' },
    },
    instructions: billions(37.1),
    lockCount: tr(158_979),
    barrierCount: tr(0),
    locks: assumed(1024, 'the parts of the table of contents'),
    holdInstructions: assumed(300, 'a bucket is searched: 100 to 1000'),
    hotKilobytes: assumed(256, 'TR-811-08 [R-hi] has 2 MB for all threads'),
    coldKilobytes: cold(256 * 1024),
    mapsPerSecond: {
      value: 50,
      source:
        '[M] 3.9 munmaps of large buffers for each MB of input; [D] at 201 instructions a byte (37.1 G for 184 MB, [R-hi]); 20 to 500',
    },
    mapPages: { value: 65, source: '[M] buffers of 256 KB and a header' },
    trimsPerSecond: {
      value: 50,
      source: '[M] 3.9 arenas trimmed for each MB of input; [D] as mapsPerSecond; 20 to 2000 for smaller chunks',
    },
    trimPages: { value: 23, source: '[M] mean; most are 1 to 4, some above 100' },
    growsPerSecond: { value: 530, source: '[M] 41 mprotects for each MB of input; [D] as mapsPerSecond; 200 to 5000' },
    growPages: { value: 2, source: '[M] 1 to 4, mean 1.7' },
  },
  {
    name: 'facesim',
    doc: 'moves a face: a pool of threads that gets tasks',
    structure: {
      kind: 'pipeline',
      stages: 1,
      handoversPerSecond: { value: 270, source: '[D] conditions: 3137 in 29.9 G instructions, [R-hi]' },
    },
    instructions: billions(29.9),
    lockCount: tr(14_541),
    barrierCount: tr(0),
    locks: assumed(2, 'the queue of tasks'),
    holdInstructions: assumed(200, 'a task is taken: 50 to 500'),
    hotKilobytes: tr(256),
    coldKilobytes: cold(256 * 1024),
    ...NO_MEMORY_CHANGES,
  },
  {
    name: 'ferret',
    doc: 'finds similar images in a pipeline of four stages',
    structure: {
      kind: 'pipeline',
      stages: 4,
      handoversPerSecond: { value: 140, source: '[D] 256 queries through five queues in 23.97 G instructions, [R-hi]' },
    },
    instructions: billions(23.97),
    lockCount: tr(345_778),
    barrierCount: tr(0),
    locks: assumed(16, 'allocation and tables of the library behind it'),
    holdInstructions: assumed(100, '30 to 300'),
    hotKilobytes: tr(128),
    coldKilobytes: cold(64 * 1024),
    ...mappings(50, 48, 'decoded images of each query: none to 110 a second, of 128 KB and more'),
  },
  {
    name: 'fluidanimate',
    doc: 'moves a fluid: a short lock for every change of a neighbour',
    structure: { kind: 'data-parallel' },
    instructions: billions(14.06),
    lockCount: tr(17_771_909),
    barrierCount: tr(0),
    locks: assumed(4096, 'one for each cell at a border'),
    holdInstructions: assumed(20, 'a sum is added to: 10 to 50'),
    hotKilobytes: tr(128),
    coldKilobytes: cold(64 * 1024),
    ...NO_MEMORY_CHANGES,
  },
  {
    name: 'raytrace',
    doc: 'draws a scene: computes on shared data, tasks by a counter',
    structure: { kind: 'data-parallel' },
    instructions: assumed(20e9, 'not in the report, which is older'),
    lockCount: assumed(1000, 'tasks of some tiles for each frame'),
    barrierCount: assumed(100, 'a meeting at each frame'),
    locks: oneLock,
    holdInstructions: assumed(50, 'a counter'),
    hotKilobytes: assumed(256, '64 to 1024'),
    coldKilobytes: assumed(COLD_MOST, 'a scene of some 100 MB, cut as the others are'),
    ...NO_MEMORY_CHANGES,
  },
  {
    name: 'streamcluster',
    doc: 'groups points as they come: a barrier after every little step',
    structure: { kind: 'data-parallel' },
    instructions: billions(22.12),
    lockCount: tr(191),
    barrierCount: tr(129_600),
    locks: oneLock,
    holdInstructions: assumed(100, 'start-up only'),
    hotKilobytes: tr(64),
    coldKilobytes: cold(16 * 1024),
    ...NO_MEMORY_CHANGES,
  },
  {
    name: 'swaptions',
    doc: 'prices swaptions by simulation: computes; a control',
    structure: { kind: 'data-parallel' },
    instructions: billions(14.11),
    lockCount: tr(23),
    barrierCount: tr(0),
    locks: oneLock,
    holdInstructions: assumed(100, 'start-up only'),
    hotKilobytes: tr(512),
    coldKilobytes: none('[R-hi] TR-811-08 has one working set'),
    ...NO_MEMORY_CHANGES,
  },
  {
    name: 'vips',
    doc: 'transforms an image by tiles: every operation has buffers that come and go',
    structure: {
      kind: 'pipeline',
      stages: 1,
      handoversPerSecond: { value: 530, source: '[D] conditions: 6361 in 31.21 G instructions, [R-hi]' },
    },
    instructions: billions(31.21),
    lockCount: tr(33_586),
    barrierCount: tr(0),
    locks: assumed(8, 'caches of operations, and of regions'),
    holdInstructions: assumed(200, '50 to 500'),
    hotKilobytes: tr(64),
    coldKilobytes: cold(16 * 1024),
    ...mappings(
      250,
      48,
      'buffers of 192 KB, for tiles of 128 × 128 pixels of 12 bytes: 44 MB of image in 31.21 G instructions make 75 tiles a second; none to ten operations map one each',
    ),
  },
  {
    name: 'x264',
    doc: 'encodes a film: frames that wait for each other',
    structure: {
      kind: 'pipeline',
      stages: 1,
      handoversPerSecond: { value: 85, source: '[D] conditions: 1056 in 32.43 G instructions, [R-hi]' },
    },
    instructions: billions(32.43),
    lockCount: tr(16_767),
    barrierCount: tr(0),
    locks: assumed(16, 'one for each frame under way'),
    holdInstructions: assumed(100, 'progress is told: 30 to 300'),
    hotKilobytes: tr(128),
    coldKilobytes: cold(16 * 1024),
    ...mappings(10, 64, 'frames are pooled, some buffers are not: none to 50 a second'),
  },
];
