import { expect, test } from 'vitest';
import { EBIZZY, HACKBENCH, machineTime, workloadPoint } from '../../../src/experiments/locks/lockWorkloads.ts';
import { workloadRun } from './lockRuns.ts';

test('machine time is that of all cores for each cycle of all programs, whichever VM got along', () => {
  expect(machineTime(workloadRun(5))).toBeCloseTo(5);
  expect(machineTime(workloadRun(5, [0.9, 0.1]))).toBeCloseTo(5);
  expect(machineTime(workloadRun(5, [0.1, 0.1]))).toBeCloseTo(25);
});

test('all VMs have the same workload, which has no end, and the first begins last', () => {
  const { run } = workloadPoint({}, HACKBENCH, { lock: 'ticket', vms: 2, slice: 12, seed: 1, seconds: 0.25 });
  const { params, vmm } = run.options;
  expect(params).toMatchObject({ groups: '10', fan: '20', loops: '1000000', stagger: '6000' });
  expect(vmm!.coGuest).toEqual({ guest: 'hackbench', params, headStart: true });
  expect(run.seconds).toBe(0.25);
  expect(workloadPoint({}, EBIZZY, { lock: 'ticket', vms: 1, slice: 12, seed: 1, seconds: 0.25 }).run.options.vmm!.coGuest).toBeUndefined();
});
