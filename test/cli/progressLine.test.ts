import { expect, test } from 'vitest';
import { ProgressLine } from '../../src/cli/progressLine.ts';
import { CapturedOutput } from './fakes.ts';

function bench(isTTY: boolean) {
  const output = new CapturedOutput(isTTY);
  let now = 0;
  const line = new ProgressLine(output, () => now);
  const at = (time: number, done: number | undefined, text: string) => {
    now = time;
    line.update(done, () => text);
  };
  return { output, line, at };
}

test('a short command shows nothing', () => {
  const { output, line, at } = bench(true);
  for (let time = 0; time < 2000; time += 50) at(time, 0.5, 'working');
  line.clear();
  expect(output.text).toBe('');
});

test('on a terminal one line is rewritten five times a second, and goes at the end', () => {
  const { output, line, at } = bench(true);
  at(4000, 0.25, 'a longer line');
  at(4100, 0.3, 'too soon');
  at(4200, undefined, 'short');
  line.clear();
  const first = 'a longer line, 4 s so far, 25 %, 12 s left';
  expect(output.text).toBe(`\r${first}\r${'short, 4 s so far'.padEnd(first.length)}\r${' '.repeat(17)}\r`);
});

test('elsewhere a line now and then', () => {
  const { output, line, at } = bench(false);
  for (const time of [3000, 5000, 12_999, 13_000, 70_000]) at(time, undefined, `at ${time}`);
  line.clear();
  expect(output.text).toBe('at 3000, 3 s so far\nat 13000, 13 s so far\nat 70000, 1 min 10 s so far\n');
});
