/** x87, MMX and saved state in both engines: what a processor did, from recorded vectors; and the processor at hand, where gcc and an x86-64 Linux are. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CODE_64 } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';
import { Tally } from './family.ts';
import { X87_SETS, x87Forms } from './x87Cases.ts';
import { x87Differences } from './x87Comparison.ts';
import { x87Family } from './x87Family.ts';
import { X87Model } from './x87Model.ts';
import { parseX87Record, readX87Records, X87_RECORDS, type X87Record, x87RecordLine } from './x87Records.ts';

const REGRESSIONS = 'test/regressions/silicon';
const records = readX87Records();
const decoder = new Decoder({}, FLAT_COSTS);

function failuresOf(model: X87Model, recorded: readonly X87Record[]): string[] {
  return recorded.flatMap(({ form, test: one, outcome }) => {
    const actual = model.run(one);
    if (typeof actual === 'string') return [`${actual} is not implemented`];
    return x87Differences(decoder.decode(one.code, 0, CODE_64)!, outcome, actual).map((what) => `${form}: ${what}`);
  });
}

test.for(ENGINES)('the %s engine does on the x87 unit and MMX registers what the recorded processor did', (engine) => {
  expect(failuresOf(new X87Model(engine), records)).toEqual([]);
});

test('there are vectors of every form that is compared with processors, and each of them ran through', () => {
  const known = new Set(records.filter(({ outcome }) => outcome.fault === '').map(({ form }) => form));
  const forms = X87_SETS.flatMap((set) => [...x87Forms(set).keys()]);
  expect(forms.length).toBeGreaterThan(250);
  expect(forms.filter((form) => !known.has(form))).toEqual([]);
  expect(statSync(X87_RECORDS).size).toBeLessThan(500_000);
});

test('a recorded case is read as it was written', () => {
  for (const record of records) expect(x87RecordLine(parseX87Record(x87RecordLine(record)))).toBe(x87RecordLine(record));
});

test.each([
  ['Fadd_st0_sti', (outcome: X87Record['outcome']) => ({ stack: outcome.stack.map((bits) => bits ^ 1n) })],
  ['Paddb_mm_mmm64', (outcome: X87Record['outcome']) => ({ stack: outcome.stack.map((bits) => bits ^ 1n) })],
  ['Xsave64_mem', (outcome: X87Record['outcome']) => ({ memory: outcome.memory.map((byte) => byte ^ 1) })],
  ['Fldcw_m2byte', (outcome: X87Record['outcome']) => ({ control: outcome.control ^ 0x400 })],
] as const)('a wrong result does not pass: %s', (wanted, spoil) => {
  const record = records.find(({ form, outcome }) => form === wanted && outcome.fault === '')!;
  expect(failuresOf(new X87Model('reference'), [{ ...record, outcome: { ...record.outcome, ...spoil(record.outcome) } }])).not.toEqual([]);
});

describe.each(X87_SETS)('random cases of the family %s', (set) => {
  const family = x87Family(set, { engines: ENGINES, pattern: /(?:)/, size: undefined });
  test.runIf(typeof family !== 'string')('do what the processor at hand does', () => {
    if (typeof family === 'string') return;
    const tally = new Tally();
    // Half of the forms each.
    const findings = [...family.compare(1, tally), ...family.compare(2, tally)];
    family.close();
    expect(findings.slice(0, 10).map((finding) => finding.explain().text)).toEqual([]);
    expect([...family.missing]).toEqual([]);
    expect(tally.cases).toBeGreaterThan(12 * x87Forms(set).size);
  });
});

const regressions = existsSync(REGRESSIONS) ? readdirSync(REGRESSIONS).filter((file) => file.endsWith('.x87.txt')) : [];
test.runIf(regressions.length > 0).for(regressions)('%s: no difference any more', (file) => {
  const record = parseX87Record(readFileSync(join(REGRESSIONS, file), 'utf8').trim());
  for (const engine of ENGINES) expect(failuresOf(new X87Model(engine), [record])).toEqual([]);
});
