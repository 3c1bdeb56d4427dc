/** SSE instructions in 64-bit code, with MXCSR and floating-point exceptions, as a family. */
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import type { Family, Finding, Tally } from './family.ts';
import type { FamilyOptions } from './generalFamily.ts';
import { VectorCaseGenerator, vectorForms } from './vectorCases.ts';
import { describeVectorCase, vectorDifferences } from './vectorComparison.ts';
import { VectorModel } from './vectorModel.ts';
import { vectorRecordLine } from './vectorRecords.ts';
import { compileVectorHarness } from './vectorSilicon.ts';

const STATES = 12;
const BATCH = 400;

/** Or why the processor cannot be asked. */
export function vectorFamily({ engines, pattern, size }: FamilyOptions): Family | string {
  const features = vectorForms();
  if (![...features.keys()].some((form) => pattern.test(form)) || (size ?? 64) !== 64) return 'no form is chosen';
  const compiled = compileVectorHarness();
  if (compiled === undefined) return 'gcc cannot compile vectorHarness.c here';
  const harness = compiled;
  const models = new Map<EngineName, VectorModel>(engines.map((name) => [name, new VectorModel(name)]));
  const missing = new Set<string>();
  return {
    name: 'vector',
    notes: [`${[...features.keys()].filter((form) => pattern.test(form)).length} vector forms`],
    missing,
    compare: (seed: number, tally: Tally): Finding[] => {
      const findings: Finding[] = [];
      const generator = new VectorCaseGenerator(seed);
      const cases = [];
      while (cases.length < BATCH * STATES) cases.push(...generator.group(STATES, ({ form }) => pattern.test(form)));
      const outcomes = harness.run(cases.map(({ test }) => test));
      cases.forEach(({ test, insn }, i) => {
        const expected = outcomes[i]!;
        const row = tally.count(`vector, ${features.get(insn.form)}`, insn.mnemonic);
        for (const [engine, model] of models) {
          const actual = model.run(test);
          if (typeof actual === 'string') {
            missing.add(`${insn.form}: ${actual}`);
            continue;
          }
          const found = vectorDifferences(insn, expected, actual);
          if (found.length === 0) continue;
          row.differences++;
          findings.push({
            form: insn.form,
            engine,
            kind: found[0]!.split(' ')[0]!,
            explain: () => ({
              text: `${engine} ${describeVectorCase(insn, test)}: ${found.join('; ')}`,
              file: `${insn.form}.txt`,
              contents: `${vectorRecordLine({ form: insn.form, test, outcome: expected })}\n`,
            }),
          });
        }
      });
      return findings;
    },
    close: () => harness.remove(),
  };
}
