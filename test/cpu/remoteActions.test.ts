import { describe, expect, test } from 'vitest';
import {
  IA32_RAR_ACT_VEC,
  IA32_RAR_CTRL,
  IA32_RAR_INFO,
  IA32_RAR_PAYLOAD_BASE,
  RAR_CTRL_ENABLE,
  RAR_CTRL_IGNORE_IF,
  RAR_FAILURE,
  RAR_PENDING,
  RAR_SUCCESS,
} from '../../src/arch/remoteActions.ts';
import { RFLAGS_IF } from '../../src/arch/rflags.ts';
import { I32_RFLAGS } from '../../src/cpu/state.ts';
import { Machine } from '../../src/machine/machine.ts';
import { profileNamed } from '../../src/machine/profiles/registry.ts';
import { OPERATION_INVPCID_ADDRESS, OPERATION_INVVPID_CONTEXT } from '../../src/trace/events.ts';
import { noProbe } from '../../src/trace/probe.ts';

const VECTOR = 0x5_0000;
const TABLE = 0x5_1000;

/** A core whose interrupts are off, with the feature set up, and this payload pending in entry 5. */
function served(payload: readonly bigint[], control = RAR_CTRL_ENABLE + RAR_CTRL_IGNORE_IF) {
  const machine = new Machine({
    profile: profileNamed('ivybridge+rar')!,
    cores: 1,
    memory: 2 * 1024 ** 2,
    engine: 'reference',
    probe: noProbe,
  });
  const core = machine.cores[0]!;
  const actions = core.remoteActions!;
  expect(actions.writeMsr(IA32_RAR_ACT_VEC, BigInt(VECTOR))).toBe(true);
  expect(actions.writeMsr(IA32_RAR_PAYLOAD_BASE, BigInt(TABLE))).toBe(true);
  expect(actions.writeMsr(IA32_RAR_CTRL, BigInt(control))).toBe(true);
  core.state.i32[I32_RFLAGS]! &= ~RFLAGS_IF;
  for (const [at, word] of payload.entries()) core.storePhysical(8, TABLE + 5 * 64 + 8 * at, word);
  core.storePhysical(1, VECTOR + 5, BigInt(RAR_PENDING));
  const before = core.clock;
  actions.serve(core);
  return { core, status: Number(core.loadPhysical(1, VECTOR + 5)), cycles: core.clock - before };
}

/** Type, subtype and number of pages, as the first quadword has them. */
const header = (type: number, subtype: number, pages: number): bigint =>
  (BigInt(type) << 8n) | (BigInt(subtype) << 32n) | (BigInt(pages) << 37n);

describe('a remote action request', () => {
  test('invalidates every page it names, though interrupts are off, and says so', () => {
    const { core, status, cycles } = served([header(2, 0, 3), 0n, 1n, 0x40_0000n]);
    expect([status, core.mmu.invalidations[OPERATION_INVPCID_ADDRESS]]).toEqual([RAR_SUCCESS, 3]);
    expect(cycles).toBe(core.costs.remoteAction + 3 * core.costs.invpcid);
  });

  test('for a VPID is an INVVPID of that type', () => {
    const { core, status } = served([header(4, 1, 0), 0n, 7n, 0n]);
    expect([status, core.mmu.invalidations[OPERATION_INVVPID_CONTEXT]]).toEqual([RAR_SUCCESS, 1]);
  });

  test.each([
    ['a type that does not exist', [header(9, 0, 1), 0n, 0n, 0n]],
    ['a reserved bit', [header(2, 0, 1) | (1n << 16n), 0n, 0n, 0n]],
    ['VPID 0', [header(4, 1, 1), 0n, 0n, 0n]],
    ['a PCID of more than 12 bits', [header(2, 1, 1), 0n, 0x1000n, 0n]],
  ] as const)('fails with %s, and does nothing', (_what, payload) => {
    const { core, status } = served(payload);
    expect(status).toBe(RAR_FAILURE);
    expect([...core.mmu.invalidations].every((count) => count === 0)).toBe(true);
  });

  test('waits while the feature is off, and while interrupts are unless they are to be ignored', () => {
    expect(served([header(2, 2, 1)], 0).status).toBe(RAR_PENDING);
    expect(served([header(2, 2, 1)], RAR_CTRL_ENABLE).status).toBe(RAR_PENDING);
  });

  test('MSRs refuse what they do not take', () => {
    const actions = served([]).core.remoteActions!;
    expect(actions.writeMsr(IA32_RAR_ACT_VEC, 1n)).toBe(false);
    expect(actions.writeMsr(IA32_RAR_PAYLOAD_BASE, 64n)).toBe(false);
    expect(actions.writeMsr(IA32_RAR_CTRL, 1n)).toBe(false);
    expect(actions.writeMsr(IA32_RAR_INFO, 0n)).toBe(false);
    expect(actions.readMsr(IA32_RAR_INFO)).toBe(63n << 32n);
  });
});
