/** A short run against the processor at hand, where there are gcc and an x86-64 Linux; `npm run test:silicon` looks further. */
import { expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { differences, isUndefined, isUnsteady } from './comparison.ts';
import { Generator, userForms } from './generator.ts';
import { Model } from './model.ts';
import { Processor } from './processor.ts';
import { TIMED_OUT } from './siliconCase.ts';

const processor = Processor.open();
if (typeof processor === 'string') console.warn(`the comparison with the processor at hand is skipped: ${processor}`);

test.runIf(typeof processor !== 'string')(
  'every form of level 3 does what the processor at hand does, in every code size that there is',
  () => {
    const { codeSizes, hasLocalTable } = processor as Processor;
    const forms = userForms().filter(({ size }) => codeSizes.includes(size));
    const generator = new Generator(1, forms, hasLocalTable);
    const groups = forms.flatMap(({ form, size }) => generator.make(form, size, 2) ?? []);
    const cases = groups.flatMap(({ insns, cases: some }) => some.map((one) => ({ insns, one })));
    const outcomes = (processor as Processor).run(cases.map(({ one }) => one));
    const models = ENGINES.map((engine) => new Model(engine));
    const failures = cases.flatMap(({ insns, one }, i) => {
      const expected = outcomes[i]!;
      if (expected.vector === TIMED_OUT || isUndefined(insns, one)) return [];
      return models.flatMap((model) => {
        const actual = model.run(one);
        if (typeof actual === 'string') return [actual];
        const found = differences(insns, one, expected, actual);
        if (found.length > 0 && isUnsteady(processor as Processor, insns, one, actual)) return [];
        return found.map((what) => `${insns[0]!.form}: ${what}`);
      });
    });
    (processor as Processor).close();
    expect(failures).toEqual([]);
    expect(cases.length).toBeGreaterThan(1400 * codeSizes.length);
  },
);
