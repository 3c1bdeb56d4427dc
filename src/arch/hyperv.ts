/**
 * Hyper-V's interface as far as it concerns flushes. TLFS: "Feature and Interface Discovery", "Hypercall Interface", "Virtual Processors: TLB".
 *
 * A hypercall is a call of the page that the hypervisor fills in: RCX = control (call code in 15:0, fast in 16, rep count in 43:32, rep start in 59:48),
 * RDX = guest-physical address of the input; RAX = result (status in 15:0, reps completed in 43:32).
 */
export const CPUID_HYPERV = 0x4000_0000;
export const HYPERV_SIGNATURE = 'Microsoft Hv';
/** EAX of the leaf after the base: "Hv#1". */
export const HYPERV_INTERFACE = 0x3123_7648;
/** Leaves after the base: privileges, recommendations, limits. */
export const HYPERV_LEAF_FEATURES = 3;
export const HYPERV_LEAF_RECOMMENDATIONS = 4;
export const HYPERV_LEAF_LIMITS = 5;
/** Numbers of bits in EAX of the first two. */
export const HYPERV_ACCESS_HYPERCALL_MSRS = 5;
export const HYPERV_ACCESS_VP_INDEX = 6;
export const HYPERV_REMOTE_FLUSH_RECOMMENDED = 2;

export const HV_X64_MSR_GUEST_OS_ID = 0x4000_0000;
export const HV_X64_MSR_HYPERCALL = 0x4000_0001;
export const HV_X64_MSR_VP_INDEX = 0x4000_0002;
export const HYPERCALL_PAGE_ENABLE = 1 << 0;

/**
 * What the hypercall page puts into RAX before VMCALL, so that the calls of both interfaces can be told apart: no hypercall of KVM's has the number.
 * It is this hypervisor's own business, since guests call the page.
 */
export const HYPERCALL_HYPERV = 0x8000_0000;

export const HVCALL_FLUSH_SPACE = 0x2;
export const HVCALL_FLUSH_LIST = 0x3;
export const HVCALL_FAST = 1n << 16n;
/** Input: address space (CR3), flags, processor mask; then the list, by call 3. An entry is a page's address with the number of further pages in 11:0. */
export const HVFLUSH_SPACE = 0;
export const HVFLUSH_FLAGS = 8;
export const HVFLUSH_PROCESSORS = 16;
export const HVFLUSH_LIST = 24;
export const HV_FLUSH_ALL_PROCESSORS = 1n << 0n;
export const HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES = 1n << 1n;
export const HV_FLUSH_NON_GLOBAL_MAPPINGS_ONLY = 1n << 2n;

export const HV_STATUS_SUCCESS = 0n;
export const HV_STATUS_INVALID_HYPERCALL_CODE = 2n;
export const HV_STATUS_INVALID_HYPERCALL_INPUT = 3n;
export const HV_STATUS_INVALID_ALIGNMENT = 4n;
export const HV_STATUS_INVALID_PARAMETER = 5n;
