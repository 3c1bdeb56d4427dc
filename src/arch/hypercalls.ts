/**
 * Hypercalls by number: VMCALL with RAX = number; arguments RBX, RCX, RDX, RSI, RDI; result in RAX.
 * Numbers with a published home keep it.
 */
/** KVM_HC_KICK_CPU: wake a halted vCPU. RBX = flags (0), RCX = APIC id. */
export const HYPERCALL_KICK_CPU = 5;
/** KVM_HC_SCHED_YIELD: yield to a preempted vCPU. RBX = APIC id. */
export const HYPERCALL_SCHED_YIELD = 11;
/** Shoot4U (private number of the published patch): RBX = vCPU bitmap, RCX = start, RDX = end. */
export const HYPERCALL_SHOOT4U = 12;
/** Shoot4U: end = 0 means the one page at start; end = ~0 means everything of the address space. */
export const SHOOT4U_ONE_PAGE = 0n;
export const SHOOT4U_ALL = 0xffff_ffff_ffff_ffffn;
/** What an unknown hypercall answers in RAX: -ENOSYS, as KVM does. */
export const HYPERCALL_UNKNOWN = -1000n;

/** CPUID leaf of the hypervisor signature, and the signature this VMM answers in EBX, ECX, EDX. */
export const CPUID_HYPERVISOR = 0x4000_0000;
export const HYPERVISOR_SIGNATURE = 'ParapetVMM\0\0';
