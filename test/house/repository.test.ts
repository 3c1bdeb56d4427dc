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

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
}
const locked = (JSON.parse(text('package-lock.json')) as { packages: Record<string, LockedPackage> }).packages;

test('the lock file names no registry, and what every package must hash to', () => {
  const entries = Object.entries(locked).filter(([name]) => name !== '');
  expect(entries.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  // The linter's builds for other systems were entered by hand: npm ci wants them listed, and installs none of them here.
  const unhashed = entries.filter(([name, { integrity }]) => integrity === undefined && !name.startsWith('node_modules/@biomejs/cli-'));
  expect(unhashed.map(([name]) => name)).toEqual([]);
});

test('the lock file lists everything that anything in it depends on, also for other systems: npm ci refuses otherwise', () => {
  const missing = Object.entries(locked).flatMap(([from, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => locked[`${from}/node_modules/${name}`] === undefined && locked[`node_modules/${name}`] === undefined)
      .map((name) => `${from} -> ${name}`),
  );
  expect(missing).toEqual([]);
});

test('no file names a host', () => {
  const allowed = /https?:\/\/(?!\$)/;
  expect(tracked.filter((path) => allowed.test(text(path)) && !['package-lock.json', 'biome.json'].includes(path))).toEqual([]);
});

test('no dependency runs a script when it is installed', () => {
  const scripts = Object.entries(locked).filter(([, { hasInstallScript, optional }]) => hasInstallScript === true && optional !== true);
  expect(scripts.map(([name]) => name).filter((name) => name !== '')).toEqual([]);
});
