/**
 * From a profile to the arguments of programs/parsec.c: rates per second become events per million units of work.
 *
 * A unit is as long as the most frequent event allows, so that events lie apart as they do in the program, and a whole number of them lies
 * between two barriers or hand-overs. Raises: Error, in one line, for a profile that makes no sense.
 */
import { NOMINAL_INSTRUCTIONS_PER_SECOND, type ParsecProfile, type Sourced } from './parsecProfiles.ts';

const MILLION = 1_000_000;
/** Instructions of a step of computing in programs/parsec/actor.c. */
const STEP_INSTRUCTIONS = 4;
/** And of a look at memory, of either kind, with the drawing of its place. */
const HOT_TOUCH_INSTRUCTIONS = 16;
const COLD_TOUCH_INSTRUCTIONS = 28;
/** How often memory is looked at: a choice of the model, so that the TLBs have work. [A] real programs access memory every three instructions,
 * nearly always where they just were. */
const INSTRUCTIONS_PER_HOT_TOUCH = 200;
const INSTRUCTIONS_PER_COLD_TOUCH = 4000;
const SHORTEST_UNIT = 400;
const LONGEST_UNIT = 20_000;

/** What is chosen beside the profile. */
export interface ParsecScale {
  readonly threads: number;
  /** Instructions of each thread, in millions. */
  readonly millions: number;
  /** Rates of mapping, trimming and growing, in percent of the profile's. */
  readonly memoryPercent: number;
  readonly seed: number;
}

/** Events per second and thread of a count over a whole run. */
const perSecond = (count: number, { instructions }: ParsecProfile): number =>
  (count / instructions.value) * NOMINAL_INSTRUCTIONS_PER_SECOND;

const isSourced = (field: unknown): field is Sourced => typeof field === 'object' && field !== null && 'source' in field;

/** Every number of the profile with the name of its field. */
export function profileNumbers(profile: ParsecProfile): readonly (readonly [string, Sourced])[] {
  const own = Object.entries(profile).filter((entry): entry is [string, Sourced] => isSourced(entry[1]));
  const { structure } = profile;
  return structure.kind === 'pipeline' ? [...own, ['handoversPerSecond', structure.handoversPerSecond]] : own;
}

/** Raises: Error. */
export function checkProfile(profile: ParsecProfile): void {
  const fail = (what: string): never => {
    throw new Error(`profile ${profile.name}: ${what}`);
  };
  for (const [field, { value }] of profileNumbers(profile)) {
    if (!Number.isFinite(value) || value < 0) fail(`${field} = ${value} is not a number of at least 0`);
  }
  if (profile.instructions.value < 1) fail('instructions must be more than 0');
  if (profile.locks.value < 1) fail('locks must be at least 1');
  for (const [rate, size] of [
    ['mapsPerSecond', 'mapPages'],
    ['trimsPerSecond', 'trimPages'],
    ['growsPerSecond', 'growPages'],
  ] as const) {
    if (profile[rate].value > 0 && profile[size].value < 1) fail(`${rate} = ${profile[rate].value}, but ${size} is ${profile[size].value}`);
  }
  const { structure } = profile;
  if (structure.kind === 'data-parallel') return;
  if (!(structure.stages >= 1 && structure.stages <= 4)) fail(`stages = ${structure.stages} is not from 1 to 4`);
  if (structure.handoversPerSecond.value <= 0) fail('a pipeline hands nothing over');
  if (profile.barrierCount.value > 0) fail('barriers are for data-parallel programs');
}

/** Arguments of the program. Raises: Error. */
export function parsecArguments(profile: ParsecProfile, scale: ParsecScale): readonly string[] {
  checkProfile(profile);
  const { structure } = profile;
  const lockRate = perSecond(profile.lockCount.value, profile);
  /** Instructions from one meeting, or hand-over, to the next. */
  const meetings = structure.kind === 'pipeline' ? structure.handoversPerSecond.value : perSecond(profile.barrierCount.value, profile);
  const period = meetings > 0 ? NOMINAL_INSTRUCTIONS_PER_SECOND / meetings : Number.POSITIVE_INFINITY;
  const wanted = Math.min(LONGEST_UNIT, Math.max(SHORTEST_UNIT, NOMINAL_INSTRUCTIONS_PER_SECOND / Math.max(lockRate, 1)));
  const unitsPerPeriod = Math.max(1, Math.round(period / wanted));
  const unit = Number.isFinite(period) ? period / unitsPerPeriod : wanted;

  const rate = (events: number): number => Math.round((events * unit * MILLION) / NOMINAL_INSTRUCTIONS_PER_SECOND);
  const memoryRate = (events: Sourced): number => rate((events.value * scale.memoryPercent) / 100);
  const touches = (kilobytes: Sourced, each: number): number => (kilobytes.value > 0 ? Math.round(unit / each) : 0);
  const hotTouches = touches(profile.hotKilobytes, INSTRUCTIONS_PER_HOT_TOUCH);
  const coldTouches = touches(profile.coldKilobytes, INSTRUCTIONS_PER_COLD_TOUCH);
  const left = unit - hotTouches * HOT_TOUCH_INSTRUCTIONS - coldTouches * COLD_TOUCH_INSTRUCTIONS;
  const values: Readonly<Record<string, number>> = {
    threads: scale.threads,
    units: Math.max(1, Math.round((scale.millions * MILLION) / unit)),
    work: Math.max(0, Math.round(left / STEP_INSTRUCTIONS)),
    'hot-kilobytes': profile.hotKilobytes.value,
    'hot-touches': hotTouches,
    'cold-kilobytes': profile.coldKilobytes.value,
    'cold-touches': coldTouches,
    'map-rate': memoryRate(profile.mapsPerSecond),
    'map-pages': profile.mapPages.value,
    'trim-rate': memoryRate(profile.trimsPerSecond),
    'trim-pages': profile.trimPages.value,
    'grow-rate': memoryRate(profile.growsPerSecond),
    'grow-pages': profile.growPages.value,
    'lock-rate': rate(lockRate),
    'lock-hold': Math.round(profile.holdInstructions.value / STEP_INSTRUCTIONS),
    locks: profile.locks.value,
    'barrier-units': structure.kind === 'data-parallel' && Number.isFinite(period) ? unitsPerPeriod : 0,
    stages: structure.kind === 'pipeline' ? structure.stages : 0,
    'item-units': structure.kind === 'pipeline' ? unitsPerPeriod : 1,
    seed: scale.seed,
  };
  return Object.entries(values).map(([name, value]) => `${name}=${value}`);
}
