import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Paths of the files under `folder`, relative to the root, with forward slashes, sorted. */
export function filesUnder(folder: string, ending = '.ts'): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

export const readSource = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** What a file imports: paths relative to the root, and names of packages. Type imports count: they are knowledge, too. */
export function importsOf(path: string): string[] {
  const source = readSource(path);
  const statements = source.matchAll(/^(?:(?:import|export)\b[^'"`\n;=]*\bfrom |import |\} from )'([^'\n]+)';$/gm);
  const calls = source.matchAll(/\bimport\('([^'\n]+)'\)/g);
  return [...statements, ...calls].map(([, specifier]) => resolveImport(path, specifier!));
}

const resolveImport = (from: string, specifier: string): string =>
  specifier.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(from), specifier)).replaceAll('\\', '/') : specifier;
