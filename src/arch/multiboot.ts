/**
 * The Multiboot 1 protocol as data: header, state at the entry, information structure.
 *
 * Multiboot: Specification 0.6.96, "The layout of Multiboot header", "Machine state", "Boot information format".
 */
export const MULTIBOOT_HEADER_MAGIC = 0x1bad_b002;
/** What EAX holds at the entry. */
export const MULTIBOOT_LOADER_MAGIC = 0x2bad_b002;
/** The header lies entirely within so many bytes of the file, at a multiple of 4. */
export const MULTIBOOT_SEARCH_BYTES = 8192;

/** Flags of the header. A loader that does not know one of the low 16 must refuse the image. */
export const MULTIBOOT_PAGE_ALIGN = 1 << 0;
export const MULTIBOOT_MEMORY_INFO = 1 << 1;
export const MULTIBOOT_VIDEO_MODE = 1 << 2;
export const MULTIBOOT_REQUIRED = 0xffff;
export const MULTIBOOT_ADDRESSES = 1 << 16;

/** Offsets in the header, each a u32. */
export const MULTIBOOT_HEADER_BYTES = 12;
export const MULTIBOOT_FLAGS_OFFSET = 4;
export const MULTIBOOT_CHECKSUM_OFFSET = 8;
export const MULTIBOOT_HEADER_ADDRESS_OFFSET = 12;
export const MULTIBOOT_LOAD_ADDRESS_OFFSET = 16;
export const MULTIBOOT_LOAD_END_OFFSET = 20;
export const MULTIBOOT_BSS_END_OFFSET = 24;
export const MULTIBOOT_ENTRY_OFFSET = 28;
export const MULTIBOOT_ADDRESSES_END = 32;

/** Flags of the information structure: which of its fields hold something. */
export const INFO_MEMORY = 1 << 0;
export const INFO_COMMAND_LINE = 1 << 2;
export const INFO_MODULES = 1 << 3;
export const INFO_MEMORY_MAP = 1 << 6;
export const INFO_LOADER_NAME = 1 << 9;

/** Offsets in the information structure, each a u32. Memory is in KiB: below 640 KiB, and from 1 MiB up to the first hole. */
export const INFO_MEMORY_LOWER_OFFSET = 4;
export const INFO_MEMORY_UPPER_OFFSET = 8;
export const INFO_COMMAND_LINE_OFFSET = 16;
export const INFO_MODULES_COUNT_OFFSET = 20;
export const INFO_MODULES_OFFSET = 24;
export const INFO_MEMORY_MAP_LENGTH_OFFSET = 44;
export const INFO_MEMORY_MAP_OFFSET = 48;
export const INFO_LOADER_NAME_OFFSET = 64;
export const INFO_BYTES = 116;

/** A module: start, end, address of its string, zero. */
export const MODULE_BYTES = 16;
/** An entry of the memory map: u32 size of what follows (20), u64 base, u64 length, u32 type. */
export const MEMORY_MAP_ENTRY_BYTES = 24;
export const MEMORY_AVAILABLE = 1;
export const MEMORY_RESERVED = 2;
