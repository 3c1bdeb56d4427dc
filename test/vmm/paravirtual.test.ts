import { describe, expect, test } from 'vitest';
import { HYPERCALL_UNKNOWN } from '../../src/arch/hypercalls.ts';
import { HV_X64_MSR_GUEST_OS_ID, HV_X64_MSR_HYPERCALL } from '../../src/arch/hyperv.ts';
import { MSR_KVM_STEAL_TIME } from '../../src/arch/kvmRecords.ts';
import { Machine } from '../../src/machine/machine.ts';
import { ivybridge } from '../../src/machine/profiles/ivybridge.ts';
import { OPERATION_INVVPID_ADDRESS, OPERATION_INVVPID_CONTEXT } from '../../src/trace/events.ts';
import { noProbe } from '../../src/trace/probe.ts';
import { FLUSH_QUEUE_LENGTH, FlushQueue } from '../../src/vmm/flushQueue.ts';
import { hyperv } from '../../src/vmm/hypercalls/hyperv.ts';
import { rangeOf } from '../../src/vmm/hypercalls/shoot4uPolicies.ts';
import { hypervisorLeaf } from '../../src/vmm/hypervisorLeaves.ts';
import { PARAVIRTUAL_MSRS } from '../../src/vmm/msrs/registry.ts';
import { roundRobin } from '../../src/vmm/schedulers/roundRobin.ts';
import { flushOfContext, flushOfPages } from '../../src/vmm/translationFlush.ts';
import { Vmm } from '../../src/vmm/vmm.ts';

function virtualMachine() {
  const machine = new Machine({ profile: ivybridge, cores: 2, memory: 16 * 1024 ** 2, engine: 'reference', probe: noProbe });
  const vmm = new Vmm(machine, { vms: 1, vcpus: 2, vmMemory: 4 * 1024 ** 2, scheduler: roundRobin, slice: 100_000, seed: 0 });
  const [pcpu, vm] = [vmm.pcpus[0]!, vmm.vms[0]!];
  const write = (msr: number, value: bigint) => PARAVIRTUAL_MSRS.get(msr)!.write(vm.vcpus[0]!, value, pcpu);
  return { machine, vmm, pcpu, vm, vcpu: vm.vcpus[0]!, other: vm.vcpus[1]!, write };
}

describe('a guest finds', () => {
  const signature = (leaf: number) => Buffer.from(Uint32Array.from(hypervisorLeaf(leaf).slice(1)).buffer).toString('latin1');

  test("Hyper-V's interface, KVM's and this hypervisor's name, 0x100 apart; the first says how many leaves of its own there are", () => {
    expect([0, 0x100, 0x200].map((at) => signature(0x4000_0000 + at))).toEqual(['Microsoft Hv', 'KVMKVMKVM\0\0\0', 'ParapetVMM\0\0']);
    expect([hypervisorLeaf(0x4000_0000)[0], hypervisorLeaf(0x4000_0100)[0]]).toEqual([0x4000_0005, 0x4000_0101]);
    expect(hypervisorLeaf(0x4000_0001)[0]).toBe(0x3123_7648);
    expect(hypervisorLeaf(0x4000_0300)).toEqual([0, 0, 0, 0]);
  });
});

describe('a queue of flushes', () => {
  test('is carried out once, in order; one too many makes it one flush of everything', () => {
    const { pcpu, vcpu } = virtualMachine();
    const { invalidations } = pcpu.core.mmu;
    const queue = new FlushQueue();
    const all = flushOfContext(vcpu);
    for (let page = 0; page < FLUSH_QUEUE_LENGTH; page++) queue.add(flushOfPages(vcpu, page * 4096, 1), all);
    queue.drain(pcpu.core);
    queue.drain(pcpu.core);
    expect([invalidations[OPERATION_INVVPID_ADDRESS], invalidations[OPERATION_INVVPID_CONTEXT]]).toEqual([FLUSH_QUEUE_LENGTH, 0]);
    for (let page = 0; page <= FLUSH_QUEUE_LENGTH; page++) queue.add(flushOfPages(vcpu, page * 4096, 1), all);
    queue.drain(pcpu.core);
    expect([invalidations[OPERATION_INVVPID_ADDRESS], invalidations[OPERATION_INVVPID_CONTEXT]]).toEqual([FLUSH_QUEUE_LENGTH, 1]);
    expect(queue.isEmpty).toBe(true);
  });
});

