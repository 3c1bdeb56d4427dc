import { expect, test } from 'vitest';
import { EXIT_HLT } from '../../src/arch/exitReasons.ts';
import { quickRun, virtual } from './quickRun.ts';

const run = (haltExits: boolean, engine: string) =>
  quickRun('smp', { cores: 2, engine, vmm: { ...virtual(2, 2), haltExits, coGuest: { guest: 'cpu-bound', params: { work: 'halt' } } } })
    .stats;

test.each(['jit', 'reference'])('where HLT does not leave a guest, a halted vCPU keeps its core until its slice ends (%s)', (engine) => {
  const giving = run(true, engine);
  const keeping = run(false, engine);
  expect(giving.vmExits['HLT']).toBeGreaterThan(0);
  expect(keeping.vmExits['HLT']).toBeUndefined();
  const neighbour = (stats: typeof giving): number =>
    stats.vcpus.filter(({ vm }) => vm === 1).reduce((sum, { runCycles }) => sum + runCycles, 0);
  expect(neighbour(keeping)).toBeGreaterThan(3 * neighbour(giving));
  expect(keeping.cycles).toBeGreaterThan(giving.cycles);
});

test('neighbours may keep their cores where the first VM gives its cores away', () => {
  const coGuest = { guest: 'cpu-bound', params: { work: 'halt' }, haltExits: false };
  const { stats, session } = quickRun('smp', { cores: 2, vmm: { ...virtual(2, 2), coGuest } });
  const exits = session.vmm!.vms.map(({ exits: ofVm }) => ofVm[EXIT_HLT]!);
  expect(exits[0]).toBeGreaterThan(0);
  expect(exits[1]).toBe(0);
  expect(stats.cycles).toBeGreaterThan(run(true, 'jit').cycles);
});

test('both engines agree about it', () => {
  const [jit, reference] = ['jit', 'reference'].map((engine) => ({ ...run(false, engine), engine: '' }));
  expect(jit).toEqual(reference);
});
