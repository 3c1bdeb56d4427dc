/** The profiles, their way into arguments, and the guest that runs them. */
import { describe, expect, test } from 'vitest';
import { buildGuest } from '../../../src/kernels/guests.ts';
import { checkProfile, parsecArguments, profileNumbers } from '../../../src/kernels/workloads/parsecArguments.ts';
import { PARSEC_PROFILES, type ParsecProfile } from '../../../src/kernels/workloads/parsecProfiles.ts';
import { quickRun, virtual } from '../../session/quickRun.ts';

const SCALE = { threads: 4, millions: 100, memoryPercent: 100, seed: 1 };
const profile = (name: string): ParsecProfile => PARSEC_PROFILES.find((one) => one.name === name)!;
const argumentsOf = (one: ParsecProfile, scale = SCALE): Record<string, number> =>
  Object.fromEntries(
    parsecArguments(one, scale).map((text) => {
      const [name, value] = text.split('=');
      return [name!, Number(value)];
    }),
  );

describe('the table of profiles', () => {
  test('has the programs of the suite with pthreads, each once', () => {
    const names = 'blackscholes bodytrack canneal dedup facesim ferret fluidanimate raytrace streamcluster swaptions vips x264'.split(' ');
    expect(PARSEC_PROFILES.map(({ name }) => name)).toEqual(names);
  });

  test.for(PARSEC_PROFILES)('$name makes sense, and every number says where it is from', (one) => {
    expect(() => checkProfile(one)).not.toThrow();
    const unsourced = profileNumbers(one).filter(([, { source }]) => !/\[(F|R-hi|R-med|R-lo|M|D|A)\]/.test(source));
    expect(unsourced).toEqual([]);
    // What is assumed for a rate says in which range, or why it is none.
    for (const [field, { value, source }] of profileNumbers(one))
      if (field.endsWith('PerSecond') && value > 0 && source.startsWith('[A]')) expect(source).toMatch(/\d+ to \d+|none to/);
  });

  test('has programs that give memory back and some that never do, as controls', () => {
    const rate = (name: string): number => profile(name).mapsPerSecond.value + profile(name).trimsPerSecond.value;
    for (const control of ['blackscholes', 'swaptions', 'streamcluster']) expect(rate(control)).toBe(0);
    const others = PARSEC_PROFILES.filter(({ name }) => name !== 'dedup' && name !== 'vips').map(({ name }) => rate(name));
    for (const bound of ['dedup', 'vips']) expect(rate(bound)).toBeGreaterThan(Math.max(...others));
  });
});

describe('a profile that makes no sense is refused in one line', () => {
  const number = (value: number) => ({ value, source: '[A] test' });
  const data = { kind: 'data-parallel' } as const;
  test.for<readonly [string, Partial<ParsecProfile>, string]>([
    ['a negative rate', { mapsPerSecond: number(-1) }, 'profile dedup: mapsPerSecond = -1 is not a number of at least 0'],
    ['no number', { lockCount: number(Number.NaN) }, 'profile dedup: lockCount = NaN is not a number of at least 0'],
    ['a rate without a size', { mapPages: number(0) }, 'profile dedup: mapsPerSecond = 50, but mapPages is 0'],
    ['no instructions', { instructions: number(0) }, 'profile dedup: instructions must be more than 0'],
    ['locks without a mutex', { locks: number(0) }, 'profile dedup: locks must be at least 1'],
    [
      'too many stages',
      { structure: { kind: 'pipeline', stages: 5, handoversPerSecond: number(1) } },
      'profile dedup: stages = 5 is not from 1 to 4',
    ],
    [
      'a pipeline that does not flow',
      { structure: { kind: 'pipeline', stages: 1, handoversPerSecond: number(0) } },
      'profile dedup: a pipeline hands nothing over',
    ],
    ['barriers in a pipeline', { barrierCount: number(1) }, 'profile dedup: barriers are for data-parallel programs'],
    [
      'a rate of infinity',
      { structure: data, trimsPerSecond: number(Number.POSITIVE_INFINITY) },
      'profile dedup: trimsPerSecond = Infinity',
    ],
  ])('%s', ([, change, message]) => {
    expect(() => parsecArguments({ ...profile('dedup'), ...change }, SCALE)).toThrow(message);
  });
});

