/** A short run against the processor at hand, where there are gcc and an x86-64 Linux; `npm run test:silicon` looks further. */
import { expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { differences, isUndefined } from './comparison.ts';
import { Generator, userForms } from './generator.ts';
import { Model } from './model.ts';
import { Processor } from './processor.ts';
import { TIMED_OUT } from './siliconCase.ts';

const processor = Processor.open();
if (typeof processor === 'string') console.warn(`the comparison with the processor at hand is skipped: ${processor}`);

test.runIf(typeof processor !== 'string')('every form of level 3 does what the processor at hand does, in every code size', () => {
  const forms = userForms();
  const generator = new Generator(1, forms);
  const groups = forms.flatMap(({ form, size }) => generator.make(form, size, 2) ?? []);
  const cases = groups.flatMap(({ insns, cases: some }) => some.map((one) => ({ insns, one })));
  const outcomes = (processor as Processor).run(cases.map(({ one }) => one));
  (processor as Processor).close();
  const models = ENGINES.map((engine) => new Model(engine));
  const failures = cases.flatMap(({ insns, one }, i) => {
    const expected = outcomes[i]!;
    if (expected.vector === TIMED_OUT || isUndefined(insns, one)) return [];
    return models.flatMap((model) => {
      const actual = model.run(one);
      return typeof actual === 'string' ? [actual] : differences(insns, one, expected, actual).map((what) => `${insns[0]!.form}: ${what}`);
    });
  });
  expect(failures).toEqual([]);
  expect(cases.length).toBeGreaterThan(4000);
});
