/**
 * What a guest of KVM shares with its hypervisor: one record per vCPU in guest memory, whose guest-physical address the vCPU writes to an MSR with
 * bit 0 set. Linux: "KVM-specific MSRs".
 */
export const KVM_MSR_ENABLED = 1;
/** Both records are 64 bytes long and as far aligned. */
export const KVM_RECORD_SIZE = 64;

/** Steal time: u64 nanoseconds stolen, u32 version (odd while it changes), u32 flags, u8 preempted. */
export const MSR_KVM_STEAL_TIME = 0x4b56_4d03;
export const STEAL_TIME_STEAL = 0;
export const STEAL_TIME_VERSION = 8;
export const STEAL_TIME_PREEMPTED = 16;
/** Bits of `preempted`: the vCPU is not on a core; it must flush before it runs again. */
export const PREEMPTED_BIT = 1 << 0;
export const PREEMPTED_FLUSH_BIT = 1 << 1;

/** vCPU state, of the 2012 series (the number is another one's today): u64 state. */
export const MSR_KVM_VCPU_STATE = 0x4b56_4d05;
export const VCPU_STATE_IN_GUEST = 1 << 0;
export const VCPU_STATE_SHOULD_FLUSH = 1 << 1;
