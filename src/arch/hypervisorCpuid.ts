/**
 * CPUID leaves by which guests find out about their hypervisor. Each interface has a base leaf that answers with the highest leaf of its own
 * in EAX and its signature in EBX, ECX, EDX; bases lie 0x100 apart from 0x4000_0000 on, and a guest looks for the signature it knows.
 */
export const CPUID_HYPERVISOR_FIRST = 0x4000_0000;
export const CPUID_HYPERVISOR_LAST = 0x4000_ffff;
/** Distance of two bases. */
export const CPUID_HYPERVISOR_STEP = 0x100;

/** Who this hypervisor is. No features: it is found through the interfaces it offers. */
export const CPUID_PARAPET = 0x4000_0200;
export const PARAPET_SIGNATURE = 'ParapetVMM\0\0';

/** KVM's interface, where KVM has it when it offers Hyper-V's too. Features in EAX of the leaf after the base. Linux: "KVM CPUID bits". */
export const CPUID_KVM = 0x4000_0100;
export const KVM_SIGNATURE = 'KVMKVMKVM\0\0\0';
/** Numbers of feature bits. */
export const KVM_FEATURE_STEAL_TIME = 5;
/** HYPERCALL_KICK_CPU. */
export const KVM_FEATURE_PV_UNHALT = 7;
/** The vCPU-state record of the 2012 series that never was merged (scheme `kvmtlb`). */
export const KVM_FEATURE_VCPU_STATE = 8;
/** `preempted` of the steal-time record takes requests for a flush. */
export const KVM_FEATURE_PV_TLB_FLUSH = 9;
export const KVM_FEATURE_PV_SEND_IPI = 11;
export const KVM_FEATURE_PV_SCHED_YIELD = 13;
