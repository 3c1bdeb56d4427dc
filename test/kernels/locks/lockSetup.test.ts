/** What a lock that halts its waiters asks of the hypervisor before it is used. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CPUID_KVM, KVM_FEATURE_PV_UNHALT } from '../../../src/arch/hypervisorCpuid.ts';
import type { CpuidResult } from '../../../src/cpu/cpuid.ts';
import { LOCKS } from '../../../src/kernels/lib/locks/locks.ts';
import { quickRun, virtual } from '../../session/quickRun.ts';

/** Takes something away from what the hypervisor tells of itself. */
const missing = vi.hoisted(() => ({ take: (_leaf: number, words: CpuidResult): CpuidResult => words }));
vi.mock('../../../src/vmm/hypervisorLeaves.ts', async (original) => {
  const { hypervisorLeaf } = await original<typeof import('../../../src/vmm/hypervisorLeaves.ts')>();
  return { hypervisorLeaf: (leaf: number) => missing.take(leaf, hypervisorLeaf(leaf)) };
});

const KVM_FEATURES = CPUID_KVM + 1;
const halting = LOCKS.filter(({ hypercall }) => hypercall !== undefined).map(({ name }) => name);
const boot = (lock: string) => quickRun('overhead', { cores: 1, vmm: virtual(1, 1), lock, params: { iterations: '10' } });

afterEach(() => {
  missing.take = (_leaf, words) => words;
});

describe.each(halting)('%s', (lock) => {
  test('is used where the hypervisor offers to wake halted cores', () => expect(boot(lock).stop?.kind).toBe('power-off'));

  test('ends the run with one line where it does not (PV_UNHALT)', () => {
    missing.take = (leaf, [eax, ...others]) => [leaf === KVM_FEATURES ? eax & ~(1 << KVM_FEATURE_PV_UNHALT) : eax, ...others];
    const { serial, stop } = boot(lock);
    expect([serial, stop?.kind]).toEqual([`${lock}: the hypervisor lacks a feature that this needs\n`, 'debug-exit']);
  });

  test('ends the run with one line where the interface is not there', () => {
    missing.take = (leaf, words) => (leaf === CPUID_KVM ? [0, 0, 0, 0] : words);
    const { serial, stop } = boot(lock);
    expect([serial, stop?.kind]).toEqual([`${lock}: there is no hypervisor with the interface that this needs\n`, 'debug-exit']);
  });
});
