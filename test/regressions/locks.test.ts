/**
 * Runs of locks under a fixed schedule (test/properties/locks), a file each: what the property found, shrunk, and what is wrong with it. Every other
 * lock must get through the same schedules.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LOCKS } from '../../src/kernels/lib/locks/locks.ts';
import { LockRig } from '../properties/locks/lockRig.ts';
import { readFinding } from '../properties/locks/scheduleFile.ts';
import { parametersOf } from '../properties/locks/smallParameters.ts';

const DIRECTORY = join(import.meta.dirname, 'locks');
const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.json'));
const findings = files.map((file) => readFinding(join(DIRECTORY, file)));

test.each(files.map((file, index) => ({ file, finding: findings[index]! })))('$file', ({ finding }) => {
  const lock = LOCKS.find(({ name }) => name === finding.case.lock)!;
  expect(new LockRig(lock, finding.case.parameters).run(finding.case)).toBe(finding.violation);
});

test.each(LOCKS.filter(({ name }) => name !== 'preemptable-v1').map((lock) => ({ name: lock.name, lock })))(
  '$name gets through all of them',
  ({ lock }) => {
    const parameters = parametersOf(lock)[0]!;
    const rig = new LockRig(lock, parameters);
    expect(findings.map((finding) => rig.run({ ...finding.case, lock: lock.name, parameters }))).toEqual(findings.map(() => undefined));
  },
);
