import { describe, expect, test } from 'vitest';
import { costsOf } from '../../src/machine/cost.ts';
import { PROFILES, profileNamed } from '../../src/machine/profiles/registry.ts';

describe.each([...PROFILES])('profile %s', (name, profile) => {
  test('is listed under its name, and says what it is', () => {
    expect([profile.name, profile.doc.length > 10, profile.identity.vendor.length]).toEqual([name, true, 12]);
  });

  test('has a whole price above 0 and a source for everything', () => {
    const bad = Object.entries(profile.costs).filter(
      ([, { cycles, source }]) => !(Number.isInteger(cycles) && cycles > 0 && source.length > 5),
    );
    expect(bad).toEqual([]);
    expect(costsOf(profile.costs).ipiLatency).toBe(profile.costs.ipiLatency.cycles);
  });

  test('has structures whose sets are powers of two', () => {
    const sets = Object.values(profile.mmu).flatMap((size) => (typeof size === 'object' ? [size.sets] : []));
    expect(sets.filter((count) => (count & (count - 1)) !== 0)).toEqual([]);
  });
});

test('a feature is added to a profile behind a +; what does not exist has no profile', () => {
  expect(profileNamed('ivybridge+invlpgb+rar')?.identity.features).toEqual(['invlpgb', 'rar']);
  expect(profileNamed('zen3+invlpgb')?.identity.features).toEqual(['invlpgb']);
  expect(profileNamed('ivybridge')).toBe(PROFILES.get('ivybridge'));
  expect(['ivybridge+', 'ivybridge+magic', 'magic+rar', ''].map(profileNamed)).toEqual(Array(4).fill(undefined));
});
