/** What a processor did, from the recorded vectors: the same comparison as test:silicon, without a processor. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { differences } from './comparison.ts';
import { instructionsOf, userForms } from './generator.ts';
import { Model } from './model.ts';
import { type CaseText, type OutcomeText, parseCase, parseOutcome } from './siliconCase.ts';
import { parseVector, readVectors, VECTORS, type Vector, vectorLine } from './vectors.ts';

const vectors = readVectors();
const REGRESSIONS = 'test/regressions/silicon';

function failuresOf(model: Model, recorded: readonly Vector[]): string[] {
  return recorded.flatMap(({ form, case: one, outcome }) => {
    const actual = model.run(one);
    const found =
      typeof actual === 'string'
        ? [`${actual} is not implemented`]
        : differences(instructionsOf(one.code, one.codeSize), one, outcome, actual);
    return found.length === 0 ? [] : [`${form} (${one.codeSize}-bit) ${Buffer.from(one.code).toString('hex')}: ${found.join('; ')}`];
  });
}

test.for(ENGINES)('the %s engine does what the recorded processor did', (engine) => {
  // Compiled code is 64-bit code only; the reference engine runs the rest for both.
  const mine = vectors.filter(({ case: one }) => engine === 'reference' || one.codeSize === 64);
  expect(failuresOf(new Model(engine), mine)).toEqual([]);
});

test('there are vectors of every form of level 3 that is compared with processors, in every code size', () => {
  const known = new Set(vectors.map(({ form, case: one }) => `${form} ${one.codeSize}`));
  expect(
    userForms()
      .map(({ form, size }) => `${form.form} ${size}`)
      .filter((key) => !known.has(key)),
  ).toEqual([]);
  expect(statSync(VECTORS).size).toBeLessThan(800_000);
});

test('a vector is read as it was written', () => {
  for (const vector of vectors.slice(0, 500)) expect(parseVector(vectorLine(vector))).toEqual(vector);
});

test('a wrong result does not pass', () => {
  const vector = vectors.find(({ form }) => form === 'Add_rm64_r64')!;
  const wrong = { ...vector, outcome: { ...vector.outcome, flags: vector.outcome.flags ^ 1 } };
  expect(failuresOf(new Model('reference'), [wrong])).toHaveLength(1);
});

interface Regression {
  readonly about: string;
  readonly case: CaseText;
  readonly outcome: OutcomeText;
}

const regressions = existsSync(REGRESSIONS) ? readdirSync(REGRESSIONS).filter((file) => file.endsWith('.json')) : [];
test.runIf(regressions.length > 0).for(regressions)('%s: no difference any more', (file) => {
  const { about, case: text, outcome } = JSON.parse(readFileSync(join(REGRESSIONS, file), 'utf8')) as Regression;
  const recorded = [{ form: about, case: parseCase(text), outcome: parseOutcome(outcome) }];
  for (const engine of ENGINES) expect(failuresOf(new Model(engine), recorded)).toEqual([]);
});