describe('the arguments', () => {
  test.for(PARSEC_PROFILES)('of $name give the events per instruction that the profile has', (one) => {
    const args = argumentsOf(one);
    const instructions = (args['units']! * unitInstructions(args)) / 1e6;
    expect(instructions).toBeGreaterThan(0.97 * SCALE.millions);
    expect(instructions).toBeLessThan(1.03 * SCALE.millions);
    const perSecond = (rate: number): number => (rate / 1e6 / unitInstructions(args)) * 2.6e9;
    for (const [rate, wanted] of [
      ['map-rate', one.mapsPerSecond.value],
      ['trim-rate', one.trimsPerSecond.value],
      ['grow-rate', one.growsPerSecond.value],
      ['lock-rate', (one.lockCount.value / one.instructions.value) * 2.6e9],
    ] as const)
      expect(Math.abs(perSecond(args[rate]!) - wanted)).toBeLessThanOrEqual(0.05 * wanted + 8);
  });

  test('scale the memory rates, and nothing else, by the percentage', () => {
    const { 'map-rate': maps, 'trim-rate': trims, 'grow-rate': grows, ...rest } = argumentsOf(profile('dedup'));
    const {
      'map-rate': maps2,
      'trim-rate': trims2,
      'grow-rate': grows2,
      ...rest2
    } = argumentsOf(profile('dedup'), { ...SCALE, memoryPercent: 200 });
    expect(rest2).toEqual(rest);
    expect([maps2! / maps!, trims2! / trims!, grows2! / grows!].map((ratio) => Math.round(ratio * 50) / 50)).toEqual([2, 2, 2]);
  });
});

/** Instructions of a unit: steps of four, and looks at memory. */
const unitInstructions = (args: Record<string, number>): number =>
  args['work']! * 4 + args['hot-touches']! * 16 + args['cold-touches']! * 28;

/** What programs/parsec.c prints on Linux for each profile, with 1 million instructions, 3 threads and 20 times the rates of memory given back. */
const CHECKSUMS: Readonly<Record<string, string>> = {
  blackscholes: '34c5bd019839652d',
  bodytrack: 'a895b5220b4afc51',
  canneal: 'db815a00e4f1647d',
  dedup: 'a04b3c8c5e841a6f',
  facesim: 'd7fdae864e9ea776',
  ferret: '66b192976d4a6d9c',
  fluidanimate: '288c28da21a14ac8',
  raytrace: 'db815a00e4f1647d',
  streamcluster: '982120f689035991',
  swaptions: 'b2ec579ad871ecec',
  vips: 'dd8ce3dbd2a88ab5',
  x264: '7340bea40d60bc64',
};

describe('the guest', () => {
  const params = (program: string) => ({ program, work: '1', threads: '3', 'memory-rate': '2000' });
  const ends = { kind: 'power-off' };

  test.for(PARSEC_PROFILES.map(({ name }) => name))('%s computes what it does on Linux', (name) => {
    const { stop, serial } = quickRun('parsec', { cores: 4, params: params(name) });
    expect({ stop, checksum: /checksum: (.*)$/m.exec(serial)?.[1] }).toEqual({ stop: ends, checksum: CHECKSUMS[name] });
  });

  test('dedup computes the same on the cores of another VM, with every translation checked', { timeout: 240_000 }, () => {
    const vmm = { ...virtual(2, 2, 100_000), coGuest: { guest: 'cpu-bound', params: { work: 'spin' } } };
    const { stop, serial } = quickRun('parsec', { cores: 2, params: params('dedup'), vmm, checkTlb: true });
    expect({ stop, checksum: /checksum: (.*)$/m.exec(serial)?.[1] }).toEqual({ stop: ends, checksum: CHECKSUMS['dedup'] });
  });

  test('a unit of work is as long as the arguments say: it is compiled as they count it', () => {
    const { serial } = quickRun('parsec', { cores: 1, params: { program: 'blackscholes', work: '10' } });
    const cycles = Number(/^cycles: (\d+)/m.exec(serial)?.[1]);
    // An instruction a cycle, and the walks of its looks at memory.
    expect(cycles / 10e6).toBeGreaterThan(0.97);
    expect(cycles / 10e6).toBeLessThan(1.15);
  });

  test('takes a profile of one’s own', () => {
    const { stop, stats } = quickRun('parsec', {
      cores: 2,
      params: { program: 'custom', work: '2', maps: '20000', 'map-pages': '3', threads: '2' },
    });
    expect(stop).toEqual({ kind: 'power-off' });
    // 2 threads × 2 million instructions at 20,000 a second of 2.6 G, each a shootdown; and a few of the program’s own.
    expect(stats.shootdown.count).toBeGreaterThan(15);
    expect(stats.shootdown.count).toBeLessThan(60);
  });

  test.for([
    [{ program: 'dedup', maps: 1 }, 'parsec: maps is for program=custom; dedup has its own'],
    [{ program: 'custom', maps: -1 }, 'parsec: maps = -1 is not a whole number from 0 to 1000000'],
    [{ program: 'custom', trims: 1 }, 'profile custom: trimsPerSecond = 1, but trimPages is 0'],
    [{ program: 'freqmine' }, 'parsec: program = freqmine is not one of blackscholes'],
  ] as const)('refuses %o', ([parameters, message]) => {
    expect(() => buildGuest('parsec', { parameters })).toThrow(message);
  });
});