describe('a record that a guest shares', () => {
  test.each([
    ['beyond its memory', 0x40_0001n],
    ['at the far end of addresses', 0xffff_ffff_ffff_ffc1n],
    ['that is not aligned', 0x1021n],
  ])('is refused %s', (_what, value) => {
    expect(virtualMachine().write(MSR_KVM_STEAL_TIME, value)).toBe(false);
  });

  test('is taken, and can be taken back', () => {
    const { write, vcpu } = virtualMachine();
    expect([write(MSR_KVM_STEAL_TIME, 0x1041n), vcpu.stealTime.isShared, write(MSR_KVM_STEAL_TIME, 0n), vcpu.stealTime.isShared]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe("Hyper-V's calls", () => {
  const INPUT = 0x2000;
  const LIST_OF_ONE = (1n << 32n) | 3n;

  /** The result of a call with this control and input, in a machine whose second vCPU has run on the second core. */
  function call(control: bigint, input = BigInt(INPUT), words: readonly bigint[] = [0n, 0n, 0b11n, 0x40_0000n]) {
    const made = virtualMachine();
    made.other.lastRan = made.vmm.pcpus[1];
    made.write(HV_X64_MSR_GUEST_OS_ID, 1n);
    made.write(HV_X64_MSR_HYPERCALL, 0x1001n);
    for (const [at, word] of words.entries()) made.pcpu.core.storePhysical(8, made.vm.base + INPUT + 8 * at, word);
    const hypercall = {
      number: 0,
      vcpu: made.vcpu,
      arguments: [0n, control, input, 0n, 0n] as const,
      started: 0,
      progress: 0n,
      result: 0n,
    };
    const complete = hyperv.advance(hypercall, made.pcpu);
    return { ...made, complete, result: hypercall.result };
  }

  test('leave a flush for a vCPU that does not run, and do not wait for it', () => {
    const { complete, result, other, vcpu } = call(LIST_OF_ONE);
    expect([complete, result, other.flushes.isEmpty, vcpu.flushes.isEmpty]).toEqual([true, 1n << 32n, false, true]);
  });

  test.each([
    ['an unknown code', 0x77n, undefined, 2n],
    ['register input', LIST_OF_ONE | (1n << 16n), undefined, 3n],
    ['a list without entries', 3n, undefined, 3n],
    ['an unaligned input', LIST_OF_ONE, 0x2004n, 4n],
    ['an input that crosses a page', LIST_OF_ONE, 0x2ff0n, 4n],
    ['an input beyond the memory', LIST_OF_ONE, 0x40_0000n, 5n],
  ] as const)('refuse %s', (_what, control, input, status) => {
    const { result, other } = call(control, input);
    expect([result, other.flushes.isEmpty]).toEqual([status, true]);
  });

  test('refuse flags that do not exist', () => {
    expect(call(LIST_OF_ONE, undefined, [0n, 1n << 9n, 0b11n, 0n]).result).toBe(5n);
  });

  test('do not exist before the guest has said who it is and where its page lies', () => {
    const { vcpu, pcpu, vm, write } = virtualMachine();
    expect(write(HV_X64_MSR_HYPERCALL, 0x1001n)).toBe(true);
    expect(vm.hyperv.hypercallPage).toBe(0n);
    const hypercall = { number: 0, vcpu, arguments: [0n, 2n, 0n, 0n, 0n] as const, started: 0, progress: 0n, result: 0n };
    expect([hyperv.advance(hypercall, pcpu), hypercall.result]).toEqual([true, HYPERCALL_UNKNOWN]);
    write(HV_X64_MSR_GUEST_OS_ID, 1n);
    expect(write(HV_X64_MSR_HYPERCALL, 0x40_0001n)).toBe(false);
  });
});

test('a range that is empty, backwards or endless counts as everything', () => {
  for (const end of [0x1000n, 0x0800n, 0xffff_ffff_ffff_ffffn, 0x7fff_ffff_f000n])
    expect(rangeOf(0x1000n, end).pages).toBe(Number.POSITIVE_INFINITY);
  expect(rangeOf(0x1234n, 0n)).toEqual({ la: 0x1000, pages: 1 });
  expect(rangeOf(0x1000n, 0x3001n)).toEqual({ la: 0x1000, pages: 3 });
});
