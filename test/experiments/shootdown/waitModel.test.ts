import { describe, expect, test } from 'vitest';
import { longestWaitDistribution, meanLongestWait, meanOwnLatency } from '../../../src/experiments/shootdown/waitModel.ts';

/** Deterministic uniform numbers in [0, 1). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
}

/** How long from `time` on until a core that gives each of `vms` a slice in turn, our VM first at `phase`, runs our VM. */
function wait(time: number, phase: number, vms: number): number {
  const into = (((time - phase) % vms) + vms) % vms;
  return into < 1 ? 0 : vms - into;
}

describe.each([2, 3, 4])('%i VMs, by simulation of cores that take turns', (vms) => {
  test.each([1, 3, 7, 11])('the longest of %i waits', (targets) => {
    const random = uniform(vms * 100 + targets);
    const samples = Array.from({ length: 100_000 }, () => Math.max(...Array.from({ length: targets }, () => wait(0, random() * vms, vms))));
    const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
    expect(Math.abs(mean / meanLongestWait({ vms, slice: 1 }, targets) - 1)).toBeLessThan(0.015);
    for (const limit of [0, 0.3, 0.9, vms - 1]) {
      const share = samples.filter((value) => value <= limit).length / samples.length;
      expect(Math.abs(share - longestWaitDistribution({ vms, slice: 1 }, targets, limit))).toBeLessThan(0.01);
    }
  });

  test.each([1, 11])('what an initiator sees that shares its core, with %i targets', (targets) => {
    const random = uniform(vms * 1000 + targets);
    let sum = 0;
    const count = 100_000;
    for (let i = 0; i < count; i++) {
      const begin = random();
      const done = begin + Math.max(...Array.from({ length: targets }, () => wait(begin, random() * vms, vms)));
      // It runs in [0, 1), [vms, vms + 1), …
      sum += done + wait(done, 0, vms) - begin;
    }
    expect(Math.abs(sum / count / meanOwnLatency({ vms, slice: 1 }, targets) - 1)).toBeLessThan(0.015);
  });
});

test('for two VMs the mean is the published sheet’s formula', () => {
  for (const k of [1, 3, 7, 11])
    expect(meanLongestWait({ vms: 2, slice: 12 }, k)).toBeCloseTo(12 * (1 - (2 * (1 - 2 ** -(k + 1))) / (k + 1)), 12);
});

test('alone nobody waits, and time scales with the slice', () => {
  expect([meanLongestWait({ vms: 1, slice: 5 }, 3), meanOwnLatency({ vms: 1, slice: 5 }, 3)]).toEqual([0, 0]);
  expect(meanOwnLatency({ vms: 2, slice: 12 }, 3)).toBeCloseTo(12 * meanOwnLatency({ vms: 2, slice: 1 }, 3), 9);
});
