/** x87 instructions, MMX, and what saves and restores them and the XMM registers, in 64-bit code: three families. */
import { MXCSR_RESET } from '../../src/arch/mxcsr.ts';
import { RFLAGS_FIXED, RFLAGS_IF } from '../../src/arch/rflags.ts';
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import type { Family, Finding, Tally } from './family.ts';
import { BATCH_SHARE, type FamilyOptions } from './generalFamily.ts';
import { placeTogether } from './sharedPage.ts';
import { type PlainStep, plainBytes, plainField, plainList, shrinkState } from './stateShrink.ts';
import { X87CaseGenerator, type X87Set, x87Forms } from './x87Cases.ts';
import { describeX87Case, x87Differences } from './x87Comparison.ts';
import { X87Model } from './x87Model.ts';
import { x87RecordLine } from './x87Records.ts';
import { compileX87Harness, DATA_SIZE, type X87Case } from './x87Silicon.ts';

/** Of each encoding: generated code is compiled once for all of them. */
const STATES = 24;

const STEPS: readonly PlainStep<X87Case>[] = [
  plainField<X87Case, 'flags'>('flags', RFLAGS_FIXED | RFLAGS_IF),
  plainField<X87Case, 'mxcsr'>('mxcsr', MXCSR_RESET),
  plainField<X87Case, 'status'>('status', 0),
  plainField<X87Case, 'control'>('control', 0x37f),
  plainField<X87Case, 'inUse'>('inUse', 0xff),
  ...plainBytes<X87Case>(
    DATA_SIZE,
    64,
    ({ memory }) => memory,
    (test, memory) => ({ ...test, memory }),
  ),
  ...plainList<X87Case, bigint>(
    16,
    1,
    0n,
    ({ gpr }) => gpr,
    (test, gpr) => ({ ...test, gpr }),
  ),
  ...plainList<X87Case, bigint>(
    32,
    2,
    0n,
    ({ xmm }) => xmm,
    (test, xmm) => ({ ...test, xmm }),
  ),
  ...plainList<X87Case, bigint>(
    8,
    1,
    0n,
    ({ stack }) => stack,
    (test, stack) => ({ ...test, stack }),
  ),
];

/** Or why the processor cannot be asked. */
export function x87Family(set: X87Set, { engines, pattern, size }: FamilyOptions): Family | string {
  const features = x87Forms(set);
  const forms = [...features.keys()].filter((form) => pattern.test(form));
  if (forms.length === 0 || (size ?? 64) !== 64) return 'no form is chosen';
  const compiled = compileX87Harness();
  if (compiled === undefined) return 'gcc cannot compile x87Harness.c here';
  const harness = compiled;
  const models = new Map<EngineName, X87Model>(engines.map((name) => [name, new X87Model(name)]));
  const missing = new Set<string>();
  // WAIT is general-purpose by its operands, and waits for this unit.
  if (set === 'x87' && pattern.test('Wait')) forms.push('Wait');
  let next = 0;

  return {
    name: set,
    notes: [`${forms.length} ${set === 'state' ? 'forms that save and restore state' : `${set} forms`}`],
    missing,
    compare: (seed: number, tally: Tally): Finding[] => {
      const findings: Finding[] = [];
      const generator = new X87CaseGenerator(seed);
      const count = Math.ceil(forms.length * BATCH_SHARE);
      const groups = Array.from({ length: count }, () => generator.groupOf(set, forms[next++ % forms.length]!, STATES));
      const places = placeTogether(groups.map(([first]) => first!.test.code));
      const cases = groups.flatMap((group, i) => group.map((one) => ({ ...one, place: places[i]! })));
      const outcomes = harness.run(cases.map(({ test }) => test));
      cases.forEach(({ test, insn, place }, i) => {
        const expected = outcomes[i]!;
        const row = tally.count(`${set}, ${features.get(insn.form) ?? 'FPU'}`, insn.mnemonic);
        for (const [engine, model] of models) {
          const actual = model.run(test, place);
          if (typeof actual === 'string') {
            missing.add(`${insn.form}: ${actual}`);
            continue;
          }
          const found = x87Differences(insn, expected, actual);
          if (found.length === 0) continue;
          const repeats = (): boolean => x87Differences(insn, harness.run([test])[0]!, actual).length > 0;
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
              const judge = (one: X87Case): string[] => {
                const outcome = model.run(one);
                return typeof outcome === 'string' ? [] : x87Differences(insn, harness.run([one])[0]!, outcome);
              };
              const plainest = shrinkState(test, STEPS, judge) ?? { test, differences: found };
              return {
                text: `${engine} ${describeX87Case(insn, plainest.test)}: ${plainest.differences.join('; ')}`,
                file: `${insn.form}.x87.txt`,
                contents: `${x87RecordLine({ form: insn.form, test: plainest.test, outcome: harness.run([plainest.test])[0]! })}\n`,
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
