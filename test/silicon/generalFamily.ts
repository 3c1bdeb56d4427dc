/** General-purpose instructions of level 3 in 16-, 32- and 64-bit code, with their faults, as a family. */
import type { EngineName } from '../../src/cpu/engines/registry.ts';
import { differences, isUndefined, isUnsteady } from './comparison.ts';
import type { Family, Finding, Tally } from './family.ts';
import { type GeneratedCases, Generator, NOT_COMPARED, userForms } from './generator.ts';
import { Model } from './model.ts';
import { Processor } from './processor.ts';
import { placePieces } from './sharedPage.ts';
import { shrink } from './shrink.ts';
import { caseText, outcomeText, type SiliconCase, TIMED_OUT } from './siliconCase.ts';

/** Of each encoding: generated code is compiled once for all of them. */
const STATES = 24;
/** Of the forms, in one batch. */
export const BATCH_SHARE = 0.5;

export interface FamilyOptions {
  readonly engines: readonly EngineName[];
  /** Of forms. */
  readonly pattern: RegExp;
  readonly size: number | undefined;
}

/** The groups, those of 64-bit code together in their pages, page by page. */
function shareCode(groups: readonly GeneratedCases[]): GeneratedCases[] {
  const wide = groups.filter(({ cases }) => cases[0]!.codeSize === 64);
  const places = placePieces(wide.map(({ insns, cases }) => ({ insns, ...cases[0]! })));
  const moved = wide.map((group, i) => {
    const { origin, page } = places[i]!;
    return page === undefined ? group : { ...group, cases: group.cases.map((one) => ({ ...one, origin, page })) };
  });
  const isAlone = ({ cases }: GeneratedCases): boolean => cases[0]!.page === undefined;
  return [...groups.filter((group) => !wide.includes(group)), ...moved.filter(isAlone), ...moved.filter((group) => !isAlone(group))];
}

/** Or why the processor cannot be asked. */
export function generalFamily({ engines, pattern, size }: FamilyOptions): Family | string {
  const opened = Processor.open();
  if (typeof opened === 'string') return opened;
  const processor = opened;
  const all = userForms().filter((one) => processor.codeSizes.includes(one.size));
  const forms = all.filter((one) => pattern.test(one.form.form) && (size === undefined || one.size === size));
  if (forms.length === 0) return 'no form is chosen';
  const models = new Map(engines.map((name) => [name, new Model(name)]));
  const missing = new Set<string>();
  let next = 0;

  function finding(engine: EngineName, form: string, one: SiliconCase, found: readonly string[]): Finding {
    return {
      form,
      engine,
      kind: `${one.codeSize} ${found[0]!.split(' ')[0]}`,
      explain: () => {
        const small = shrink(one, processor, models.get(engine)!);
        const file = `${form}-${one.codeSize}.json`;
        if (small === undefined) {
          const contents = JSON.stringify({ about: form, engine, difference: found, case: caseText(one) });
          return { text: `${engine} ${form}: does not show again: ${found.join('; ')}`, file: `unstable-${file}`, contents };
        }
        const text = {
          about: form,
          engine,
          difference: small.differences,
          case: caseText(small.case),
          outcome: outcomeText(small.expected),
        };
        return {
          text: `${engine} ${form} (${one.codeSize}-bit) ${text.case.code}: ${small.differences.join('; ')}\n   ${small.summary}`,
          file,
          contents: `${JSON.stringify(text, null, 1)}\n`,
        };
      },
    };
  }

  return {
    name: 'general',
    notes: [
      `${forms.length} general-purpose forms (by code size)`,
      ...(processor.hasLocalTable ? [] : ["not compared: 16- and 32-bit code, local descriptors: this host's kernel has neither"]),
      ...NOT_COMPARED.map(([what, why]) => `not compared: ${what.source.replace(/^\^|\(\?:|\)/g, '')}: ${why}`),
    ],
    missing,
    compare: (seed: number, tally: Tally): Finding[] => {
      const findings: Finding[] = [];
      const generator = new Generator(seed, all, processor.hasLocalTable);
      const made: GeneratedCases[] = [];
      for (let i = 0; i < forms.length * BATCH_SHARE; i++) {
        const { form, size: codeSize } = forms[next++ % forms.length]!;
        const group = generator.make(form, codeSize, STATES);
        if (group !== undefined) made.push(group);
      }
      const groups = shareCode(made);
      const outcomes = processor.run(groups.flatMap(({ cases }) => cases));
      let at = 0;
      for (const { form, insns, cases } of groups) {
        for (const one of cases) {
          const expected = outcomes[at++]!;
          if (expected.vector === TIMED_OUT || isUndefined(insns, one)) continue;
          const row = tally.count(`general, ${one.codeSize}-bit code`, form.mnemonic);
          for (const [name, model] of models) {
            // Compiled code is 64-bit code only; the reference engine runs the rest for both.
            if (name === 'jit' && one.codeSize !== 64 && models.size > 1) continue;
            const actual = model.run(one);
            if (typeof actual === 'string') {
              missing.add(`${form.form}: ${actual}`);
              continue;
            }
            const found = differences(insns, one, expected, actual);
            if (found.length === 0) continue;
            if (isUnsteady(processor, insns, one, actual)) {
              row.unsteady++;
              continue;
            }
            row.differences++;
            findings.push(finding(name, form.form, one, found));
          }
        }
      }
      return findings;
    },
    close: () => processor.close(),
  };
}
