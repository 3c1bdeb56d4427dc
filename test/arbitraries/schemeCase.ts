import fc from 'fast-check';
import type { Delay, SchemeCase, Turn } from '../properties/shootdown/schemeCase.ts';

const MOST_CORES = 3;
const MOST_VCPUS = 4;

const which = fc.nat({ max: MOST_VCPUS - 1 });
const core = fc.nat({ max: MOST_CORES - 1 });

/** Short turns end in the middle of a shootdown; long ones let several pass. */
const cycles = fc.oneof(fc.nat({ max: 60 }), fc.nat({ max: 600 }), fc.nat({ max: 6000 }), fc.integer({ min: 6000, max: 40_000 }));

const run = fc.tuple(fc.constant('run' as const), which, cycles);
const rest = fc.tuple(fc.constant('rest' as const), cycles);
const move = fc.tuple(fc.constant('move' as const), which, core);
const back = fc.tuple(fc.constant('back' as const), which);

/** A core that rests has nobody's registers: whoever was on it last may move, too. */
const departure = fc.tuple(fc.constant<Turn>(['rest', 1]), fc.oneof(move, back));

/** As long as an interrupt takes to arrive, as an exit and an entry take, and longer than a turn. */
const stillness = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 3000 }), fc.integer({ min: 3000, max: 30_000 }));

const delay: fc.Arbitrary<Delay> = fc.oneof(
  fc.tuple(fc.constant('instruction' as const), fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 400 })), stillness),
  fc.tuple(fc.constant('locked' as const), fc.integer({ min: 1, max: 3 }), stillness),
);

/** Latency of an interrupt: shorter than an exit or an entry of a guest, as on a real machine, and longer than both and what is between them. */
const latency = fc.constantFrom(100, 1000, 10_000);

const perCore = <T>(list: fc.Arbitrary<T[]>): fc.Arbitrary<T[][]> => fc.array(list, { minLength: MOST_CORES, maxLength: MOST_CORES });
const quantum = fc.constantFrom(1, 50, 1000);
const nothing = fc.constant<never[]>([]);

/** Whatever may happen. */
const anything = {
  cores: fc.integer({ min: 1, max: MOST_CORES }),
  vcpus: fc.integer({ min: 2, max: MOST_VCPUS }),
  pages: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.constant(34)),
  reads: fc.constant(4),
  latency,
  quantum,
  turns: perCore(
    fc.array(
      fc.oneof(
        { weight: 8, arbitrary: run },
        { weight: 2, arbitrary: rest },
        { weight: 2, arbitrary: move },
        { weight: 1, arbitrary: back },
      ),
      { maxLength: 40 },
    ),
  ),
  delays: perCore(fc.array(delay, { maxLength: 20 })),
  returns: perCore(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 10 })),
};

/** Classes of which one in a hundred of the others would be: there are reads enough to have old translations, and to use them. */
const reading = {
  ...anything,
  cores: fc.integer({ min: 2, max: MOST_CORES }),
  pages: fc.constant(1),
  reads: fc.constant(16),
  delays: perCore(nothing),
};

/** vCPUs are away for short times, and are back before a request for them is stored. */
const returning = {
  ...reading,
  vcpus: fc.integer({ min: 3, max: MOST_VCPUS }),
  latency: fc.constant(1000),
  turns: perCore(fc.array(fc.oneof(run, rest), { minLength: 20, maxLength: 40 })),
  returns: perCore(fc.array(fc.constant(1), { minLength: 10, maxLength: 10 })),
};

/** vCPUs visit another core for as long as some shootdowns take, and come back to where they have left translations. */
const visiting = {
  ...reading,
  latency: fc.constant(1000),
  turns: perCore(fc.array(fc.oneof(fc.tuple(run), departure), { minLength: 20, maxLength: 40 }).map((some) => some.flat())),
  returns: perCore(nothing),
};

/** Runs of a scheme on a small machine. */
export const schemeCase = (scheme: string): fc.Arbitrary<SchemeCase> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ scheme: fc.constant(scheme), ...anything }) },
    { weight: 1, arbitrary: fc.record({ scheme: fc.constant(scheme), ...returning }) },
    { weight: 1, arbitrary: fc.record({ scheme: fc.constant(scheme), ...visiting }) },
  );

/** The classes by themselves. */
export const returningCase = (scheme: string): fc.Arbitrary<SchemeCase> => fc.record({ scheme: fc.constant(scheme), ...returning });
export const visitingCase = (scheme: string): fc.Arbitrary<SchemeCase> => fc.record({ scheme: fc.constant(scheme), ...visiting });
