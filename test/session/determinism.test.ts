import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { tracedRun, virtual } from './quickRun.ts';

const EVENTS = 'default,tlb-fill';
const params = { iterations: '3', think: '3000', reads: '8' };
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function fingerprint(seed: number, checkTlb = false): { stats: string; traces: string[]; serial: string; stop: unknown } {
  const { result, traces } = tracedRun('shootdown', { cores: 2, vmm: virtual(2, 2, 30_000), seed, params, checkTlb }, EVENTS);
  return { stats: JSON.stringify(result.stats), traces: traces.map(digest), serial: result.serial, stop: result.stop };
}

describe('a run is a function of image, configuration and seed', () => {
  const first = fingerprint(1);

  test('the same again gives the same bytes, of statistics and of traces in every format', () => {
    expect(fingerprint(1)).toEqual(first);
  });

  test('another seed interleaves otherwise and is as correct', () => {
    const other = fingerprint(2);
    expect(other.stop).toEqual(first.stop);
    expect(other.traces.filter((trace, format) => trace === first.traces[format])).toEqual([]);
  });

  test('observing changes nothing', () => {
    const { result } = tracedRun('shootdown', { cores: 2, vmm: virtual(2, 2, 30_000), seed: 1, params }, 'mark');
    expect(JSON.stringify(result.stats)).toBe(first.stats);
    expect(fingerprint(1, true).stats).toBe(first.stats);
  });
});

test('both engines give the same statistics but for their names, and the same traces', () => {
  const run = (engine: string) => tracedRun('shootdown', { cores: 2, vmm: virtual(2, 2, 30_000), engine, params }, EVENTS);
  const [jit, reference] = [run('jit'), run('reference')];
  expect({ ...jit.result.stats, engine: '' }).toEqual({ ...reference.result.stats, engine: '' });
  expect(jit.traces.map(digest)).toEqual(reference.traces.map(digest));
});
