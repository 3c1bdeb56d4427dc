import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The result of `body`, which had a directory of its own that does not exist any more. */
export async function inTemporaryDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'parapet-bench-'));
  try {
    return await body(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
