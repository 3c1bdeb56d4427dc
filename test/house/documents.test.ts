import { expect, test } from 'vitest';
import { costsPage } from '../../scripts/costs.ts';
import { deviationsPage } from '../../scripts/deviations.ts';
import { eventsPage } from '../../scripts/eventsPage.ts';
import { profilesPage } from '../../scripts/profilesPage.ts';
import { isaPage } from './isaPage.ts';

// `npm run docs` is this test with --update: it writes the pages anew.
test.for([
  ['deviations.md', deviationsPage],
  ['costs.md', costsPage],
  ['events.md', eventsPage],
  ['isa.md', isaPage],
  ['profiles.md', profilesPage],
] as const)('docs/%s is what the source says; npm run docs writes it', async ([name, page]) => {
  await expect(page()).toMatchFileSnapshot(`../../docs/${name}`);
});

test('a price has a source that says how sure it is', () => {
  const rows = costsPage().match(/^\| \w+ \| \d+ \| .*$/gm)!;
  expect(rows.length).toBeGreaterThan(80);
  expect(rows.filter((row) => !/\| \[(F|R|R-lo|A)\] \S/.test(row))).toEqual([]);
});
