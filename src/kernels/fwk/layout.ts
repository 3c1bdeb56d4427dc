/**
 * What the full-weight kernel counts and where user programs live.
 *
 * The kernel itself is where every built-in kernel is (lib/layout): an identity map of the first 4 GiB, supervisor only and global, shared by
 * all address spaces through the first entry of their PML4. User programs have everything from the second entry on:
 *
 *   0x0000_0080_0000_0000  USER_BASE: nothing is mapped below it
 *   0x0000_0080_0040_0000  PROGRAM_BASE: text, data and bss of the program, then its heap, which `brk` moves
 *   0x0000_7f00_0000_0000  MMAP_TOP: mmap places mappings downwards from here
 *   0x0000_7fff_ffff_f000  USER_END, and the top of the first thread's stack, as in Linux
 */
export const USER_BASE = 0x80_0000_0000;
export const PROGRAM_BASE = USER_BASE + 0x40_0000;
export const MMAP_TOP = 0x7f00_0000_0000;
export const USER_END = 0x7fff_ffff_f000;
/** Bytes that the first thread's stack may grow to; mapped as it is touched. */
export const USER_STACK_SIZE = 0x10_0000;

/** Page-table entries of a PML4 that are the kernel's: entry 0 alone. */
export const USER_PML4_FIRST = 1;
export const USER_PML4_END = 256;

export const PROCESSES_SHIFT = 6;
export const MAX_PROCESSES = 1 << PROCESSES_SHIFT;
export const MAX_THREADS = 512;
/** A thread's record and, above it, its kernel stack. */
export const THREAD_SHIFT = 13;
/** Mappings of one address space. */
export const MAX_VMAS = 512;
/** Open files of a process; pipes, and pairs of sockets, of all. */
export const MAX_FILES = 1024;
export const MAX_PIPES = 512;
export const MAX_SOCKET_PAIRS = 512;

/** PCIDs of address spaces: 0 is the loader's, 1 the kernel's own (lib/boot). */
export const FIRST_PCID = 2;
/** PCID of every address space when the kernel is built without PCIDs. */
export const COMMON_PCID = 1;

export const VECTOR_RESCHEDULE = 0xf1;
