/**
 * Records vectors on the processor at hand: `npm run record:silicon -- [--seed N] [--only general|vector|x87]`. For every form and code size one case that runs through, where
 * there is one, and one that faults; both must be what the reference engine does, which long runs of test:silicon have shown before.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { toolOptions } from '../../scripts/toolOptions.ts';
import { RSP } from '../../src/arch/registers.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { differences, isUndefined } from './comparison.ts';
import { Generator, userForms } from './generator.ts';
import { Model } from './model.ts';
import { Processor, processorName } from './processor.ts';
import { type Outcome, type SiliconCase, TIMED_OUT } from './siliconCase.ts';
import { CODE_BASES } from './surroundings.ts';
import { recordVectors } from './vectorRecorder.ts';
import { VECTOR_RECORDS, vectorRecordLine } from './vectorRecords.ts';
import { VECTORS, vectorLine } from './vectors.ts';
import { recordX87 } from './x87Recorder.ts';
import { X87_RECORDS, x87RecordLine } from './x87Records.ts';

const TRIES = 16;
const STATES = 3;

const values = toolOptions('npm run record:silicon --', 'Vectors of the processor at hand, for test/silicon/vectors.', {
  seed: { kind: 'number', doc: 'of the cases (1)' },
  only: { kind: 'text', choices: ['general', 'vector', 'x87'], doc: 'one family of forms (all)' },
});
const { seed = 1 } = values;
const isWanted = (what: string): boolean => values.only === undefined || values.only === what;
if (isWanted('general')) recordGeneral();
if (isWanted('vector')) {
  const records = recordVectors(seed);
  write(VECTOR_RECORDS, records.map(vectorRecordLine), 'vectorRecords.ts');
  console.log(`${records.length} vectors of ${new Set(records.map(({ form }) => form)).size} SSE forms`);
}
if (isWanted('x87')) {
  const records = recordX87(seed);
  write(X87_RECORDS, records.map(x87RecordLine), 'x87Records.ts');
  console.log(`${records.length} vectors of ${new Set(records.map(({ form }) => form)).size} x87, MMX and state forms`);
}

function recordGeneral(): void {
  const processor = Processor.open();
  if (typeof processor === 'string') throw new Error(processor);
  if (!processor.hasLocalTable) throw new Error('this host has no 16- and 32-bit code to record');
  const model = new Model('reference');
  const forms = userForms();
  const generator = new Generator(seed, forms);
  const lines: string[] = [];
  for (const { form, size } of forms) {
    const groups = [];
    for (let i = 0; i < TRIES && groups.length < 8 * STATES; i++) {
      const group = generator.make(form, size, STATES);
      if (group?.insns.length === 1) groups.push(...group.cases.map((one) => ({ insns: group.insns, one: lean(one, group.insns[0]!) })));
    }
    const outcomes = processor.run(groups.map(({ one }) => one));
    const kept = new Set<string>();
    groups.forEach(({ insns, one }, i) => {
      const outcome = outcomes[i]!;
      if (outcome.vector === TIMED_OUT || isUndefined(insns, one) || outcome.changes.length > 6) return;
      const kind = ranThrough(one, outcome) ? 'through' : 'fault';
      if (kept.has(kind)) return;
      const actual = model.run(one);
      if (typeof actual === 'string' || differences(insns, one, outcome, actual).length > 0) return;
      kept.add(kind);
      // What a small stack leaves above SP is the harness's.
      const gpr = outcome.gpr.map((value, i) => (i === RSP && one.smallStack ? value & 0xffffn : value));
      lines.push(vectorLine({ form: form.form, case: one, outcome: { ...outcome, gpr } }));
    });
  }
  processor.close();
  write(VECTORS, lines, 'vectors.ts');
  console.log(`${lines.length} vectors of ${forms.length} forms by code size`);
}

function write(path: string, lines: readonly string[], format: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const head = [
    `# Recorded with npm run record:silicon -- --seed ${seed} on: ${processorName()}.`,
    `# The format is described in test/silicon/${format}.`,
  ];
  writeFileSync(path, `${[...head, ...lines].join('\n')}\n`);
}

/** Registers that the instruction does not name are 0 when they are not among the first eight, to keep the files small. */
function lean(one: SiliconCase, { operands, memory }: Instruction): SiliconCase {
  const named = new Set([RSP, memory?.base ?? -1, memory?.index ?? -1, ...operands.map(({ register }) => register & 15)]);
  return { ...one, gpr: one.gpr.map((value, i) => (i < 8 || named.has(i) ? value : 0n)) };
}

function ranThrough(one: SiliconCase, { rip }: Outcome): boolean {
  return rip !== BigInt(one.origin - CODE_BASES[one.codeSize]);
}
