/**
 * Remote action requests (RAR) of Intel processors since Sapphire Rapids, as Linux patches of 2025 and Intel's pages describe them: a core writes what
 * is to be done into a payload table in memory, marks it pending in the action vector of each target, and sends a message by its APIC; the
 * target's microcode does it and says so in the action vector.
 *
 * Payload, 64 bytes: type in 15:8, subtype in 34:32, page size in 36:35, number of pages in 42:37; 0; CR3, PCID, VPID or EPTP; linear address.
 */
export const IA32_CORE_CAPABILITIES = 0xcf;
export const CORE_CAPABILITIES_RAR = 1 << 1;
/** CPUID.7:EDX: IA32_CORE_CAPABILITIES exists. */
export const CPUID_7_EDX_CORE_CAPABILITIES = 1 << 30;
export const CORE_CAPABILITIES_BIT = 30;

export const IA32_RAR_CTRL = 0xed;
export const IA32_RAR_ACT_VEC = 0xee;
export const IA32_RAR_PAYLOAD_BASE = 0xef;
/** Highest number of a payload, in 63:32. */
export const IA32_RAR_INFO = 0xf0;
export const RAR_CTRL_ENABLE = 0x8000_0000;
/** Served whatever RFLAGS.IF says. */
export const RAR_CTRL_IGNORE_IF = 1 << 30;

export const RAR_PAYLOADS = 64;
export const RAR_PAYLOAD_SIZE = 64;
export const RAR_PAYLOAD_SPACE = 16;
export const RAR_PAYLOAD_ADDRESS = 24;
export const RAR_TYPE_SHIFT = 8;
export const RAR_SUBTYPE_SHIFT = 32;
export const RAR_PAGES_SHIFT = 37;
export const RAR_TYPE_INVPCID = 2;
export const RAR_TYPE_INVEPT = 3;
/** Subtypes of INVPCID, INVEPT and INVVPID are the types of these instructions. Of the last two: assumed. */
export const RAR_TYPE_INVVPID = 4;

export const RAR_SUCCESS = 0x00;
export const RAR_PENDING = 0x01;
export const RAR_FAILURE = 0x80;
