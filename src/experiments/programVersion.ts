import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM_NAMES, programBytes } from '../kernels/workloads/programFile.ts';

const PROGRAM = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM_FILE = /(?<!\.d)\.(js|ts)$/;

/**
 * SHA-256 of the program's own files, the compiled programs for guests among them: what measured a result, so that a result of another program is
 * never taken for one of this one. A version number would not do: between two releases the program changes and the number does not.
 */
export function programVersion(folder: string = PROGRAM, guestProgram: typeof programBytes = programBytes): string {
  const hash = createHash('sha256');
  for (const name of PROGRAM_NAMES) hash.update(createHash('sha256').update(guestProgram(name)).digest());
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => PROGRAM_FILE.test(path));
  for (const path of files.sort()) hash.update(`${path.replaceAll('\\', '/')}\0`).update(readFileSync(join(folder, path)));
  return hash.digest('hex');
}
