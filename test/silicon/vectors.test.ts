/** SSE in both engines: what a processor did, from recorded vectors; and the processor at hand, where gcc and an x86-64 Linux are. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CODE_64 } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';
import { Tally } from './family.ts';
import { vectorForms } from './vectorCases.ts';
import { vectorDifferences } from './vectorComparison.ts';
import { vectorFamily } from './vectorFamily.ts';
import { VectorModel } from './vectorModel.ts';
import { parseVectorRecord, readVectorRecords, VECTOR_RECORDS, type VectorRecord, vectorRecordLine } from './vectorRecords.ts';

const REGRESSIONS = 'test/regressions/silicon';
const records = readVectorRecords();
const decoder = new Decoder({}, FLAT_COSTS);

function failuresOf(model: VectorModel, recorded: readonly VectorRecord[]): string[] {
  return recorded.flatMap(({ form, test: one, outcome }) => {
    const actual = model.run(one);
    if (typeof actual === 'string') return [`${actual} is not implemented`];
    return vectorDifferences(decoder.decode(one.code, 0, CODE_64)!, outcome, actual).map((what) => `${form}: ${what}`);
  });
}

test.for(ENGINES)('the %s engine does with SSE what the recorded processor did', (engine) => {
  expect(failuresOf(new VectorModel(engine), records)).toEqual([]);
});

test('there are vectors of every SSE form that is compared with processors', () => {
  const known = new Set(records.map(({ form }) => form));
  expect([...vectorForms().keys()].filter((form) => !known.has(form))).toEqual([]);
  expect(statSync(VECTOR_RECORDS).size).toBeLessThan(500_000);
});

test('a recorded SSE case is read as it was written', () => {
  for (const record of records.slice(0, 300))
    expect(vectorRecordLine(parseVectorRecord(vectorRecordLine(record)))).toBe(vectorRecordLine(record));
});

test('a wrong lane does not pass', () => {
  const record = records.find(({ form }) => form === 'Paddb_xmm_xmmm128')!;
  const xmm = record.outcome.xmm.map((half) => half ^ 1n);
  expect(failuresOf(new VectorModel('reference'), [{ ...record, outcome: { ...record.outcome, xmm } }])).not.toEqual([]);
});

const family = vectorFamily({ engines: ENGINES, pattern: /(?:)/, size: undefined });
test.runIf(typeof family !== 'string')('random SSE instructions do what the processor at hand does', () => {
  if (typeof family === 'string') return;
  const tally = new Tally();
  const findings = family.compare(1, tally);
  family.close();
  expect(findings.map((finding) => finding.explain().text)).toEqual([]);
  expect([...family.missing]).toEqual([]);
  expect(tally.cases).toBeGreaterThan(2000);
});

const regressions = existsSync(REGRESSIONS)
  ? readdirSync(REGRESSIONS).filter((file) => file.endsWith('.txt') && !file.endsWith('.x87.txt'))
  : [];
test.runIf(regressions.length > 0).for(regressions)('%s: no difference any more', (file) => {
  const record = parseVectorRecord(readFileSync(join(REGRESSIONS, file), 'utf8').trim());
  for (const engine of ENGINES) expect(failuresOf(new VectorModel(engine), [record])).toEqual([]);
});
