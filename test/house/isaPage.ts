/** docs/isa.md: every instruction form up to the level that CPUID advertises, and how far its meaning is verified. */
import { CpuidTable } from '../../src/cpu/cpuid.ts';
import { codeModeOf } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import { type Form, type FormClass, formCatalogue } from '../../src/cpu/decode/formCatalogue.ts';
import { isAdvertised } from '../../src/cpu/features.ts';
import { SYSTEM_OPERATIONS } from '../../src/cpu/system/operations.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { everyForm } from '../arbitraries/everyForm.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';
import { encodeForm } from '../silicon/encodings.ts';
import { restartForms } from '../silicon/faultRestart.ts';
import { RandomSource } from '../silicon/random.ts';
import { CODE_BASES } from '../silicon/surroundings.ts';
import { readVectorRecords } from '../silicon/vectorRecords.ts';
import { readVectors } from '../silicon/vectors.ts';
import { readX87Records } from '../silicon/x87Records.ts';

const STATUSES = ['verified on silicon', 'verified by properties', 'implemented', 'invalid', 'absent'] as const;
type Status = (typeof STATUSES)[number];

const CLASSES: readonly (readonly [FormClass, string])[] = [
  ['general', 'General-purpose and system instructions'],
  ['x87', 'x87 floating point'],
  ['vector', 'MMX, SSE and what follows'],
];

const decoder = new Decoder(SYSTEM_OPERATIONS, FLAT_COSTS);
const operations = new Set(Object.values(SYSTEM_OPERATIONS));
/** The operation of UD2: what always raises #UD. */
const invalid = decoder.decode(Uint8Array.of(0x0f, 0x0b), 0, codeModeOf(64, false))!.operation;

/** Whether the decoder finds a meaning or an operation for the form; undefined when no encoding of it was found. */
function meaningOf(form: Form): 'implemented' | 'invalid' | 'absent' | undefined {
  const random = new RandomSource(1);
  for (const size of [...form.sizes].reverse()) {
    const encoded = encodeForm(form, size, random, () => 0x2_0800);
    if (encoded === undefined) continue;
    const { kind, operation } = decoder.decode(encoded.bytes, 0, codeModeOf(size, size === 32))!;
    if (kind !== 'system' || operations.has(operation)) return 'implemented';
    return operation === invalid ? 'invalid' : 'absent';
  }
  return undefined;
}

/** The status of each form, by its name. */
function formStatuses(forms: readonly Form[]): ReadonlyMap<string, Status> {
  // That an instruction is forbidden at level 3 says nothing about what it does.
  const ran = readVectors().filter(({ case: one, outcome }) => outcome.rip !== BigInt(one.origin - CODE_BASES[one.codeSize]));
  const vectors = readVectorRecords().filter(({ outcome }) => outcome.fault === '');
  const x87 = readX87Records().filter(({ outcome }) => outcome.fault === '');
  const silicon = new Set([...ran, ...vectors, ...x87].map(({ form }) => form));
  const properties = new Set([...everyForm().map(({ form }) => form), ...restartForms([64, 32, 16]).map(({ form }) => form.form)]);
  return new Map(
    forms.map((form) => {
      if (silicon.has(form.form)) return [form.form, 'verified on silicon'];
      const found = meaningOf(form) ?? 'absent';
      if (found === 'absent') return [form.form, found];
      return [form.form, found === 'implemented' && properties.has(form.form) ? 'verified by properties' : found];
    }),
  );
}

/** In some code size of Intel's processors, and advertised. UD0 without a ModRM byte is AMD's reading. */
const isListed = (form: Form, cpuid: CpuidTable): boolean =>
  form.sizes.length > 0 && form.form !== 'Ud0' && isAdvertised(form.mnemonic, form.features, cpuid);

export function isaPage(): string {
  const cpuid = new CpuidTable(ivybridge.identity, ivybridge.frequencyHz, 1);
  const forms = formCatalogue();
  const listed = forms.filter((form) => isListed(form, cpuid));
  const statuses = formStatuses(listed);
  const lines = [
    '# Instruction set',
    '',
    'Every instruction form (by the decoder’s names) that CPUID advertises, and how far its meaning is verified. Written by `npm run docs`; do not edit.',
    '',
    '- *verified on silicon*: recorded vectors of a real processor (`test/silicon/vectors`) are replayed on every engine by the test suite.',
    '- *verified by properties*: covered by properties over all forms (`test/properties`, `test/engines`), not by vectors: what level 3 cannot execute, or vendors do differently.',
    '- *implemented*: has a meaning or a system operation, tested by hand where it is.',
    '- *invalid*: raises #UD by definition.',
    '- *absent*: stops the machine with status 75.',
    '',
    `| class | ${STATUSES.join(' | ')} | not advertised: #UD |`,
    `|---|${STATUSES.map(() => '---:').join('|')}|---:|`,
  ];
  for (const [kind, title] of CLASSES) {
    const mine = listed.filter((form) => form.class === kind);
    const counts = STATUSES.map((status) => mine.filter(({ form }) => statuses.get(form) === status).length);
    const others = forms.filter((form) => form.class === kind).length - mine.length;
    lines.push(`| ${title} | ${counts.join(' | ')} | ${others} |`);
  }
  for (const [kind, title] of CLASSES) {
    lines.push('', `## ${title}`, '');
    const mine = listed.filter((form) => form.class === kind);
    if (mine.length === 0) lines.push('None is advertised.');
    else lines.push('| instruction | status | forms |', '|---|---|---|', ...rowsOf(mine, statuses));
    lines.push('', `Not advertised: ${featuresOf(forms.filter((form) => form.class === kind && !isListed(form, cpuid)))}.`);
  }
  return `${lines.join('\n')}\n`;
}

/** One row for each mnemonic and status. */
function rowsOf(forms: readonly Form[], statuses: ReadonlyMap<string, Status>): string[] {
  const rows = new Map<string, string[]>();
  for (const { form, mnemonic } of forms) {
    const key = `${mnemonic.toUpperCase()} | ${statuses.get(form)}`;
    rows.set(key, [...(rows.get(key) ?? []), form]);
  }
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, names]) => `| ${key} | ${names.map((name) => `\`${name}\``).join(' ')} |`);
}

/** Features and how many forms want each. */
function featuresOf(forms: readonly Form[]): string {
  const counts = new Map<string, number>();
  for (const { features } of forms) {
    const key = features.join('+');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const parts = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([feature, count]) => `${feature} (${count})`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}
