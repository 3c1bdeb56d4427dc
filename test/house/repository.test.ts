import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../scripts/sources.ts';

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && path !== 'node_modules' && !path.endsWith('.png'));
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const naming = (pattern: RegExp): string[] => tracked.filter((path) => pattern.test(text(path)));

test('no file names a path of a particular computer', () => {
  // Put together, so that this file does not name any.
  const places = ['home', 'work', 'root', 'Users', 'opt'].map((top) => `(?<![\\w.])/${top}/[\\w.]`);
  expect(naming(new RegExp(places.join('|')))).toEqual([]);
});

test('the lock file names no registry', () => {
  const lock = JSON.parse(text('package-lock.json')) as { packages: Record<string, { resolved?: string; integrity?: string }> };
  const entries = Object.entries(lock.packages).filter(([name]) => name !== '');
  expect(entries.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  expect(entries.filter(([, { integrity }]) => integrity === undefined).map(([name]) => name)).toEqual([]);
});

test('no file names a host', () => {
  const allowed = /https?:\/\/(?!\$)/;
  expect(tracked.filter((path) => allowed.test(text(path)) && !['package-lock.json', 'biome.json'].includes(path))).toEqual([]);
});

test('no dependency runs a script when it is installed', () => {
  const lock = JSON.parse(text('package-lock.json')) as { packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }> };
  const scripts = Object.entries(lock.packages).filter(
    ([, { hasInstallScript, optional }]) => hasInstallScript === true && optional !== true,
  );
  expect(scripts.map(([name]) => name).filter((name) => name !== '')).toEqual([]);
});
