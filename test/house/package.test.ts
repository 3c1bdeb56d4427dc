import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/sources.ts';
import { ensureBuilt } from '../built.ts';
import { runNode } from '../runCli.ts';

/** A project that has installed the package from its tarball: unpacked as npm unpacks it, dependencies linked. */
const project = mkdtempSync(join(tmpdir(), 'parapet-package-'));
const installed = join(project, 'node_modules/parapet');
afterAll(() => rmSync(project, { recursive: true }));

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  scripts: Record<string, string>;
};

beforeAll(() => {
  ensureBuilt();
  // The build has run already; npm would run it again, over the feet of the other tests.
  const npm = process.env['npm_execpath'];
  const args = ['pack', '--ignore-scripts', '--pack-destination', project];
  if (npm === undefined) execFileSync('npm', args, { cwd: ROOT, stdio: 'pipe' });
  else execFileSync(process.execPath, [npm, ...args], { cwd: ROOT, stdio: 'pipe' });
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'))!;
  execFileSync('tar', ['-xzf', tarball], { cwd: project });
  mkdirSync(join(project, 'node_modules'));
  execFileSync('mv', ['package', installed], { cwd: project });
  for (const name of Object.keys(manifest.dependencies)) symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
});

describe('the package', () => {
  test('holds what a user needs and nothing else', () => {
    expect(readdirSync(installed).sort()).toEqual(
      ['ARCHITECTURE.md', 'CHANGELOG.md', 'README.md', 'bin', 'dist', 'docs', 'examples', 'package.json', 'programs'].sort(),
    );
  });

  test('has a command that runs', async () => {
    const { status, stdout } = await runNode([join(installed, 'bin/parapet.js'), 'boot', 'hello'], project);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'Hello from the kernel\nOne tick of the timer\nHello from ring 3\n' });
  });

  test('can be imported by its name, and exports what src/index.ts lists', async () => {
    writeFileSync(join(project, 'try.mjs'), "import * as parapet from 'parapet';\nconsole.log(Object.keys(parapet).sort().join());\n");
    const { status, stdout, stderr } = await runNode(['try.mjs'], project);
    const names = Object.keys(await import('../../src/index.ts')).sort();
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${names.join()}\n`, stderr: '' });
  });

  test('is built by prepare, so that an install from a clone has a command', () => {
    expect(manifest.scripts['prepare']).toBe('npm run build');
    expect(manifest.scripts['build']).toBe('tsc -b tsconfig.build.json');
  });
});
