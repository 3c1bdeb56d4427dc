import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesUnder, ROOT, readSource } from '../../scripts/sources.ts';
import { writeElf } from '../../src/asm/elf.ts';
import { buildGuest } from '../../src/kernels/guests.ts';
import { ensureBuilt } from '../built.ts';
import { runNode } from '../runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'parapet-readme-'));
beforeAll(() => {
  ensureBuilt();
  writeFileSync(join(folder, 'kernel.elf'), writeElf(buildGuest('hello').image));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Statuses other than 0 that a command of the README ends with, on purpose. */
const STATUS: Readonly<Record<string, number>> = { 'boot shootdown --cores 2 --shootdown none': 5 };

const readme = readSource('README.md');

describe('README', () => {
  const recipes = [...readme.matchAll(/`npx parapet ([^`]+)`/g)].map(([, command]) => command!);

  test('has recipes', () => {
    expect(recipes.length).toBeGreaterThan(8);
  });

  test.for([...new Set(recipes)])('npx parapet %s', { timeout: 300_000 }, async (command) => {
    const { status, stdout, stderr } = await runNode([join(ROOT, 'bin/parapet.js'), ...command.split(' ')], folder);
    expect({ status, stderr: stderr.includes('    at ') }).toEqual({ status: STATUS[command] ?? 0, stderr: false });
    expect(stdout.length).toBeGreaterThan(0);
  });

  const transcript = readme.split('```')[1]!;
  const shown = transcript.split('$ npx parapet ').slice(1);

  test('has a transcript', () => {
    expect(shown.length).toBeGreaterThan(0);
  });

  test.for(shown)('shows what really comes out: %s', async (piece) => {
    const [command, ...lines] = piece.trimEnd().split('\n');
    const { stderr } = await runNode([join(ROOT, 'bin/parapet.js'), ...command!.split(' ')], folder);
    const printed = stderr.split('\n');
    expect(lines.filter((line) => !printed.includes(line))).toEqual([]);
  });

  test('the options it lists are those that boot has', async () => {
    const { stdout } = await runNode([join(ROOT, 'bin/parapet.js'), 'boot', '--help']);
    const has = [...stdout.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)].map(([, option]) => option!).filter((option) => option !== '--help');
    const listed = [...readme.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, option]) => option!);
    expect(listed.sort()).toEqual(has.sort());
  });
});

describe('documents', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...filesUnder('docs', '.md')];

  test.for(documents)('files that %s names exist', (document) => {
    const known = new Set(['bench', 'docs', 'examples', 'programs', 'scripts', 'src', 'test'].flatMap((top) => filesUnder(top, '')));
    const folders = new Set([...known].flatMap((path) => path.split('/').map((_, depth, parts) => parts.slice(0, depth).join('/'))));
    const exists = (path: string): boolean =>
      known.has(path) || folders.has(path) || known.has(`src/${path}`) || folders.has(`src/${path}`) || readdirSync(ROOT).includes(path);
    const named = [...readSource(document).matchAll(/`([a-z][\w./]*(?:\/[\w.]+|\.ts))`/g)].map(([, path]) => path!.replace(/\/$/, ''));
    const beside = (path: string): boolean => !path.includes('/') && [...known].some((file) => file.endsWith(`/${path}`));
    expect(named.filter((path) => !exists(path) && !beside(path) && !path.startsWith('node_modules'))).toEqual([]);
  });

  test.for(documents)('links of %s lead somewhere', (document) => {
    const base = document.includes('/') ? document.slice(0, document.lastIndexOf('/') + 1) : '';
    const missing = [...readSource(document).matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)].filter(([, path, section]) => {
      const target = path === '' ? document : join(base, path!);
      const parent = target.includes('/') ? target.slice(0, target.lastIndexOf('/')) : '.';
      if (!readdirSync(join(ROOT, parent)).includes(target.split('/').at(-1)!)) return true;
      return section !== undefined && !sectionsOf(target).includes(section);
    });
    expect(missing.map(([link]) => link)).toEqual([]);
  });
});

/** Names by which the sections of a page are linked. */
const sectionsOf = (document: string): string[] =>
  [...readSource(document).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

describe('examples', () => {
  const examples = filesUnder('examples', '.js');

  test('are short', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
    expect(examples.filter((path) => readSource(path).split('\n').length > 41)).toEqual([]);
  });

  test.for(examples)('%s runs', async (path) => {
    const { status, stdout, stderr } = await runNode([path]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/\d/);
  });
});
