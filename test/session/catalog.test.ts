import { expect, test } from 'vitest';
import { SHOOTDOWN_SCHEMES } from '../../src/kernels/lib/shootdown/schemes.ts';
import { catalog } from '../../src/session/catalog.ts';
import { planRun } from '../../src/session/runPlan.ts';
import { options, virtual } from './quickRun.ts';

test('everything that is listed can be named in a run', () => {
  const { guests, schemes, locks, schedulers, profiles } = catalog();
  const vmm = virtual(1, 2);
  for (const { name } of guests) expect(planRun(options(name, { cores: 2 })).guest).toBe(name);
  for (const { name } of schemes) {
    const needed = SHOOTDOWN_SCHEMES.find((scheme) => scheme.name === name)!.needs?.processor;
    const profile = needed === undefined ? undefined : `${profiles[0]!.name}+${needed}`;
    expect(planRun(options('shootdown', { vmm, shootdown: name, profile })).scheme?.name).toBe(name);
  }
  for (const { name } of locks) expect(planRun(options('smp', { vmm, lock: name })).lock).toBe(name);
  for (const { name } of profiles) expect(planRun(options('smp', { profile: name })).profile.name).toBe(name);
  for (const { name } of schedulers) {
    expect(planRun(options('smp', { vmm: { ...vmm, scheduler: name } })).virtual?.scheduler.name).toBe(name);
  }
});

test('the first of each kind is what a run takes when nothing is said', () => {
  const { schemes, locks, schedulers, profiles } = catalog();
  const plan = planRun(options('smp', { vmm: virtual(1, 2) }));
  expect([plan.scheme?.name, plan.lock, plan.virtual?.scheduler.name, plan.profile.name]).toEqual(
    [schemes, locks, schedulers, profiles].map(([first]) => first!.name),
  );
});
