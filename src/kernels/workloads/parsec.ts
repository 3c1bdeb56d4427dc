/** parsec: the guest that behaves like a program of the suite, by its profile, or by one given in parameters. */
import type { GuestParameter } from '../parameter.ts';
import { parsecArguments } from './parsecArguments.ts';
import { NOMINAL_INSTRUCTIONS_PER_SECOND, PARSEC_PROFILES, type ParsecProfile } from './parsecProfiles.ts';
import { programGuest, SEED, THREADS } from './programGuest.ts';

const CUSTOM = 'custom';

const own = (name: string, most: number, doc: string): GuestParameter => ({
  name,
  default: 0,
  min: 0,
  max: most,
  doc: `${doc}; with program=custom`,
});

/** Of a program that has no profile: all 0 unless given. */
const CUSTOM_PARAMETERS: readonly GuestParameter[] = [
  own('maps', 1_000_000, 'mappings made, written and unmapped, per second and thread'),
  own('map-pages', 65_536, 'pages of each'),
  own('trims', 1_000_000, 'times that pages are given back by madvise, per second and thread'),
  own('trim-pages', 65_536, 'pages of each'),
  own('grows', 1_000_000, 'times that an arena grows by mprotect, per second and thread'),
  own('grow-pages', 256, 'pages of each'),
  own('acquisitions', 10_000_000, 'mutexes taken, per second and thread'),
  own('locks', 65_536, 'mutexes that these are spread over; at least 1'),
  own('hold', 10_000_000, 'instructions while one is held'),
  own('barriers', 1_000_000, 'meetings of all threads, per second'),
  own('stages', 4, 'stages of a pipeline; 0: each thread has its own part'),
  own('handovers', 1_000_000, 'items from stage to stage, per second and thread'),
  own('hot-kilobytes', 4_194_304, 'memory of each thread'),
  own('cold-kilobytes', 4_194_304, 'memory that all share'),
];

export const parsec = programGuest({
  name: 'parsec',
  doc: 'user program: computes, maps, gives back, locks and hands over as a PARSEC program does, by its profile (docs/workloads.md)',
  program: 'parsec',
  options: [
    {
      name: 'program',
      default: 'dedup',
      choices: [...PARSEC_PROFILES.map(({ name }) => name), CUSTOM],
      doc: 'the profile',
    },
  ],
  parameters: [
    { ...THREADS, doc: 'threads, or threads of each stage; 0: one for each core' },
    { name: 'work', default: 50, min: 1, max: 1_000_000, doc: 'millions of instructions of each thread: 2600 are a second at 2.6 GHz' },
    { name: 'memory-rate', default: 100, min: 0, max: 10_000, doc: 'rates of mapping, trimming and growing, in percent of the profile’s' },
    SEED,
    ...CUSTOM_PARAMETERS,
  ],
  figures: ['cycles', 'least cycles of a thread', 'mean cycles of a thread', 'most cycles of a thread', 'checksum'],
  args(parameters, options) {
    const profile = PARSEC_PROFILES.find(({ name }) => name === options['program']) ?? customProfile(parameters);
    if (profile.name !== CUSTOM) {
      const given = CUSTOM_PARAMETERS.find(({ name }) => parameters[name] !== 0);
      if (given !== undefined) throw new Error(`parsec: ${given.name} is for program=custom; ${profile.name} has its own`);
    }
    return parsecArguments(profile, {
      threads: parameters['threads']!,
      millions: parameters['work']!,
      memoryPercent: parameters['memory-rate']!,
      seed: parameters['seed']!,
    });
  },
});

function customProfile(parameters: Readonly<Record<string, number>>): ParsecProfile {
  const given = (name: string) => ({ value: parameters[name]!, source: 'given' });
  const handovers = given('handovers');
  return {
    name: CUSTOM,
    doc: 'given in parameters',
    structure:
      parameters['stages'] === 0
        ? { kind: 'data-parallel' }
        : { kind: 'pipeline', stages: parameters['stages']!, handoversPerSecond: handovers },
    // One second, so that counts are rates.
    instructions: { value: NOMINAL_INSTRUCTIONS_PER_SECOND, source: 'given' },
    lockCount: given('acquisitions'),
    barrierCount: given('barriers'),
    locks: { value: Math.max(1, parameters['locks']!), source: 'given' },
    holdInstructions: given('hold'),
    hotKilobytes: given('hot-kilobytes'),
    coldKilobytes: given('cold-kilobytes'),
    mapsPerSecond: given('maps'),
    mapPages: given('map-pages'),
    trimsPerSecond: given('trims'),
    trimPages: given('trim-pages'),
    growsPerSecond: given('grows'),
    growPages: given('grow-pages'),
  };
}
