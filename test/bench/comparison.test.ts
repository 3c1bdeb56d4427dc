import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareReports, verdictLines } from '../../bench/comparison.ts';
import { appendHistory, earlierReport } from '../../bench/history.ts';
import { type BenchReport, comparisonTable } from '../../bench/report.ts';

type Rates = Record<string, Record<string, number>>;

const report = (rates: Rates, options: Partial<BenchReport> = {}): BenchReport => ({
  date: '2026-01-01',
  node: '20.1.0',
  processor: 'one',
  commit: 'abc123',
  peers: { qemu: '7' },
  results: Object.fromEntries(
    Object.entries(rates).map(([machine, cases]) => [
      machine,
      Object.fromEntries(
        Object.entries(cases).map(([id, iterationsPerSecond]) => [
          id,
          {
            iterationsPerSecond,
            instructionsPerSecond: undefined,
            cyclesPerSecond: undefined,
            checksum: '1',
            nanosecondsPerBlock: undefined,
            compileShare: undefined,
            compileMilliseconds: undefined,
            slowPerThousand: undefined,
            entriesPerThousand: undefined,
          },
        ]),
      ),
    ]),
  ),
  figures: {},
  scaling: {},
  disagreements: [],
  ...options,
});

describe('a comparison', () => {
  const before = report({ jit: { a: 100, b: 100, c: 100 }, qemu: { a: 1000, b: 500 } });

  test('divides by what the host has become faster, as its peers tell', () => {
    const now = report({ jit: { a: 200, b: 100, c: 400 }, qemu: { a: 2000, b: 1000 } });
    const { host, changes, engines } = compareReports(now, before);
    expect(host).toBeCloseTo(2);
    expect(changes.map(({ id, ratio }) => [id, ratio.toFixed(2)])).toEqual([
      ['a', '1.00'],
      ['b', '0.50'],
      ['c', '2.00'],
    ]);
    expect(engines['jit']).toBeCloseTo(1);
    expect(verdictLines(compareReports(now, before))).toEqual([
      'jit: the same, 1.00 in the mean (faster: c; slower: b; host 2.00 times as fast)',
    ]);
  });

  test('does not trust a peer of another version', () => {
    const now = report({ jit: { a: 200 }, qemu: { a: 2000 } }, { peers: { qemu: '8' } });
    expect(verdictLines(compareReports(now, before))).toEqual([
      'jit: faster, 2.00 in the mean (faster: a; no peer in both runs: the host counts as equally fast)',
    ]);
  });

  test('ends its table with the verdict', () => {
    const text = comparisonTable(report({ jit: { a: 50 }, qemu: { a: 1000 } }), before);
    expect(text.split('\n').at(-1)).toBe('jit: slower, 0.50 in the mean (slower: a; host 1.00 times as fast)');
  });
});

describe('the history', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'parapet-')), 'history.jsonl');
  const here = { processor: 'one', node: '20.9.9' };

  test('is empty at first', () => {
    expect(earlierReport('', here, file)).toBeUndefined();
  });

  test('gives the newest report of the same processor and Node, or of a commit', () => {
    appendHistory(report({}, { commit: 'first' }), file);
    appendHistory(report({}, { commit: 'second' }), file);
    appendHistory(report({}, { commit: 'other', processor: 'two' }), file);
    appendHistory(report({}, { commit: 'newer', node: '24.0.0' }), file);
    const commits = ['', 'fir', 'other', 'none'].map((which) => earlierReport(which, here, file)?.commit);
    expect(commits).toEqual(['second', 'first', 'other', undefined]);
  });
});
