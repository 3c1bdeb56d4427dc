import fc from 'fast-check';
import type { Delay, SchemeCase, Turn } from '../properties/shootdown/schemeCase.ts';

const MOST_CORES = 3;
const MOST_VCPUS = 4;

const which = fc.nat({ max: MOST_VCPUS - 1 });
const core = fc.nat({ max: MOST_CORES - 1 });

/** Short turns end in the middle of a shootdown; long ones let several pass. */
const cycles = fc.oneof(fc.nat({ max: 60 }), fc.nat({ max: 600 }), fc.nat({ max: 6000 }), fc.integer({ min: 6000, max: 40_000 }));

const turn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('run' as const), which, cycles) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('rest' as const), cycles) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('move' as const), which, core) },
);

/** As long as an interrupt takes to arrive, as an exit and an entry take, and longer than a turn. */
const stillness = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 3000 }), fc.integer({ min: 3000, max: 30_000 }));

const delay: fc.Arbitrary<Delay> = fc.oneof(
  fc.tuple(fc.constant('instruction' as const), fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 400 })), stillness),
  fc.tuple(fc.constant('locked' as const), fc.integer({ min: 1, max: 3 }), stillness),
);

/** Runs of a scheme on a small machine. */
export const schemeCase = (scheme: string): fc.Arbitrary<SchemeCase> =>
  fc.record({
    scheme: fc.constant(scheme),
    cores: fc.integer({ min: 1, max: MOST_CORES }),
    vcpus: fc.integer({ min: 2, max: MOST_VCPUS }),
    pages: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.constant(34)),
    quantum: fc.constantFrom(1, 50, 1000),
    turns: fc.array(fc.array(turn, { maxLength: 40 }), { minLength: MOST_CORES, maxLength: MOST_CORES }),
    delays: fc.array(fc.array(delay, { maxLength: 20 }), { minLength: MOST_CORES, maxLength: MOST_CORES }),
  });
