import { expect, test } from 'vitest';
import { firstWorkMillis, workMillis } from '../../../src/experiments/locks/lockWorkloads.ts';
import { workloadRun } from './lockRuns.ts';

test('alone, a VM takes what its own clock says', () => expect(workMillis(workloadRun(100, [5]))).toBeCloseTo(100));

test('a neighbour that has come as far takes as long, one that is behind longer', () => {
  expect(workMillis(workloadRun(100, [5, 5]))).toBeCloseTo(100);
  expect(workMillis(workloadRun(100, [6, 2]))).toBeCloseTo(150);
  expect(workMillis(workloadRun(100, [2, 6]))).toBeCloseTo(50);
  expect(firstWorkMillis(workloadRun(100, [2, 6]))).toBeCloseTo(100);
});
