import {
  CPUID_HYPERV,
  HYPERV_ACCESS_HYPERCALL_MSRS,
  HYPERV_ACCESS_VP_INDEX,
  HYPERV_INTERFACE,
  HYPERV_LEAF_FEATURES,
  HYPERV_LEAF_LIMITS,
  HYPERV_LEAF_RECOMMENDATIONS,
  HYPERV_REMOTE_FLUSH_RECOMMENDED,
  HYPERV_SIGNATURE,
} from '../arch/hyperv.ts';
import {
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
 * CPUID leaves of the hypervisor range: Hyper-V's interface first, KVM's behind it, as KVM has both; then the VMM's own name, which has no features
 * (docs/adr/0011-two-paravirtual-interfaces.md).
 */
const LEAVES: ReadonlyMap<number, CpuidResult> = new Map([
  [CPUID_HYPERV, [CPUID_HYPERV + HYPERV_LEAF_LIMITS, ...hypervisorWords(HYPERV_SIGNATURE)]],
  [CPUID_HYPERV + 1, [HYPERV_INTERFACE, 0, 0, 0]],
  [CPUID_HYPERV + HYPERV_LEAF_FEATURES, [(1 << HYPERV_ACCESS_HYPERCALL_MSRS) | (1 << HYPERV_ACCESS_VP_INDEX), 0, 0, 0]],
  // Spinning is not to be reported: all ones.
  [CPUID_HYPERV + HYPERV_LEAF_RECOMMENDATIONS, [1 << HYPERV_REMOTE_FLUSH_RECOMMENDED, 0xffff_ffff, 0, 0]],
  // Virtual processors at most: as many as the mask of a flush call has bits.
  [CPUID_HYPERV + HYPERV_LEAF_LIMITS, [64, 0, 0, 0]],
  [CPUID_KVM, [CPUID_KVM + 1, ...hypervisorWords(KVM_SIGNATURE)]],
  [CPUID_KVM + 1, [KVM_FEATURES.reduce((bits, bit) => bits | (1 << bit), 0), 0, 0, 0]],
  [CPUID_PARAPET, [CPUID_PARAPET, ...hypervisorWords(PARAPET_SIGNATURE)]],
]);

/** What a guest reads at a leaf of the hypervisor range; zeros where there is nothing. */
export const hypervisorLeaf = (leaf: number): CpuidResult => [...(LEAVES.get(leaf) ?? [0, 0, 0, 0])];
