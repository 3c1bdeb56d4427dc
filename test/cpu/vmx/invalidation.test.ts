import { expect, test } from 'vitest';
import {
  INVEPT_ALL,
  INVEPT_CONTEXT,
  INVVPID_ADDRESS,
  INVVPID_ALL,
  INVVPID_CONTEXT,
  invept,
  invvpid,
} from '../../../src/cpu/vmx/invalidation.ts';
import { OPERATION_INVEPT_ALL, OPERATION_INVVPID_ADDRESS, OPERATION_INVVPID_CONTEXT } from '../../../src/trace/events.ts';
import { Rig } from '../rig.ts';

test('INVVPID and INVEPT are carried out, counted and paid for', () => {
  const { core } = new Rig((a) => a.hlt());
  const before = core.clock;
  invvpid(core, INVVPID_ADDRESS, 1, -4096);
  invvpid(core, INVVPID_CONTEXT, 0xffff, 0);
  invept(core, INVEPT_ALL, 0);
  expect(core.clock - before).toBe(2 * core.costs.invvpid + core.costs.invept);
  const { invalidations } = core.mmu;
  expect([OPERATION_INVVPID_ADDRESS, OPERATION_INVVPID_CONTEXT, OPERATION_INVEPT_ALL].map((operation) => invalidations[operation])).toEqual(
    [1, 1, 1],
  );
});

test('operands that the instruction would refuse are refused', () => {
  const { core } = new Rig((a) => a.hlt());
  for (const [type, vpid] of [
    [-1, 1],
    [4, 1],
    [INVVPID_CONTEXT, 0],
    [INVVPID_ADDRESS, 0x1_0000],
  ] as const)
    expect(() => invvpid(core, type, vpid, 0)).toThrow(RangeError);
  expect(() => invvpid(core, INVVPID_ALL, 0, 0)).not.toThrow();
  expect(() => invept(core, 0, 0)).toThrow(RangeError);
  expect(() => invept(core, INVEPT_CONTEXT, 5)).not.toThrow();
});
