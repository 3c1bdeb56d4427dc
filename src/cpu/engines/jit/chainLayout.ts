/**
 * Where the chain of regions keeps what it knows, for each core: a direct-mapped table of entries, found by the address of a block.
 *
 *   byte 0    u64 key: linear address and context number (mmu/dataShortcut); 0 = empty, for no context has the number 0
 *   byte 8    i32 stamp: what `RegionChain` compares with the current one
 *   byte 12   i32 number of the region
 *   byte 16   i32 number of the block in it
 */
export const ENTRY_KEY = 0;
export const ENTRY_STAMP = 8;
export const ENTRY_REGION = 12;
export const ENTRY_BLOCK = 16;
export const ENTRY_BYTES_LOG2 = 5;
export const ENTRIES_LOG2 = 9;
/** Bytes of the machine's memory for each core. */
export const CHAIN_BYTES = 1 << (ENTRIES_LOG2 + ENTRY_BYTES_LOG2);
/** Bits of a context number in a key. */
export const CONTEXT_BITS = 12n;
/** 2^32 divided by the golden ratio: spreads addresses over the entries. */
export const SPREAD = 0x9e37_79b1 | 0;
