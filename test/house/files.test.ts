import { expect, test } from 'vitest';
import { filesUnder, readSource } from '../../scripts/sources.ts';

const MOST_LINES = 600;
const MANY_LINES = 300;

/** Pure tables may be as long as what they list. */
const TABLES: readonly string[] = [];

const lines = (path: string): number => readSource(path).split('\n').length - 1;
const sources = [...filesUnder('src'), ...filesUnder('scripts'), ...filesUnder('examples')];
const all = [...sources, ...filesUnder('test'), ...filesUnder('bench')];

test(`no file has more than ${MOST_LINES} lines`, () => {
  expect(all.filter((path) => lines(path) > MOST_LINES && !TABLES.includes(path))).toEqual([]);
});

test(`source files of more than ${MANY_LINES} lines are few; they are named`, () => {
  const long = sources.filter((path) => lines(path) > MANY_LINES && !TABLES.includes(path));
  if (long.length > 0) console.warn(`longer than ${MANY_LINES} lines, to be taken apart: ${long.join(', ')}`);
  expect(long.length).toBeLessThan(sources.length / 20);
});

test('nothing is exported as default', () => {
  expect(all.filter((path) => /^export (default\b|\{[^}]*\bas default\b)/m.test(readSource(path)))).toEqual([]);
});

test('no file is called utils, helpers or manager', () => {
  expect(all.filter((path) => /\b(utils?|helpers?|managers?)\b/i.test(path.replace(/([a-z])([A-Z])/g, '$1-$2')))).toEqual([]);
});

test('only src/index.ts re-exports from other files', () => {
  const barrels = sources.filter((path) => path !== 'src/index.ts' && /^export \* from|^export \{[^}]*\} from/m.test(readSource(path)));
  expect(barrels).toEqual([]);
});

test('every source file says in its first lines of prose what it is for', () => {
  expect(sources.filter((path) => !readSource(path).includes('/**'))).toEqual([]);
});
