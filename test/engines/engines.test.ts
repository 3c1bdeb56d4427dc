/** Reference = every other engine, on random programs and machines. While there is no other, the reference is compared with itself. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { type EngineCaseOptions, engineCase } from '../arbitraries/engineCase.ts';
import { difference } from './difference.ts';
import { runCase } from './runCase.ts';

const REFERENCE = 'reference';
const others = ENGINES.filter((engine) => engine !== REFERENCE);
const engines = others.length > 0 ? others : ([REFERENCE] as const);

const small: EngineCaseOptions = { pieces: 12, maxCycles: 8000 };
const large: EngineCaseOptions = { pieces: 120, maxCycles: 30_000 };

describe.each(engines)('engine %s', (engine) => {
  test.each([
    ['short programs on the bare machine', { ...small, virtual: false }, 60],
    ['long programs on the bare machine', { ...large, virtual: false }, 25],
    ['programs under the VMM', { ...large, virtual: true }, 12],
  ] as const)('leaves every trace and every byte as the reference does: %s', (_, options, numRuns) => {
    fc.assert(
      fc.property(engineCase(options), (one) => {
        expect(difference(runCase(one, REFERENCE), runCase(one, engine))).toBeUndefined();
      }),
      { numRuns },
    );
  });
});
