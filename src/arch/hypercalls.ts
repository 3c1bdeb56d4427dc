/**
 * Hypercalls by number: VMCALL with RAX = number; arguments RBX, RCX, RDX, RSI, RDI; result in RAX.
 * Numbers with a published home keep it.
 */
/** KVM_HC_KICK_CPU: wake a halted vCPU. RBX = flags (0), RCX = APIC id. */
export const HYPERCALL_KICK_CPU = 5;
/** KVM_HC_SEND_IPI: RBX, RCX = 128-bit bitmap, bit 0 of which is APIC id RDX; RSI = ICR. Answers the number of targets. */
export const HYPERCALL_SEND_IPI = 10;
/** KVM_HC_SCHED_YIELD: yield to a preempted vCPU. RBX = APIC id. */
export const HYPERCALL_SCHED_YIELD = 11;
/** Shoot4U (private number of the published patch): RBX = vCPU bitmap, RCX = start, RDX = end. */
export const HYPERCALL_SHOOT4U = 12;
/** Shoot4U: end = 0 means the one page at start; end = ~0 means everything of the address space. */
export const SHOOT4U_ONE_PAGE = 0n;
export const SHOOT4U_ALL = 0xffff_ffff_ffff_ffffn;
/** What an unknown hypercall answers in RAX: -ENOSYS, as KVM does. */
export const HYPERCALL_UNKNOWN = -1000n;

/**
 * How the host serves hypercall 12: a module parameter in the published patch, no part of the interface.
 * `mode0` to `mode3` are those of its last version, `fine` is the fine mode of its first version, `multicast` interrupts all cores at once,
 * `rar` interrupts none.
 */
export const SHOOT4U_POLICIES = ['mode0', 'mode1', 'mode2', 'mode3', 'fine', 'multicast', 'rar'] as const;
export type Shoot4uPolicy = (typeof SHOOT4U_POLICIES)[number];
