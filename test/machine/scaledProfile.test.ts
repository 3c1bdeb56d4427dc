import { expect, test } from 'vitest';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { scaledProfile } from '../../src/machine/profiles/scaledProfile.ts';

test('a scaled profile has those prices multiplied, and says so in their sources; all others are as they were', () => {
  const { costs, ...rest } = scaledProfile(ivybridge, { vmExit: 2.5, pause: 0.01, invvpid: 0 });
  const { costs: before, ...restBefore } = ivybridge;
  expect(rest).toEqual(restBefore);
  expect(costs.vmExit).toEqual({ cycles: Math.round(before.vmExit.cycles * 2.5), source: `${before.vmExit.source}; times 2.5` });
  // What costs something never becomes free by rounding.
  expect([costs.pause.cycles, costs.invvpid.cycles]).toEqual([1, 0]);
  expect({ ...costs, vmExit: before.vmExit, pause: before.pause, invvpid: before.invvpid }).toEqual(before);
});

test.each([
  [{ vmexit: 2 }, "no price 'vmexit'"],
  [{ constructor: 2 }, "no price 'constructor'"],
  [{ vmExit: -1 }, 'vmExit: -1 is not a factor'],
  [{ vmExit: Number.NaN }, 'vmExit: NaN is not a factor'],
])('%o is refused', (factors, text) => {
  expect(() => scaledProfile(ivybridge, factors)).toThrow(text);
});
