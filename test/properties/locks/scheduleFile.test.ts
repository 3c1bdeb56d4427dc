/** Files with a run of a lock, as `npm run fuzz:locks` writes and reads them. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { LockRig } from './lockRig.ts';
import { readFinding, writeFinding } from './scheduleFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'parapet-schedule-'));
afterAll(() => rmSync(folder, { recursive: true }));
const KEPT = join(import.meta.dirname, '../../regressions/locks');
const kept = readdirSync(KEPT).map((file) => readFinding(join(KEPT, file)));
const file = join(folder, 'schedule.json');

test('a run that is written is the run that is read, and what happens in it can be told', () => {
  for (const finding of kept) {
    writeFinding(file, finding);
    expect(readFinding(file)).toEqual(finding);
    const { case: one, violation } = finding;
    const told: string[] = [];
    const rig = new LockRig(LOCKS.find(({ name }) => name === one.lock)!, one.parameters);
    expect(rig.run(one, (text) => told.push(text))).toBe(violation);
    expect(told.filter((text) => text.includes('wants lock_a')).length).toBeGreaterThan(1);
    expect(rig.run(one)).toBe(violation);
  }
});

test.each([
  ['not JSON', '{', 'is no JSON'],
  ['a list', '[]', 'it has no "case"'],
  ['an unknown lock', { lock: 'prayer' }, "there is no lock 'prayer'"],
  ['a parameter out of range', { parameters: { 'lock-marks': 1, 'lock-unit': 99 } }, 'lock-unit is from 0 to 14'],
  ['a parameter that is missing', { parameters: {} }, 'lock-marks is from 0 to 1'],
  ['a fraction', { beforeWrap: 0.5 }, '"beforeWrap" is a whole number'],
  ['no core', { cores: [] }, '"cores" are 1 to 4'],
  ['a core that does something else', { cores: [{ kind: 'sleep', rounds: 1, masked: false }] }, '"cores" are 1 to 4'],
  ['no schedule', { schedule: 3 }, 'decision 0 of its "schedule" is none'],
  ['a bad decision', { schedule: [['kicks'], ['run', 1]] }, 'decision 1 of its "schedule" is none'],
  ['an unknown decision', { schedule: [['toString']] }, 'decision 0 of its "schedule" is none'],
] as const)('%s is refused with one line', (_what, change, message) => {
  writeFileSync(file, typeof change === 'string' ? change : JSON.stringify({ case: { ...kept[0]!.case, ...change } }));
  expect(() => readFinding(file)).toThrow(message);
  expect(() => readFinding(file)).toThrow(/^[^\n]+$/);
});

test('a file that is not there is refused', () => expect(() => readFinding(join(folder, 'none'))).toThrow('cannot be read: ENOENT'));
