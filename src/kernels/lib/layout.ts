/**
 * The memory map of the built-in kernels, drawn, then defined.
 *
 *   0x0000_0000_1000  the loader's tables and boot record (arch/platform); dead after boot, except the record
 *   0x0000_0001_0000  trampoline of the application processors: real-mode code, so below 1 MiB
 *   0x0000_0010_0000  the kernel: text, rodata, data, bss (per-core areas, stacks, its own page tables)
 *        image_end    page frames, handed out upwards (4 KB) and from the top downwards (2 MB) …
 *    end of memory    … at most 3 GiB: above it lie the devices
 *   0x0000_fee0_0000  local APIC (xAPIC mode)
 *   0x0001_0000_0000  end of the identity map: kernel only, global, 2 MB pages
 *   0x0040_0000_0000  the mapped region: 4 KB and 2 MB pages that scenarios map and unmap
 */
export const MAX_CORES = 64;
export const TRAMPOLINE = 0x1_0000;
export const IDENTITY_END = 0x1_0000_0000;
export const FRAMES_LIMIT = 0xc000_0000;
export const MAPPED_REGION = 0x40_0000_0000;

export const STACK_SHIFT = 14;
export const STACK_SIZE = 1 << STACK_SHIFT;
/** Stacks of double faults, NMIs and machine checks. */
export const EMERGENCY_STACK_SHIFT = 12;

/** Selectors; their order is what SYSCALL and SYSRET ask for. SDM: Vol. 3, "Fast System Calls in 64-Bit Mode". */
export const KERNEL_CS = 0x08;
export const KERNEL_DS = 0x10;
/** SYSRET takes SS from here + 8 and CS from here + 16. */
export const SYSRET_BASE = 0x18;
export const USER_DS = 0x23;
export const USER_CS = 0x2b;
/** Task-state segment of core n: FIRST_TSS + 16 n. */
export const FIRST_TSS = 0x30;

/** Vectors that the kernels use. */
export const VECTOR_TIMER = 0xe0;
export const VECTOR_PING = 0xe1;
export const VECTOR_CALL_FUNCTION = 0xf0;
export const VECTOR_SPURIOUS = 0xff;
