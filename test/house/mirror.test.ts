import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesUnder, importsOf, ROOT } from '../../scripts/sources.ts';

/** Rooms and files whose tests are not in the folder that mirrors them, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'src/arch/': 'names and numbers, without behaviour: whoever uses them is tested',
  'src/webAssembly.d.ts': 'declarations',
  'src/index.ts': 'test/house/package.test.ts imports it from the packed tarball',
  'src/trace/runStats.ts': 'types',
  'src/experiments/pointWorker.ts': 'a thread of the pool: test/experiments/workerPool.test.ts runs it as it is built',
  'src/cli/main.ts': 'the process itself: test/house/readme.test.ts and test/cli/badInput.test.ts run it',
  'src/cli/sessionLibrary.ts': 'loaded by the process: test/cli/badInput.test.ts and test/house/readme.test.ts run it',
};

/** Everything that the tests in `folder` reach, through however many imports. */
function reached(folder: string): Set<string> {
  const seen = new Set<string>();
  const open = filesUnder(folder);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const target of importsOf(path)) if (/^(src|test)\//.test(target) && existsSync(join(ROOT, target))) open.push(target);
  }
  return seen;
}

/** Tests that are about several rooms at once. */
const ACROSS = ['test/properties', 'test/engines', 'test/guests'].map(reached);

const excused = (path: string): boolean => Object.keys(ELSEWHERE).some((prefix) => path.startsWith(prefix));

test('every source file is reached by the tests of its room, or there is a reason', () => {
  const sources = filesUnder('src').filter((path) => !excused(path));
  const rooms = [...new Set(sources.map((path) => path.split('/')[1]!))];
  const untested = rooms.flatMap((room) => {
    const mine = sources.filter((path) => path.startsWith(`src/${room}/`));
    if (!existsSync(join(ROOT, 'test', room))) return mine;
    const tested = [reached(`test/${room}`), ...ACROSS];
    return mine.filter((path) => !tested.some((paths) => paths.has(path)));
  });
  expect(untested).toEqual([]);
});

test('the reasons are about files that exist', () => {
  const all = filesUnder('src');
  expect(Object.keys(ELSEWHERE).filter((prefix) => !all.some((path) => path.startsWith(prefix)))).toEqual([]);
});
