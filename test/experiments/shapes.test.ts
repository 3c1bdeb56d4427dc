/** docs/experiments.md lists the shapes of the publication with the checks that look at them: every one of these checks exists. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../scripts/sources.ts';
import { EXPERIMENTS } from '../../src/experiments/registry.ts';
import { ResultSet } from '../../src/experiments/resultSet.ts';

const page = readFileSync(join(ROOT, 'docs', 'experiments.md'), 'utf8');
const section = page.slice(page.indexOf('## The shapes of the publication'), page.indexOf('## A new experiment'));
const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| shape'));

test('six shapes of one publication, four of the other, and one that is ours', () => {
  expect(rows).toHaveLength(11);
});

test.each(rows.map((row) => [row.split('|')[1]!.trim(), row] as const))('%s: its checks exist', (_shape, row) => {
  const named = [...row.matchAll(/`([a-z0-9-]+)`: ((?:\*[^*]+\*(?:; )?)+)/g)];
  expect(named.length).toBeGreaterThan(0);
  for (const [, experiment, list] of named) {
    const found = EXPERIMENTS.find(({ name }) => name === experiment);
    const checks = found!.reduce(new ResultSet([]), 'full').checks.map(({ name }) => name);
    for (const [, check] of list!.matchAll(/\*([^*]+)\*/g)) expect(checks).toContain(check);
  }
});
