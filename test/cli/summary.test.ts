import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import { formatSummary } from '../../src/cli/summary.ts';
import type { RunStats, VmStats } from '../../src/trace/runStats.ts';
import { STATS } from './fakes.ts';

const plain = new Chalk({ level: 0 });
const NONE = { min: null, median: null, mean: null, p99: null, max: null };
const first = STATS.vms[0]!;
const neighbour: VmStats = { vm: 1, guest: 'cpu-bound', shootdown: { count: 0, latencyCycles: NONE }, vmExits: {} };
const summary = (vms: readonly VmStats[]): string => formatSummary({ ...STATS, vms, exitStatus: 0 } satisfies RunStats, plain);

test('with several VMs the summary says whose the shootdowns were', () => {
  expect(summary([first, neighbour])).toContain(`
TLB shootdowns by VM, cycles
                    measured    min  median   mean     p99     max
  VM 0 (shootdown)         3  2 500   5 000  5 001  12 500  12 500
  VM 1 (cpu-bound)         0      -       -      -       -       -
`);
});

test('with one VM, and without any shootdown, it does not', () => {
  expect(summary([first])).not.toContain('by VM');
  expect(summary([neighbour, { ...neighbour, vm: 2 }])).not.toContain('by VM');
});
