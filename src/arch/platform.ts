/**
 * The platform contract between the machine and every guest: ports, the direct 64-bit entry, the boot record.
 *
 * Direct entry (built-in guests and plain ELF64 images): the boot processor starts at the image's entry point in
 * 64-bit mode at CPL 0 with interrupts off, paging on over an identity map of the first 4 GiB (2 MB pages,
 * writable, supervisor), flat segments, RSP just below BOOT_STACK_TOP and RDI = guest-physical address of the boot record; SSE is
 * enabled, and the x87 unit as after FNINIT. Application processors wait for INIT and STARTUP.
 */

/** 16550 UART base port. */
export const PORT_SERIAL = 0x3f8;
/** Debug console: a byte written is a byte printed (as Bochs and QEMU have it). */
export const PORT_DEBUGCON = 0xe9;
/** Debug exit: a 32-bit (or narrower) write ends the run with status (value << 1) | 1, as QEMU maps it. */
export const PORT_DEBUG_EXIT = 0xf4;
/** Power-off: writing the 16-bit POWER_OFF_VALUE ends the run with status 0. */
export const PORT_POWER_OFF = 0x604;
export const POWER_OFF_VALUE = 0x2000;

/** Low memory that the loader fills before a direct entry: free for the guest once it has its own tables. */
export const BOOT_GDT = 0x1000;
export const BOOT_RECORD = 0x2000;
export const BOOT_PML4 = 0x3000;
/** Six page tables from BOOT_PML4 on: PML4, PDPT, four page directories. */
export const BOOT_TABLES_END = 0x9000;
export const BOOT_STACK_TOP = 0x1_0000;
/** Real-mode trampolines for application processors may live in [BOOT_LOW_FREE, 0xa0000). */
export const BOOT_LOW_FREE = 0x1_0000;
/** Built-in guests are linked here (1 MiB). */
export const GUEST_IMAGE_BASE = 0x10_0000;

/** Selectors of the boot GDT. */
export const BOOT_CS = 0x08;
export const BOOT_DS = 0x10;

/** Boot record, little-endian; all fields 8-byte aligned. */
export const BOOT_RECORD_MAGIC = 0x5041_5241; // "ARAP" in memory order: Parapet's mark
export const BOOT_MAGIC_OFFSET = 0; // u64
export const BOOT_CORES_OFFSET = 8; // u64: number of processors; APIC ids are 0..n-1
export const BOOT_MEMORY_OFFSET = 16; // u64: bytes of RAM, starting at address 0
export const BOOT_TSC_HZ_OFFSET = 24; // u64: TSC frequency
export const BOOT_COMMAND_LINE_OFFSET = 32; // u64: address of a zero-terminated string
export const BOOT_SEED_OFFSET = 40; // u64: seed of the run
export const BOOT_COMMAND_LINE_TEXT = 0x2100;
export const BOOT_COMMAND_LINE_MAX = 0xe00;
