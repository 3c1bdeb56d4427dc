import {
  CPUID_HYPERVISOR_FIRST,
  CPUID_KVM,
  CPUID_PARAPET,
  KVM_FEATURE_PV_SCHED_YIELD,
  KVM_FEATURE_PV_SEND_IPI,
  KVM_FEATURE_PV_TLB_FLUSH,
  KVM_FEATURE_PV_UNHALT,
  KVM_FEATURE_STEAL_TIME,
  KVM_FEATURE_VCPU_STATE,
  KVM_SIGNATURE,
  PARAPET_SIGNATURE,
} from '../arch/hypervisorCpuid.ts';
import { type CpuidResult, hypervisorWords } from '../cpu/cpuid.ts';

/** Features of KVM's interface that this VMM has: each where it is implemented. */
const KVM_FEATURES: readonly number[] = [
  KVM_FEATURE_STEAL_TIME,
  KVM_FEATURE_PV_UNHALT,
  KVM_FEATURE_VCPU_STATE,
  KVM_FEATURE_PV_TLB_FLUSH,
  KVM_FEATURE_PV_SEND_IPI,
  KVM_FEATURE_PV_SCHED_YIELD,
];

/**
 * CPUID leaves of the hypervisor range. KVM's interface is where KVM puts it beside Hyper-V's; the VMM's own name has no features. The first leaf
 * says how far the range goes.
 */
const LEAVES: ReadonlyMap<number, CpuidResult> = new Map([
  [CPUID_HYPERVISOR_FIRST, [CPUID_PARAPET, ...hypervisorWords(PARAPET_SIGNATURE)]],
  [CPUID_KVM, [CPUID_KVM + 1, ...hypervisorWords(KVM_SIGNATURE)]],
  [CPUID_KVM + 1, [KVM_FEATURES.reduce((bits, bit) => bits | (1 << bit), 0), 0, 0, 0]],
  [CPUID_PARAPET, [CPUID_PARAPET, ...hypervisorWords(PARAPET_SIGNATURE)]],
]);

/** What a guest reads at a leaf of the hypervisor range; zeros where there is nothing. */
export const hypervisorLeaf = (leaf: number): CpuidResult => [...(LEAVES.get(leaf) ?? [0, 0, 0, 0])];
