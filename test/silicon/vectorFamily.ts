/** SSE instructions in 64-bit code, with MXCSR and floating-point exceptions, as a family. */
import { MXCSR_RESET } from '../../src/arch/mxcsr.ts';
import { RFLAGS_FIXED, RFLAGS_IF } from '../../src/arch/rflags.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import type { Family, Finding, Tally } from './family.ts';
import { BATCH_SHARE, type FamilyOptions } from './generalFamily.ts';
import { placeTogether } from './sharedPage.ts';
import { type PlainStep, plainBytes, plainField, plainList, shrinkState } from './stateShrink.ts';
import { VectorCaseGenerator, vectorForms } from './vectorCases.ts';
import { describeVectorCase, vectorDifferences } from './vectorComparison.ts';
import { VectorModel } from './vectorModel.ts';
import { vectorRecordLine } from './vectorRecords.ts';
import { compileVectorHarness, DATA_SIZE, type VectorCase } from './vectorSilicon.ts';

/** Of each encoding: generated code is compiled once for all of them. */
const STATES = 24;

const STEPS: readonly PlainStep<VectorCase>[] = [
  plainField<VectorCase, 'flags'>('flags', RFLAGS_FIXED | RFLAGS_IF),
  plainField<VectorCase, 'mxcsr'>('mxcsr', MXCSR_RESET),
  ...plainBytes<VectorCase>(
    DATA_SIZE,
    32,
    ({ data }) => data,
    (test, data) => ({ ...test, data }),
  ),
  ...plainList<VectorCase, bigint>(
    16,
    1,
    0n,
    ({ gpr }) => gpr,
    (test, gpr) => ({ ...test, gpr }),
  ),
  ...plainList<VectorCase, bigint>(
    32,
    2,
    0n,
    ({ xmm }) => xmm,
    (test, xmm) => ({ ...test, xmm }),
  ),
];

/** Or why the processor cannot be asked. */
export function vectorFamily({ engines, pattern, size }: FamilyOptions): Family | string {
  const features = vectorForms();
  if (![...features.keys()].some((form) => pattern.test(form)) || (size ?? 64) !== 64) return 'no form is chosen';
  const compiled = compileVectorHarness();
  if (compiled === undefined) return 'gcc cannot compile vectorHarness.c here';
  const harness = compiled;
  const models = new Map<EngineName, VectorModel>(engines.map((name) => [name, new VectorModel(name)]));
  const missing = new Set<string>();
  const forms = [...features.keys()].filter((form) => pattern.test(form));
  let next = 0;
  return {
    name: 'vector',
    notes: [`${forms.length} vector forms`],
    missing,
    compare: (seed: number, tally: Tally): Finding[] => {
      const findings: Finding[] = [];
      const generator = new VectorCaseGenerator(seed);
      const count = Math.ceil(forms.length * BATCH_SHARE);
      const groups = Array.from({ length: count }, () => generator.groupOf(forms[next++ % forms.length]!, STATES));
      const places = placeTogether(groups.map(([first]) => first!.test.code));
      const cases = groups.flatMap((group, i) => group.map((one) => ({ ...one, place: places[i]! })));
      const outcomes = harness.run(cases.map(({ test }) => test));
      cases.forEach(({ test, insn, place }, i) => {
        const expected = outcomes[i]!;
        const row = tally.count(`vector, ${features.get(insn.form) ?? 'SSE from MMX operands'}`, insn.mnemonic);
        for (const [engine, model] of models) {
          const actual = model.run(test, place);
          if (typeof actual === 'string') {
            missing.add(`${insn.form}: ${actual}`);
            continue;
          }
          const found = vectorDifferences(insn, expected, actual);
          if (found.length === 0) continue;
          const repeats = (): boolean => vectorDifferences(insn, harness.run([test])[0]!, actual).length > 0;
          if (![1, 2, 3].every(repeats)) {
            row.unsteady++;
            continue;
          }
          row.differences++;
          findings.push({
            form: insn.form,
            engine,
            kind: found[0]!.split(' ')[0]!,
            explain: () => {
              const judge = (one: VectorCase): string[] => {
                const outcome = model.run(one);
                return typeof outcome === 'string' ? [] : vectorDifferences(insn, harness.run([one])[0]!, outcome);
              };
              const plainest = shrinkState(test, STEPS, judge) ?? { test, differences: found };
              return {
                text: `${engine} ${describeVectorCase(insn, plainest.test)}: ${plainest.differences.join('; ')}`,
                file: `${insn.form}.txt`,
                contents: `${vectorRecordLine({ form: insn.form, test: plainest.test, outcome: harness.run([plainest.test])[0]! })}\n`,
              };
            },
          });
        }
      });
      return findings;
    },
    close: () => harness.remove(),
  };
}
