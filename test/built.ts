import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../scripts/sources.ts';

const PATIENCE_MS = 120_000;

/** dist/ is what the sources say. Test files run side by side in processes of one parent: the first one builds, the others wait for it. */
export function ensureBuilt(): void {
  const lock = join(tmpdir(), `parapet-build-${process.ppid}-${ROOT.replaceAll(/\W/g, '-')}`);
  const done = join(lock, 'done');
  try {
    mkdirSync(lock);
  } catch {
    const start = Date.now();
    while (!existsSync(done)) {
      if (Date.now() - start > PATIENCE_MS) throw new Error(`another test file should have built dist/ and has not: ${lock}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
    return;
  }
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'pipe',
  });
  writeFileSync(done, '');
}
