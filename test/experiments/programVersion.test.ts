import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programVersion } from '../../src/experiments/programVersion.ts';

test('a version is another one when a source changes, and when a compiled program for guests does', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parapet-version-'));
  const programs = (last: number) => () => Uint8Array.of(0x7f, last);
  try {
    writeFileSync(join(folder, 'one.js'), 'one');
    writeFileSync(join(folder, 'two.d.ts'), 'no program');
    const version = programVersion(folder, programs(1));
    expect(programVersion(folder, programs(1))).toBe(version);
    expect(programVersion(folder, programs(2))).not.toBe(version);
    writeFileSync(join(folder, 'two.d.ts'), 'changed');
    expect(programVersion(folder, programs(1))).toBe(version);
    writeFileSync(join(folder, 'one.js'), 'other');
    expect(programVersion(folder, programs(1))).not.toBe(version);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
